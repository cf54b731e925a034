"""Secrets at rest."""

from __future__ import annotations

import pytest

from slotlink.errors import ConfigurationError
from slotlink.vault import Vault, new_key, parse_key

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
    sealed = bytearray(vault.seal("CRN_secret", "row"))
    sealed[-1] ^= 1
    with pytest.raises(ConfigurationError, match="was altered"):
        vault.open(bytes(sealed), "row")


def test_old_values_open_as_long_as_their_key_is_in_the_ring() -> None:
    sealed = Vault([OLD]).seal("CRN_secret", "row")
    ring = Vault([NEW, OLD])
    assert ring.open(sealed, "row") == "CRN_secret"
    assert ring.seal("x", "row")[:8] == Vault([NEW]).newest
    with pytest.raises(ConfigurationError, match="put that key back"):
        Vault([NEW]).open(sealed, "row")


def test_the_same_secret_never_seals_to_the_same_bytes() -> None:
    vault = Vault([NEW])
    assert vault.seal("x", "row") != vault.seal("x", "row")


def test_a_key_added_in_front_keeps_form_tokens_working() -> None:
    assert Vault([OLD]).form_key == Vault([NEW, OLD]).form_key != Vault([NEW]).form_key
