"""Addresses of applications that people are sent back to."""

from __future__ import annotations

import re
from urllib.parse import urlsplit


def check_redirect_uri(redirect_uri: str) -> str | None:
    """What is wrong with an address that an application wants its users sent back to; None when nothing is."""
    try:
        parts = urlsplit(redirect_uri)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "it is no address"
    if parts.scheme not in ("https", "http") or not host:
        return "it must begin with https:// or http:// and a host"
    if parts.username is not None or parts.password is not None:
        return "it must name no user"
    if "#" in redirect_uri:
        return "it must have no fragment (RFC 6749 section 3.1.2)"
    if not re.fullmatch("[\x21-\x7e]{1,2000}", redirect_uri) or set(redirect_uri) & set("<>\"\\^`{|};,'"):
        return "it must be a URI as it stands, of at most 2000 characters; write others as %XX"
    return None
