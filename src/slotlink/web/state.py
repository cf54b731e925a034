"""What the handlers share, hung on the application by `routes.py`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from itsdangerous import URLSafeSerializer
from starlette.requests import Request

from slotlink.services.deps import Deps
from slotlink.services.live_offers import LiveOffers
from slotlink.web.pages import Pages
from slotlink.web.rate_limit import RateLimit
from slotlink.web.streams import Streams
from slotlink.web.wire import WireContext


@dataclass(frozen=True, slots=True)
class WebState:
    deps: Deps
    context: WireContext
    pages: Pages
    form_signer: URLSafeSerializer  # form tokens: bound to a link, reusable, without state
    page_signer: URLSafeSerializer  # the opaque addresses of further pages
    clock: Callable[[], float]
    rate_limit: RateLimit  # of each application
    unknown_limit: RateLimit  # of each client: tokens and credentials that nobody was given
    post_limit: RateLimit  # of each client and each link: forms of the pages
    live: LiveOffers
    streams: Streams
    base_path: str  # of SLOTLINK_APP_URL, "" at the root: the pages' own addresses begin with it
    # (application_id, SHA-256) of the idempotency keys that this process is answering for
    running_keys: set[tuple[str, bytes]] = field(default_factory=set[tuple[str, bytes]])

    def now(self) -> int:
        return int(self.clock())


def state_of(request: Request) -> WebState:
    state: WebState = request.app.state.web
    return state
