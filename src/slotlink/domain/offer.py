"""What a link offers at a moment, and a digest by which two offers are compared."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Sequence
from dataclasses import dataclass

DIGEST_LENGTH = 16  # hexadecimal digits: by chance two offers of a link are never alike


@dataclass(frozen=True, slots=True)
class Offer:
    """What a link offers now: the starts, and whether every calendar could be read."""

    starts: list[int]
    everything_read: bool

    @property
    def digest(self) -> str:
        return digest_of(self.starts, partial=not self.everything_read)


def digest_of(starts: Sequence[int], *, partial: bool) -> str:
    """The same for the same starts (UTC seconds, in any order) on every machine; another for any other offer.

    partial  not every calendar could be read"""
    packed = struct.pack(f">?{len(starts)}q", partial, *sorted(starts))
    return hashlib.sha256(packed).hexdigest()[:DIGEST_LENGTH]
