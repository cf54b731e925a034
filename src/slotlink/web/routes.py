"""Every URL on one screen."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.convertors import StringConvertor, register_url_convertor
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Match, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Lifespan

from slotlink.errors import SlotlinkError, StoreUnavailable
from slotlink.store.schema import is_behind
from slotlink.web import (
    api_accounts,
    api_availability,
    api_branding,
    api_calendars,
    api_channels,
    api_links,
    api_profiles,
    api_provider_push,
    api_rules,
    connect_page,
    documents,
    live,
    page,
    zone_list,
)
from slotlink.web.metrics import Metrics
from slotlink.web.page_status import unknown
from slotlink.web.problems import answer_fault, answer_problem
from slotlink.web.render import json_response
from slotlink.web.state import WebState, state_of
from slotlink.web.visit import OWN_PATHS

log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)

STATIC = Path(__file__).parent / "static"
Handler = Callable[[Request], Awaitable[Response]]

API: list[tuple[str, str, Handler]] = [
    ("GET", "/v1/real_time_scheduling/{link_id}", api_links.show),
    ("GET", "/v1/real_time_scheduling", api_links.show_by_token),
    ("POST", "/v1/real_time_scheduling", api_links.create),
    ("POST", "/v1/real_time_scheduling/{link_id}/disable", api_links.disable),
    ("POST", "/v1/availability", api_availability.availability),
    ("POST", "/v1/sequenced_availability", api_availability.sequenced_availability),
    ("POST", "/v1/application_calendars", api_accounts.application_calendar),
    ("POST", "/oauth/token", api_accounts.token),
    ("POST", "/oauth/token/revoke", api_accounts.revoke),
    ("GET", "/v1/account", api_accounts.account),
    ("GET", "/v1/userinfo", api_accounts.userinfo),
    ("GET", "/v1/profiles", api_profiles.profiles),
    ("POST", "/v1/profiles/{profile_id}/revoke", api_profiles.revoke),
    ("POST", "/v1/link_tokens", api_profiles.link_token),
    ("GET", "/v1/calendars", api_calendars.list_calendars),
    ("POST", "/v1/calendars", api_calendars.create),
    ("POST", "/v1/calendars/{calendar_id}/events", api_calendars.upsert_event),
    ("DELETE", "/v1/calendars/{calendar_id}/events", api_calendars.remove_event),
    ("GET", "/v1/events", api_calendars.list_events),
    ("GET", "/v1/events/pages/{page}", api_calendars.events_page),
    ("DELETE", "/v1/events", api_calendars.remove_events),
    ("GET", "/v1/free_busy", api_calendars.list_free_busy),
    ("GET", "/v1/free_busy/pages/{page}", api_calendars.free_busy_page),
    ("POST", "/v1/availability_rules", api_rules.upsert_rule),
    ("GET", "/v1/availability_rules", api_rules.list_rules),
    ("GET", "/v1/availability_rules/{availability_rule_id}", api_rules.show_rule),
    ("DELETE", "/v1/availability_rules/{availability_rule_id}", api_rules.remove_rule),
    ("POST", "/v1/available_periods", api_rules.upsert_period),
    ("GET", "/v1/available_periods", api_rules.list_periods),
    ("GET", "/v1/available_periods/pages/{page}", api_rules.periods_page),
    ("DELETE", "/v1/available_periods", api_rules.remove_periods),
    ("POST", "/v1/channels", api_channels.create),
    ("GET", "/v1/channels", api_channels.list_channels),
    ("DELETE", "/v1/channels/{channel_id}", api_channels.close),
    ("GET", "/v1/slotlink/branding", api_branding.show),
    ("PUT", "/v1/slotlink/branding", api_branding.replace),
]
# The PHP client deletes one available period here. Routed, not redirected: a redirect would lose the body.
API_ALIASES: list[tuple[str, str, Handler]] = [("DELETE", "/v1/available_periods/", api_rules.remove_periods)]
CONNECT = ("/oauth/authorize", "/oauth/relink/{token}")
# Where calendar providers tell of changes; nobody's API.
PUSHES: list[tuple[str, Handler]] = [
    ("/providers/google/push", api_provider_push.hear_google),
    ("/providers/microsoft/push", api_provider_push.hear_microsoft),
]
OWN_IDS = {"availability_rule_id"}
# What browsers fetch. The API's answers are small, and many of its clients are on the same network.
COMPRESSED = [Middleware(GZipMiddleware, minimum_size=1000, compresslevel=6)]
PAGES = ("/rts/{token}", "/add_to_calendar/scheduling/{token}", "/real_time_scheduling/{token}")


class _Name(StringConvertor):
    """What may stand for `{…}` in a path: anything but NUL, which no text of PostgreSQL can hold."""

    regex = r"[^/\x00]+"


class _OwnId(StringConvertor):
    """An id that the application chose, to the end of the path: it may hold slashes, which arrive decoded."""

    regex = r"[^\x00]+"


register_url_convertor("name", _Name())
register_url_convertor("own_id", _OwnId())


class _Static(StaticFiles):
    """Nobody's secret, and named by its content: the one thing that browsers may keep."""

    def file_response(self, *given: Any, **named: Any) -> Response:
        response = super().file_response(*given, **named)
        response.headers["Cache-Control"] = "public, max-age=86400"
        return response


def _named(path: str) -> str:
    return re.sub(r"\{(\w+)\}", lambda name: f"{{{name[1]}:{'own_id' if name[1] in OWN_IDS else 'name'}}}", path)


def web_app(state: WebState, lifespan: Lifespan[Starlette] | None = None, metrics: Metrics | None = None) -> Starlette:
    app = Starlette(
        lifespan=lifespan,
        routes=[
            *(Route(_named(path), handler, methods=[method]) for method, path, handler in [*API, *API_ALIASES]),
            *(Route(_named(path), _guarded(page.show), methods=["GET"], middleware=COMPRESSED) for path in PAGES),
            *(Route(_named(path), _guarded(page.choose), methods=["POST"], middleware=COMPRESSED) for path in PAGES),
            Route(_named("/rts/{token}/event.ics"), _guarded(page.download), methods=["GET"]),
            Route(_named("/rts/{token}/live"), live.follow, methods=["GET"]),
            *(Route(_named(path), connect_page.guarded(connect_page.show), methods=["GET"]) for path in CONNECT),
            *(Route(_named(path), connect_page.guarded(connect_page.act), methods=["POST"]) for path in CONNECT),
            Route("/oauth/callback", connect_page.guarded(connect_page.callback), methods=["GET"]),
            *(Route(path, handler, methods=["POST"]) for path, handler in PUSHES),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            *([Route("/metrics", metrics.show)] if metrics is not None else []),
            Route("/openapi.json", documents.show_openapi),
            Route("/docs", documents.show_docs),
            Route("/robots.txt", robots),
            Route("/", home),
            Route("/zones/{language}.json", zone_list.show, methods=["GET"], middleware=COMPRESSED),
            Route(_named("/logos/{logo}"), api_branding.logo, methods=["GET"]),
            Mount("/static", _Static(directory=STATIC), middleware=COMPRESSED),
        ],
        exception_handlers={
            SlotlinkError: answer_problem,
            Exception: answer_fault,
            404: _no_such_address,
            405: _no_such_method,
        },
    )
    app.router.redirect_slashes = False
    app.state.web = state
    return app


def _guarded(handler: Handler) -> Handler:
    """A visitor gets a page, not JSON, when something breaks."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:
            return await page.answer_fault(request, error)

    return guarded


async def _no_such_address(request: Request, _error: Exception) -> Response:
    """Under the pages' paths a malformed token is an unknown one; elsewhere 404 has no body."""
    if request.scope["path"].startswith(OWN_PATHS):
        return await unknown(request)
    return Response(status_code=404, headers={"Status": "404 Not Found"})  # as `problems.py` says it


async def _no_such_method(request: Request, _error: Exception) -> Response:
    """`Allow` names every method of the address, over all its routes."""
    allowed = {
        method
        for route in request.app.routes
        if isinstance(route, Route) and route.matches(request.scope)[0] is not Match.NONE
        for method in route.methods or ()
    }
    return Response(status_code=405, headers={"Allow": ", ".join(sorted(allowed or {"GET", "HEAD"}))})


async def healthz(request: Request) -> Response:
    return json_response({"status": "ok", "data_center": state_of(request).deps.settings.data_center})


async def readyz(request: Request) -> Response:
    web = state_of(request)
    try:
        ready = not await is_behind(web.deps.database)
        reason = "the schema is not current; run slotlink migrate"
    except StoreUnavailable as error:
        log.warning("readyz.store_unavailable", reason=str(error))  # names hosts and users: nobody else's business
        ready, reason = False, "the database does not answer"
    content = {"status": "ready", "data_center": web.deps.settings.data_center}
    return json_response(content) if ready else json_response(content | {"status": "not ready", "reason": reason}, 503)


async def home(_request: Request) -> Response:
    return RedirectResponse("/docs", status_code=307)


async def robots(_request: Request) -> Response:
    return PlainTextResponse("User-agent: *\nDisallow: /\n")
