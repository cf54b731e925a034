"""Signatures: the published check vectors, and the headers verified by a second, independent hand."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest

from slotlink.domain.callback import completed_body, no_times_body, signature_headers

WELL_KNOWN = b'{"example":"well-known"}'
# calendars.md 7.5 and scheduling.md 15.1. The last two belong to bodies that are published in the clients' own tests.
VECTORS = {
    "pDY0Oi7TJSP2hfNmZNkm5": "6r2/HjBkqymGegX0wOfifieeUXbbHwtV/LohHS+jv6c=",
    "CRN_NggYusqPGLxwjw5FHOJYOqSrTPNXy8WQf14OID": "5DxentQi5YSXODEzTVv06sRwJ3pULIz1KrYv20qxEK0=",
    "CRN_nGlYDFXwfSXgB9rvGNBJyfE454GGPtWIbNuPwr": "BmQmWVuZ70ILWjr1CAt5oC7YOolgnku4WZtlrKfx/6k=",
    "opposable thumbs": "38ArsN7+J/O8joGsgirVEdV16a/+eb+5QgHGIiuv4hk=",
    "clientSecret": "QuGlxxssNDaxUjd6RY4wxGf+5KDrmobMmjkGQPtB3WQ=",
}
ITEM, AT = "msg_0123456789abcdef01234567", 1_804_150_800


@pytest.mark.parametrize("secret", VECTORS)
def test_the_published_vectors_hold(secret: str) -> None:
    assert signature_headers(WELL_KNOWN, ITEM, [secret], AT)["Cronofy-HMAC-SHA256"] == VECTORS[secret]


def test_two_secrets_give_two_digests_joined_by_a_bare_comma() -> None:
    secrets = list(VECTORS)[:2]
    headers = signature_headers(WELL_KNOWN, ITEM, secrets, AT)
    assert headers["Cronofy-HMAC-SHA256"] == f"{VECTORS[secrets[0]]},{VECTORS[secrets[1]]}"
    assert headers["webhook-signature"].split(" ") == [
        signature_headers(WELL_KNOWN, ITEM, [secret], AT)["webhook-signature"] for secret in secrets
    ]


def test_standard_webhooks_headers_verify_independently() -> None:
    body = '{"résumé":"🗓"}'.encode()
    secret = "CRN_clé"
    headers = signature_headers(body, ITEM, [secret], AT)
    assert headers["webhook-id"] == ITEM and headers["webhook-timestamp"] == str(AT)
    version, _, signature = headers["webhook-signature"].partition(",")
    assert version == "v1"
    signed = f"{ITEM}.{AT}.".encode() + body
    assert base64.b64decode(signature, validate=True) == hmac_by_hand(secret.encode(), signed)


def test_the_second_hand_agrees_with_the_published_vectors() -> None:
    for secret, expected in VECTORS.items():
        assert base64.b64encode(hmac_by_hand(secret.encode(), WELL_KNOWN)).decode() == expected


@pytest.mark.parametrize("changed", ["body", "id", "time", "secret"])
def test_a_signature_fits_nothing_else(changed: str) -> None:
    of = {"body": WELL_KNOWN, "id": ITEM, "time": AT, "secret": "one"}
    other = of | {changed: {"body": WELL_KNOWN + b" ", "id": ITEM + "0", "time": AT + 1, "secret": "two"}[changed]}
    one, two = (
        signature_headers(values["body"], values["id"], [values["secret"]], values["time"]) for values in (of, other)
    )
    assert one["webhook-signature"] != two["webhook-signature"]
    assert (one["Cronofy-HMAC-SHA256"] != two["Cronofy-HMAC-SHA256"]) == (changed in ("body", "secret"))


def test_bodies_carry_what_the_specification_says() -> None:
    event = {"event_id": "e", "start": {"time": "2027-03-05T09:00:00Z", "tzid": "Europe/London"}}
    link = {"real_time_scheduling_id": "sch_1", "status": "completed"}
    completed = completed_body(event=event, subs=["apc_1", "apc_2"], visitor_tzid="Europe/Paris", link=link, at=AT)
    assert list(completed)[:3] == ["event", "participants", "user"], "the documented members first (scheduling.md 15.2)"
    assert completed["participants"] == [{"sub": "apc_1"}, {"sub": "apc_2"}]
    assert completed["user"] == {"tzid": "Europe/Paris"} and completed["event"] == event
    assert completed["notification"] == {
        "type": "real_time_scheduling_completed",
        "triggered_at": "2027-03-04T09:00:00Z",
    }
    for note, user in ((None, {"tzid": "Etc/UTC"}), ("evenings?", {"tzid": "Etc/UTC", "note": "evenings?"})):
        body = no_times_body("no_times_suitable", event=event, visitor_tzid="Etc/UTC", note=note, link=link, at=AT)
        assert body["user"] == user and body["notification"]["type"] == "real_time_scheduling_no_times_suitable"
        assert json.loads(json.dumps(body)) == body


def hmac_by_hand(key: bytes, message: bytes) -> bytes:
    """RFC 2104, written out: nothing of it is shared with the code under test."""
    block = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in block) + inner).digest()
