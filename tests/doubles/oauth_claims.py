"""What is computed in OAuth: the challenge of a verifier, who somebody is, and the shape of an id_token."""

from __future__ import annotations

import base64
import hashlib
import json


def challenge(verifier: str) -> str:
    """RFC 7636 section 4.2, S256."""
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def subject(user: str) -> str:
    """A number that is the person's, whatever the address becomes."""
    return str(int(hashlib.sha256(user.encode()).hexdigest()[:16], 16))


def unsigned_jwt(claims: dict[str, object]) -> str:
    """Shaped as an id_token. The signature is none: clients that check it need a double that signs."""
    parts = [{"alg": "RS256", "typ": "JWT", "kid": "double"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "bm9uZQ"])
