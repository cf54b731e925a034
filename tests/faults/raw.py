"""Bytes to a server and back, with no HTTP client between that would put them right."""

from __future__ import annotations

import re
import socket
import time
from types import TracebackType
from urllib.parse import urlsplit

from tests.faults.live import Answer

TIMEOUT_S = 20
HOST = b"Host: slotlink.test\r\n"


class Raw:
    """One connection to a server."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname or "", parts.port or 80), timeout=TIMEOUT_S)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._unread = b""
        self.heard_at: float | None = None  # when the server first said something
        self.was_reset = False

    def __enter__(self) -> Raw:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None):
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> Answer:
        """The next answer, whole; what comes after it is left."""
        while True:
            head, found, rest = self._unread.partition(b"\r\n\r\n")
            if found:
                length = re.search(rb"(?i)\r\ncontent-length: (\d+)", head)
                size = int(length[1]) if length else 0
                if len(rest) >= size:
                    self._unread = rest[size:]
                    return Answer(head + found + rest[:size])
            self._read_more()

    def rest(self) -> bytes:
        """Everything until the server closes."""
        while True:
            try:
                self._read_more()
            except ConnectionError as error:  # what had come by then was read
                self.was_reset = isinstance(error, ConnectionResetError)
                unread, self._unread = self._unread, b""
                return unread

    def answers_until_closed(self) -> list[int]:
        """The status codes of everything that is said until the server closes."""
        return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3})", self.rest())]

    def _read_more(self) -> None:
        chunk = self.socket.recv(65536)
        self.heard_at = self.heard_at or time.monotonic()
        if not chunk:
            raise ConnectionError("closed by the server")
        self._unread += chunk


def asked(method: str, path: str, *headers: str, body: bytes = b"") -> bytes:
    """A well-formed request with these headers and a Host."""
    lines = [f"{method} {path} HTTP/1.1", "Host: slotlink.test", *headers, "", ""]
    return "\r\n".join(lines).encode() + body
