"""Secrets at rest: AES-256-GCM, the key outside the database, the row's name as associated data.

A sealed value is 8 bytes key id, 12 bytes nonce, ciphertext with its tag. Moved to another row it does not open.
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


class Vault:
    """Seals with the newest key, opens with whichever key sealed. `keys`: newest first, 32 bytes each."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise ConfigurationError("SLOTLINK_SECRET_KEYS is empty; give at least one key (slotlink doctor --new-key)")
        self._ciphers = {key_id(key): AESGCM(key) for key in keys}
        self.newest = key_id(keys[0])
        self._form_key = hashlib.sha256(b"slotlink form token" + keys[-1]).digest()

    @property
    def form_key(self) -> bytes:
        """Signs the page's form tokens. Made of the oldest key, so that adding a key keeps open pages working."""
        return self._form_key

    def seal(self, secret: str, row: str) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        return self.newest + nonce + self._ciphers[self.newest].encrypt(nonce, secret.encode(), row.encode())

    def open(self, sealed: bytes, row: str) -> str:
        """Raises ConfigurationError when the key is missing or the value is not this row's."""
        cipher = self._ciphers.get(sealed[:ID_BYTES])
        if cipher is None:
            raise ConfigurationError(
                f"a stored secret was sealed with key {sealed[:ID_BYTES].hex()}, which SLOTLINK_SECRET_KEYS no longer "
                "holds; put that key back at the end of the list"
            )
        try:
            return cipher.decrypt(
                sealed[ID_BYTES : ID_BYTES + NONCE_BYTES], sealed[ID_BYTES + NONCE_BYTES :], row.encode()
            ).decode()
        except InvalidTag as error:
            raise ConfigurationError(f"a stored secret of {row} was altered, or belongs to another row") from error


def key_id(key: bytes) -> bytes:
    return hashlib.sha256(key).digest()[:ID_BYTES]


def digest(secret: str) -> bytes:
    """What secrets are looked up by. They are random and long, so a plain SHA-256 gives nothing away."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def new_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(KEY_BYTES)).decode()


def parse_key(text: str) -> bytes:
    """Raises ValueError for anything but 32 bytes of URL-safe or standard base64."""
    key = base64.b64decode(text.strip().replace("-", "+").replace("_", "/"), validate=True)
    if len(key) != KEY_BYTES:
        raise ValueError(f"a key has {KEY_BYTES} bytes, this one has {len(key)}")
    return key
