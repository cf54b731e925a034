"""New ids and tokens. Ids are names, not secrets; tokens are secrets of at least 128 random bits."""

from __future__ import annotations

import secrets


def new_id(prefix: str) -> str:
    """`prefix_` and 24 hex digits, Cronofy's form of a server-made id."""
    return f"{prefix}_{secrets.token_hex(12)}"


def new_link_token() -> str:
    """The last path component of a link's URL: 22 URL-safe characters, 128 bits."""
    return _typed_easily(16)


def new_client_id() -> str:
    return _typed_easily(24)


def new_client_secret() -> str:
    return "CRN_" + secrets.token_urlsafe(32)


def new_bearer_token() -> str:
    return secrets.token_urlsafe(32)


def _typed_easily(size: int) -> str:
    """So many random bytes, URL-safe; none that a command would take for an option. One in 64 is drawn again."""
    while (token := secrets.token_urlsafe(size)).startswith("-"):
        continue
    return token
