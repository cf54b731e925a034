"""A link whose page is open somewhere: what was seen of it, what it offered then, and so what its followers are told.

A *mark* is cheap to read and differs whenever an offer may: how the link stands, and the version of every account that
its query names. The offer itself is worked out again only when the mark differs, or time alone may have changed it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple

from slotlink.domain.link import Link, LinkStatus, link_status
from slotlink.domain.offer import Offer

WORKED_OUT_EVERY_S = 60  # a hold ends, a calendar's horizon comes near: no version tells


class AccountMark(NamedTuple):
    version: int
    is_fresh: bool  # what is mirrored of it is to be believed


class Mark(NamedTuple):
    """`accounts`: in the order of the query's subs; None for one that is not there."""

    state: str
    accounts: tuple[AccountMark | None, ...]


class News(NamedTuple):
    """What followers are told: the digest of what is offered (`times`), or the status that ends it (`closed`)."""

    event: Literal["times", "closed"]
    data: str


GONE = News("closed", "unknown")  # as the page of such a token says it


@dataclass(slots=True)
class Followed:
    """One link. What is true of it now is known only from the first `see` on, and only as of the last one."""

    link: Link
    seen: Mark | None = None
    _worked_out: Mark | None = None  # the mark as of which `_digest` is true, or one before
    _digest: str | None = None
    _since: int = 0  # when it was worked out, and when time alone may have changed it
    _until: int = 0

    def see(self, mark: Mark) -> None:
        """The link's mark has just been read."""
        self.seen = mark

    def is_changed(self) -> bool:
        """Whether it has to be worked out again because something was written."""
        return self.seen is not None and self.seen != self._worked_out

    def is_old(self, now: int) -> bool:
        """Whether it has to be worked out again because time has passed, or the clock was set back."""
        return self.seen is not None and not self._since <= now < self._until

    def take(self, mark: Mark, offer: Offer | None, now: int) -> None:
        """The offer as of `now`, worked out after `mark` was read. None: it cannot be told, until something is written
        or some time has passed."""
        self._worked_out, self._digest = mark, None if offer is None else offer.digest
        self._since, self._until = now, now + WORKED_OUT_EVERY_S
        if offer is not None and offer.starts:
            too_near = offer.starts[0] - self.link.terms.minimum_notice + 1  # the earliest may start at now + notice
            self._until = min(self._until, too_near)

    def news(self, now: int) -> News | None:
        """What its followers may be told; None while nobody knows."""
        if self.seen is None:
            return None
        status = link_status(self.seen.state, self.link.expires_at, now)
        if status is not LinkStatus.OPEN:
            return News("closed", status)
        if self._digest is None or self.is_changed() or self.is_old(now):
            return None
        return News("times", self._digest)
