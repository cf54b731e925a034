"""Secrets at rest: AES-256-GCM, the key outside the database, the row's name as associated data.

A sealed value is 8 bytes key id, 12 bytes nonce, ciphertext with its tag. Moved to another row it does not open.
A key's id is the beginning of its SHA-256: it names the key, in hex, and tells nothing of it.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from slotlink.errors import ConfigurationError

KEY_BYTES = 32
ID_BYTES = 8
NONCE_BYTES = 12
_CHECK_TEXT = "this key opens what it sealed"


class Vault:
    """Seals with the newest key, opens with whichever key sealed. `keys`: newest first, 32 bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ConfigurationError("SLOTLINK_SECRET_KEYS is empty; give at least one key (slotlink doctor --new-key)")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.newest = key_id(keys[0])
        self.key_ids = tuple(identity.hex() for identity in self._ciphers)  # newest first
        # Oldest first, as itsdangerous wants them: the newest signs, and what any of them signed is still ours.
        self.form_keys = [hashlib.sha256(b"slotlink form token" + key).digest() for key in reversed(keys)]

    def seal(self, secret: str, row: str) -> bytes:
        return self._seal(self.newest, secret, row)

    def open(self, sealed: bytes, row: str) -> str:
        """Raises ConfigurationError when the key is missing or the value is not this row's."""
        cipher = self._ciphers.get(sealed[:ID_BYTES])
        if cipher is None:
            raise ConfigurationError(
                f"a stored secret was sealed with key {sealed_by(sealed)}, which SLOTLINK_SECRET_KEYS no longer "
                "holds; put that key back at the end of the list"
            )
        try:
            return cipher.decrypt(
                sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :], row.encode()
            ).decode()
        except (InvalidTag, ValueError) as error:
            raise ConfigurationError(f"a stored secret of {row} was altered, or belongs to another row") from error

    def check_value(self, identity: str) -> bytes:
        """A known text sealed with the key of this id (hex): what the database remembers a key by."""
        return self._seal(bytes.fromhex(identity), _CHECK_TEXT, row_name("keys_in_use", identity))

    def opens_check_value(self, identity: str, value: bytes) -> bool:
        try:
            return sealed_by(value) == identity and self.open(value, row_name("keys_in_use", identity)) == _CHECK_TEXT
        except ConfigurationError:
            return False

    def _seal(self, identity: bytes, secret: str, row: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return identity + nonce + self._ciphers[identity].encrypt(nonce, secret.encode(), row.encode())


def row_name(table: str, *key: object) -> str:
    """What a value is sealed to: its table and its row's primary key. Rotation finds the name again from the row."""
    return "/".join([table, *(part.hex() if isinstance(part, bytes) else str(part) for part in key)])


def sealed_by(sealed: bytes) -> str:
    """The id, in hex, of the key that sealed this."""
    return sealed[:ID_BYTES].hex()


def key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:ID_BYTES]


def digest(secret: str) -> bytes:
    """What secrets are looked up by. They are random and long, so a plain SHA-256 gives nothing away."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """Raises ValueError for anything but 32 bytes of URL-safe or standard base64; the text is not repeated in it."""
    try:
        key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    except ValueError as error:
        raise ValueError("a key is written in base64, this one is not (slotlink doctor --new-key makes one)") from error
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, this one has {len(key)} (slotlink doctor --new-key makes one)")
    return key
