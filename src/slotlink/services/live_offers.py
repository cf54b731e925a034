"""Tell open pages when what their link offers has changed, wherever the change was made.

Three things make it look: this process has committed a change (`Database.on_change`), another one says that it has,
and, while anybody follows anything, a poll. It then reads the marks of all links that are followed, and works out the
offers of those alone whose marks differ, however many pages follow each. While the database is away nobody is told
anything.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Generator
from dataclasses import dataclass, field

import structlog

from slotlink.domain.followed import GONE, Followed, Mark, News
from slotlink.domain.link import Link
from slotlink.errors import StoreUnavailable
from slotlink.services.booking import find_offer
from slotlink.services.deps import Deps
from slotlink.store import followed_links

TICK_S = 1.0  # between looks at the clock, and at whether the SQLite file has changed
POLL_S = 2.0  # between reads where that costs a query: commands and lost notices are found so
PAUSE_S = 0.1  # after reading marks: what is committed meanwhile is read together
RETRY_S = 2.0  # until a database that is away is asked again
AT_ONCE = 4  # links: a provider that is slow to answer for one keeps nobody else waiting

_Key = tuple[str, str]  # application_id, link_id

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


class Follower:
    """One open page, and the latest news that it was not given yet; what is overtaken is forgotten."""

    def __init__(self) -> None:
        self.ended = False
        self._latest: News | None = None
        self._given: News | None = None
        self._changed = asyncio.Event()

    def tell(self, news: News) -> None:
        self._latest = news
        if news != self._given:
            self._changed.set()
        elif not self.ended:
            self._changed.clear()

    def end(self) -> None:
        """There is nobody to tell any more, or nobody who tells."""
        self.ended = True
        self._changed.set()

    async def next(self, wait_s: float) -> News | None:
        """The latest news; None where there is none within that time, or the following has ended."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait_s):
                await self._changed.wait()
        if self.ended or not self._changed.is_set():
            return None
        self._changed.clear()
        self._given = self._latest
        return self._given


@dataclass(slots=True)
class _Watched:
    """A followed link, its followers, and whether its offer is being worked out."""

    followed: Followed
    followers: set[Follower] = field(default_factory=set[Follower])
    is_under_way: bool = False

    def tell(self, news: News) -> None:
        for follower in self.followers:
            follower.tell(news)


class LiveOffers:
    """All links that pages of this process follow. For one loop."""

    def __init__(
        self, deps: Deps, clock: Callable[[], float], changed_elsewhere: Callable[[], bool] | None = None
    ) -> None:
        """changed_elsewhere  whether anybody has committed anything since it was asked last, which costs next to
        nothing; None where that cannot be had"""
        self._deps = deps
        self._clock = clock
        self._changed_elsewhere = changed_elsewhere
        self._watched: dict[_Key, _Watched] = {}
        # What is to be worked out, the longest waiting first: what was written comes before what has grown old.
        self._changed: dict[_Key, None] = {}
        self._old: dict[_Key, None] = {}
        self._somebody = asyncio.Event()
        self._woken = asyncio.Event()
        self._work = asyncio.Event()
        self._looked_at = 0.0
        self._is_away = False
        self._ended = False

    @contextlib.contextmanager
    def following(self, link: Link) -> Generator[Follower]:
        """A follower of the link, told how it stands as soon as that has been looked at."""
        key = (link.application_id, link.link_id)
        follower = Follower()
        watched = self._watched.setdefault(key, _Watched(Followed(link)))
        watched.followers.add(follower)
        if self._ended:
            follower.end()
        self._somebody.set()
        self.wake()
        try:
            yield follower
        finally:
            watched.followers.discard(follower)
            if not watched.followers:
                self._forget(key, watched)

    def wake(self) -> None:
        """Something was committed."""
        if self._watched:
            self._woken.set()

    def close(self) -> None:
        """End every following, now and from now on: this process is about to stop."""
        self._ended = True
        for watched in self._watched.values():
            for follower in watched.followers:
                follower.end()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await self._run()
            except Exception:  # a bug that one look meets must not leave all pages behind for ever
                log.exception("live.broke")
                await asyncio.sleep(RETRY_S)
                self._woken.set()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            for _ in range(AT_ONCE):
                tasks.create_task(self._work_out())
            while True:
                await self._somebody.wait()  # nobody is there: nothing is read
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(TICK_S):
                        await self._woken.wait()
                if self._woken.is_set() or self._is_poll_due():
                    await self._look()
                else:
                    self._sort()

    def _is_poll_due(self) -> bool:
        if self._changed_elsewhere is not None:
            return self._changed_elsewhere()
        return asyncio.get_running_loop().time() - self._looked_at >= POLL_S

    async def _look(self) -> None:
        """Read the mark of every followed link."""
        self._woken.clear()
        self._looked_at = asyncio.get_running_loop().time()
        if self._changed_elsewhere is not None:
            self._changed_elsewhere()  # what is read now is known: one look for one commit
        try:
            marks = await self._read_marks()
        except StoreUnavailable as error:
            await self._put_off(error)
            self._woken.set()
            return
        self._is_away = False
        for key, mark in marks.items():
            watched = self._watched.get(key)
            if watched is None:
                continue  # the last follower has left meanwhile
            if mark is None:
                watched.tell(GONE)
                self._forget(key, watched)
            else:
                watched.followed.see(mark)
        self._sort()
        await asyncio.sleep(PAUSE_S)

    async def _read_marks(self) -> dict[_Key, Mark | None]:
        """None for a link that is not there any more."""
        of_application: dict[str, list[Link]] = {}
        for watched in self._watched.values():
            link = watched.followed.link
            of_application.setdefault(link.application_id, []).append(link)
        marks: dict[_Key, Mark | None] = {}
        async with self._deps.database.reading() as connection:
            for application_id, links in of_application.items():
                states = await followed_links.states(connection, application_id, [link.link_id for link in links])
                subs = {sub for link in links for sub in link.terms.query.subs}
                accounts = await followed_links.account_marks(connection, application_id, subs, int(self._clock()))
                for link in links:
                    state = states.get(link.link_id)
                    of_link = tuple(accounts.get(sub) for sub in link.terms.query.subs)
                    marks[application_id, link.link_id] = None if state is None else Mark(state, of_link)
        return marks

    def _sort(self) -> None:
        for key, watched in list(self._watched.items()):
            self._place(key, watched)

    def _place(self, key: _Key, watched: _Watched) -> None:
        """Tell what is known of a link, and have worked out what is not."""
        now = int(self._clock())
        news = watched.followed.news(now)
        if news is not None:
            watched.tell(news)
            if news.event == "closed":
                self._forget(key, watched)
        elif not watched.is_under_way:
            if watched.followed.is_changed():
                self._changed.setdefault(key)
                self._work.set()
            elif watched.followed.is_old(now):
                self._old.setdefault(key)
                self._work.set()

    def _forget(self, key: _Key, watched: _Watched) -> None:
        if self._watched.get(key) is watched:
            del self._watched[key]
        if not self._watched:
            self._somebody.clear()

    async def _work_out(self) -> None:
        while True:
            key = next(iter(self._changed or self._old), None)
            if key is None:
                self._work.clear()
                await self._work.wait()
                continue
            self._changed.pop(key, None)
            self._old.pop(key, None)
            watched = self._watched.get(key)
            if watched is None or watched.is_under_way or watched.followed.seen is None:
                continue
            watched.is_under_way = True
            try:
                await self._work_out_one(watched.followed, watched.followed.seen)
            finally:
                watched.is_under_way = False
            if self._watched.get(key) is watched:
                self._place(key, watched)
            await asyncio.sleep(0)  # where everything was known already, nothing has waited: others have their turn

    async def _work_out_one(self, followed: Followed, mark: Mark) -> None:
        now = int(self._clock())
        try:
            offer = await find_offer(self._deps, followed.link, now)
        except StoreUnavailable as error:
            await self._put_off(error)
            return  # it is still due
        except Exception:  # one link that cannot be worked out must not silence all the others
            log.exception("live.broke", link=followed.link.link_id)
            offer = None
        followed.take(mark, offer, now)

    async def _put_off(self, error: StoreUnavailable) -> None:
        """The database is away: said once, then asked again and again."""
        if not self._is_away:
            log.warning("live.store_unavailable", reason=str(error))
        self._is_away = True
        await asyncio.sleep(RETRY_S)
