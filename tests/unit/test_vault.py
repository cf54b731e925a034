"""Secrets at rest."""

from __future__ import annotations

import base64

import pytest
from itsdangerous import BadSignature, URLSafeSerializer

from slotlink.errors import ConfigurationError
from slotlink.vault import Vault, key_id, new_key, parse_key, row_name, sealed_by

OLD, NEW = parse_key(new_key()), parse_key(new_key())


def test_what_was_sealed_opens_for_its_own_row_only() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("CRN_secret", "client_secrets/a/1")
    assert vault.open(sealed, "client_secrets/a/1") == "CRN_secret"
    assert b"CRN_secret" not in sealed
    with pytest.raises(ConfigurationError, match="belongs to another row"):
        vault.open(sealed, "client_secrets/a/2")


def test_an_altered_value_does_not_open() -> None:
    vault = Vault([NEW])
    sealed = vault.seal("CRN_secret", "row")
    for position in range(8, len(sealed)):  # the first eight name the key
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(ConfigurationError, match="was altered"):
            vault.open(bytes(altered), "row")
        with pytest.raises(ConfigurationError, match="was altered"):
            vault.open(sealed[:position], "row")


def test_old_values_open_as_long_as_their_key_is_in_the_ring() -> None:
    sealed = Vault([OLD]).seal("CRN_secret", "row")
    ring = Vault([NEW, OLD])
    assert ring.open(sealed, "row") == "CRN_secret"
    assert ring.seal("x", "row")[:8] == Vault([NEW]).newest
    assert sealed_by(sealed) == ring.key_ids[1] == key_id(OLD).hex()
    with pytest.raises(ConfigurationError, match=f"key {ring.key_ids[1]}.*put that key back"):
        Vault([NEW]).open(sealed, "row")


def test_the_same_secret_never_seals_to_the_same_bytes() -> None:
    vault = Vault([NEW])
    assert vault.seal("x", "row") != vault.seal("x", "row")


def test_what_is_signed_for_a_page_lasts_while_its_key_is_in_the_ring() -> None:
    """Before, during and after a rotation: a page that was opened with the new key survives the old one's end."""

    def signer(*keys: bytes) -> URLSafeSerializer:
        return URLSafeSerializer(Vault(keys).form_keys, salt="form token")

    before, during = signer(OLD).dumps("x"), signer(NEW, OLD).dumps("x")
    for ring in ((OLD,), (OLD, NEW), (NEW, OLD)):
        assert signer(*ring).loads(before) == "x"
    for ring in ((OLD, NEW), (NEW, OLD), (NEW,)):
        assert signer(*ring).loads(during) == "x"
    with pytest.raises(BadSignature):
        signer(NEW).loads(before)
    with pytest.raises(BadSignature):
        signer(OLD).loads(during)


def test_a_row_is_named_by_its_table_and_its_key() -> None:
    assert row_name("links", "a", "sch_1") == "links/a/sch_1"
    assert row_name("idempotency_keys", "a", b"\x00\xff") == "idempotency_keys/a/00ff"


def test_a_check_value_tells_whether_a_key_opens() -> None:
    ring = Vault([NEW, OLD])
    newest, oldest = ring.key_ids
    value = ring.check_value(oldest)
    assert Vault([OLD]).opens_check_value(oldest, value)
    assert not ring.opens_check_value(newest, value)
    assert not ring.opens_check_value(oldest, value[:-1]) and not ring.opens_check_value(oldest, b"")
    assert not ring.opens_check_value(oldest, ring.seal("something else", row_name("keys_in_use", oldest)))


@pytest.mark.parametrize("text", ["short", "ü" * 44, "=" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_text_that_is_no_key_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="slotlink doctor --new-key") as caught:
        parse_key(text)
    assert text not in str(caught.value)
