"""Why no answer came, told to an operator: in our words, whatever the exception carries along."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from slotlink.worker.deliver_callback import in_words

SECRET = "s3cret"
URL = f"https://receiver.test/hook?key={SECRET}"
KEY: Any = SimpleNamespace(host="receiver.test", port=443, is_ssl=True, ssl=True)
INFO: Any = SimpleNamespace(real_url=URL, url=URL, method="POST", headers={})


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (TimeoutError(), "no answer in time"),
        (aiohttp.ConnectionTimeoutError(f"Connection timeout to host {URL}"), "could not connect within 5 s"),
        (aiohttp.ClientConnectorError(KEY, OSError(111, SECRET)), "could not connect: Connection refused"),
        (aiohttp.ClientConnectorError(KEY, OSError(SECRET)), "could not connect: OSError"),
        (aiohttp.ClientConnectorSSLError(KEY, ssl.SSLError(1, SECRET)), "no TLS connection: Operation not permitted"),
        (aiohttp.ClientConnectorCertificateError(KEY, ssl.CertificateError(SECRET)), "the certificate was refused: "),
        (aiohttp.ClientConnectorDNSError(KEY, OSError(SECRET)), "the name receiver.test was not found"),
        (aiohttp.ClientResponseError(INFO, (), message=SECRET), "what came is no HTTP answer"),
        (aiohttp.ServerDisconnectedError(SECRET), "the connection was closed without an answer"),
        (aiohttp.ClientOSError(104, SECRET), "the connection broke: Connection reset by peer"),
        (aiohttp.InvalidUrlClientError(URL), "the URL cannot be called"),
        (aiohttp.NonHttpUrlClientError(URL), "the URL cannot be called"),
        (aiohttp.ClientPayloadError(SECRET), "ClientPayloadError"),
        (ValueError(SECRET), "ValueError"),
    ],
)  # fmt: skip
def test_each_failure_has_its_words_and_tells_no_secret(error: Exception, words: str) -> None:
    assert in_words(error).startswith(words)
    assert SECRET not in in_words(error)
