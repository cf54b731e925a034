"""Page tokens and sync tokens. Both are bound to who asked what, and sync tokens end by time or by a changed share."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from tests.doubles import google_errors as errors
from tests.doubles.service import Now

Query = dict[str, str]
Key = tuple[str, str]
Item = TypeVar("Item")
# What may differ between the calls of one list or one synchronisation.
FREE = {
    *("pageToken", "syncToken", "fields", "alt", "prettyPrint", "key", "quotaUser", "maxResults", "timeZone"),
    *("maxAttendees", "timeMin", "timeMax", "alwaysIncludeEmail"),
}
SYNC_DAYS = 28


@dataclass
class _Sync:
    user: str
    list_id: str
    version: int
    query: Query
    issued: float


@dataclass
class _Page:
    list_id: str
    query: Query
    after: Key
    upto: int


@dataclass
class Page(Generic[Item]):
    """`upto` is the state of the list when its first page was read."""

    items: list[Item] = field(default_factory=list[Item])
    next_token: str | None = None
    upto: int = 0


class Tokens:
    """`page_limit`: Google may give fewer than asked. `empty_pages`: so many next pages come with nothing in them."""

    def __init__(self, clock: Now) -> None:
        self._clock = clock
        self._syncs: dict[str, _Sync] = {}
        self._pages: dict[str, _Page] = {}
        self.page_limit: int | None = None  # fact: list.short-pages
        self.empty_pages = 0
        self.strict = True  # another query with the same sync token is 400, where Google says "undefined behavior"
        self.lifetime_s = SYNC_DAYS * 86400.0

    def sync(self, user: str, list_id: str, version: int, query: Query) -> str:
        token = base64.b64encode(b"sync:" + secrets.token_bytes(12)).decode()
        self._syncs[token] = _Sync(user, list_id, version, _bound(query), self._clock.now)
        return token

    def since(self, user: str, list_id: str, query: Query) -> int:
        """The version that the query's sync token stands for."""
        token = query["syncToken"]
        found = self._syncs.get(token)
        if found is None:
            if not _looks_like_ours(token):  # fact: sync.garbage
                raise errors.invalid("Invalid sync token value.", "syncToken")
            raise errors.full_sync_required()  # fact: sync.expired
        if (found.user, found.list_id) != (user, list_id) or found.issued + self.lifetime_s <= self._clock.now:
            raise errors.full_sync_required()
        if self.strict and found.query != _bound(query):  # fact: sync.same-query
            raise errors.invalid("The query differs from the one of the first synchronization.", "syncToken")
        return found.version

    def forget(self, user: str | None = None, list_id: str | None = None) -> None:
        """Google forgets sync tokens: all, a person's, or those of one list."""
        self._syncs = {
            token: one
            for token, one in self._syncs.items()
            if user not in (None, one.user) or list_id not in (None, one.list_id)
        }

    def page(
        self, list_id: str, query: Query, rows: Sequence[tuple[Key, Item]], version: int, *, largest: int, usual: int
    ) -> Page[Item]:
        """Rows are sorted by key. A later page holds to the state at which the first one was read."""
        wanted = query.get("maxResults", str(usual))
        if not wanted.isdigit() or int(wanted) < 1:  # fact: list.max-results
            raise errors.invalid(f"Invalid value for: maxResults: {wanted}", "maxResults")
        size = min(int(wanted), largest, self.page_limit or largest)
        bound = {
            **_bound(query),
            **{name: query[name] for name in ("syncToken", "timeMin", "timeMax") if name in query},
        }
        start = _Page(list_id, bound, ("", ""), version)
        if "pageToken" in query:
            known = self._pages.get(query["pageToken"])
            if known is None or known.list_id != list_id or known.query != bound:  # fact: list.page-same-query
                raise errors.invalid("Invalid page token value.", "pageToken")
            start = known
        rest = [(key, item) for key, item in rows if key > start.after]
        if self.empty_pages and rest:
            self.empty_pages -= 1
            return Page([], self._next(start, start.after), start.upto)
        if len(rest) <= size:
            return Page([item for _, item in rest], None, start.upto)
        return Page([item for _, item in rest[:size]], self._next(start, rest[size - 1][0]), start.upto)

    def _next(self, page: _Page, after: Key) -> str:
        token = secrets.token_urlsafe(18)
        self._pages[token] = _Page(page.list_id, page.query, after, page.upto)
        return token


def _bound(query: Query) -> Query:
    return {name: value for name, value in query.items() if name not in FREE}


def _looks_like_ours(token: str) -> bool:
    try:
        return base64.b64decode(token, validate=True).startswith(b"sync:")
    except ValueError:
        return False
