"""How fast an application may be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.doubles import graph_errors as errors
from tests.doubles.service import Call

if TYPE_CHECKING:
    from tests.doubles.graph import GraphDouble

WINDOW_S = 600
AT_ONCE = 4  # fact: throttle.four-at-once
IN_TEN_MINUTES = 10_000  # fact: throttle.ten-thousand
LOOK_BACK = 200  # so many of the latest calls may still be running


class Limits:
    """Of one application in one mailbox. `at_once` None: no such limit. `per_application`: the limit of calls at once
    counts over all mailboxes, as one version of the document has it."""

    def __init__(self, graph: GraphDouble) -> None:
        self._graph = graph
        self.at_once: int | None = AT_ONCE
        self.in_ten_minutes = IN_TEN_MINUTES
        self.per_application = False
        self._recent: dict[str, list[float]] = {}
        self._until: dict[str, float] = {}

    def throttle(self, email: str, seconds: int) -> None:
        """Refuse every call into a mailbox for a while, by the double's clock."""
        with self._graph.lock:
            self._until[email] = self._graph.clock.now + seconds

    def count(self, user: str, call: Call) -> None:
        now = self._graph.clock.now
        if self._until.get(user, 0) > now:  # fact: throttle.per-mailbox
            raise errors.throttled(max(1, round(self._until[user] - now)))
        if self.at_once is not None and self._running(user, call) >= self.at_once:
            raise errors.throttled(1)
        recent = [at for at in self._recent.get(user, []) if at > now - WINDOW_S]
        if len(recent) >= self.in_ten_minutes:
            raise errors.throttled(max(1, round(recent[0] + WINDOW_S - now)), "RequestRate")
        self._recent[user] = [*recent, now]

    def _running(self, user: str, but: Call) -> int:
        """Calls that came before this one and have no answer yet."""
        running = 0
        for call in self._graph.calls[-LOOK_BACK:]:
            if call is but:
                break
            is_over = call.status is not None or (call.fault is not None and call.fault.closes)
            if is_over or not call.path.startswith("/v1.0"):
                continue
            token = call.headers.get("authorization", "").partition(" ")[2]
            caller = self._graph.oauth.bearer(token)
            running += caller is not None and (self.per_application or caller[0] == user)
        return running
