"""The connect page: choose a provider, sign in, go back to the application. HTTP in, HTML or a redirect out.

A password is read from the form and handed on; it is in no page, address, error or log.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from slotlink.errors import MalformedRequest, RequestTooLarge, StoreUnavailable
from slotlink.services.authorization import AuthorizationRefused, UnknownApplication, grant
from slotlink.services.connecting import connect
from slotlink.services.consent import UnknownSignIn, come_back, finish, leave, refused_by_provider
from slotlink.services.providers import Provider, sign_in_of
from slotlink.services.sign_in import ConnectRefused, Reason, SignedIn, host_of, sign_in
from slotlink.web import connect_view
from slotlink.web.body import form_members, read_body
from slotlink.web.clients import client_of, speaks_for_many
from slotlink.web.connect_visit import ConnectVisit, offer, open_page, page_of
from slotlink.web.page_status import too_often
from slotlink.web.state import WebState, state_of
from slotlink.web.visit import comes_from_us, locale_of

FORM_BYTES = 16 * 1024
COOKIE = "slotlink_sign_in"
COOKIE_LIFE_S = 900
LENGTHS: Mapping[str, int] = {"address": 2000, "user": 320, "password": 1024}
_FIELDS = {"password": ("address", "user", "password"), "address": ("address",), "elsewhere": ()}
_OPERATORS: tuple[Reason, ...] = ("misconfigured", "internal_address")

Handler = Callable[[Request], Awaitable[Response]]
log: structlog.stdlib.BoundLogger = structlog.get_logger(__name__)


def guarded(handler: Handler) -> Handler:
    """A person gets a page whatever is wrong; an application that asks wrongly is told by a redirect."""

    async def guarded(request: Request) -> Response:
        web, locale = state_of(request), locale_of(request, request.query_params)
        try:
            return await handler(request)
        except AuthorizationRefused as error:
            log.info("authorize.refused", reason=str(error))
            return RedirectResponse(error.address, status_code=303)
        except UnknownApplication as error:
            log.warning("authorize.refused", reason=error.reason, application=error.application_id)
            return _bare(connect_view.refused(web.pages, locale, error.reason), 400)
        except Exception as error:
            reference, status = secrets.token_hex(4), 503 if isinstance(error, StoreUnavailable) else 500
            log.error("page.broke", reference=reference, status=status, exc_info=error)
            return _bare(connect_view.refused(web.pages, locale, "fault", reference), status)

    guarded.__name__ = handler.__name__
    return guarded


async def show(request: Request) -> Response:
    web = state_of(request)
    visit = await open_page(request, web, page_of(request))
    if visit is None:
        return _bare(connect_view.refused(web.pages, locale_of(request, request.query_params), "request"), 404)
    if visit.profile is not None and visit.profile.connected and "done" in request.query_params:
        return _answer(visit, connect_view.done(visit))
    if visit.provider is None:
        return _answer(visit, connect_view.choose(visit))
    return _answer(visit, connect_view.sign_in(visit, visit.provider))


async def act(request: Request) -> Response:
    """A posted form: a provider with its fields, or the end of it."""
    web, locale = state_of(request), locale_of(request, request.query_params)
    host = request.client.host if request.client else ""
    wait = (
        0
        if speaks_for_many(host, web.deps.settings.trusted_proxies)
        else await web.post_limit.wait_for(client_of(host))
    )
    if wait:
        return too_often(request, wait)
    try:
        form: dict[str, Any] = form_members(await read_body(request, FORM_BYTES))
    except (MalformedRequest, RequestTooLarge) as error:
        log.info("connect.form_refused", reason=type(error).__name__)
        return _bare(connect_view.refused(web.pages, locale, "form"), 400)
    visit = await open_page(request, web, page_of(request))
    if visit is None:
        return _bare(connect_view.refused(web.pages, locale, "request"), 404)
    ours = comes_from_us(request, web)
    if not ours or not visit.token_fits(form.get("form_token")):
        log.info("form.refused", reason="token" if ours else "site", client=client_of(host))
        return _bare(connect_view.refused(web.pages, locale, "form"), 403)
    if form.get("action") == "cancel" and visit.authorization is not None:
        return RedirectResponse(_cancelled(visit, form.get("tried")), status_code=303)
    named = offer(web).get(str(form.get("provider_name"))) if visit.profile is None else visit.provider
    if named is None:
        return _answer(visit, connect_view.choose(visit), 422)
    if named.asks == "elsewhere":
        return await _leave(request, visit, named)
    return await _with_fields(request, visit, named, form)


async def callback(request: Request) -> Response:
    """Back from a provider (RFC 6749 section 4.1.2)."""
    web, locale, query = state_of(request), locale_of(request, request.query_params), request.query_params
    if request.method != "GET":  # HEAD comes with GET, and must change nothing
        return Response(status_code=405, headers={"Allow": "GET"})
    try:
        returned = await come_back(web.deps, query.get("state", ""), request.cookies.get(COOKIE, ""), web.now())
    except UnknownSignIn as error:
        log.info("connect.callback_refused", reason=str(error))
        return _bare(connect_view.refused(web.pages, locale, "sign_in"), 400)
    visit = await open_page(request, web, returned.page)
    provider = offer(web).get(returned.provider_name)
    if visit is None or provider is None:
        return _bare(connect_view.refused(web.pages, locale, "request"), 404)
    try:
        if "error" in query or not query.get("code"):
            raise refused_by_provider(query.get("error", ""))
        return await _keep(visit, await finish(web.deps, returned, query["code"], web.now()))
    except ConnectRefused as error:
        return _refuse(visit, provider, error)


async def _leave(request: Request, visit: ConnectVisit, provider: Provider) -> Response:
    browser = request.cookies.get(COOKIE, "")
    browser = browser if len(browser) == len(secrets.token_urlsafe(32)) else secrets.token_urlsafe(32)
    settings = visit.web.deps.settings
    try:
        address = await leave(
            visit.web.deps, visit.application.application_id, provider.provider_name, visit.page, browser, visit.now
        )
    except ConnectRefused as error:
        return _refuse(visit, provider, error)
    response = RedirectResponse(address, status_code=303)
    response.set_cookie(
        COOKIE,
        browser,
        max_age=COOKIE_LIFE_S,
        path=f"{visit.web.base_path}/oauth/",
        secure=settings.app_url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


async def _with_fields(request: Request, visit: ConnectVisit, provider: Provider, form: dict[str, Any]) -> Response:
    asked = [name for name in _FIELDS[provider.asks] if name != "address" or provider.address is None]
    given = {name: str(form.get(name, "")) for name in asked}
    given |= {name: value.strip() for name, value in given.items() if name != "password"}
    typed = {name: value[: LENGTHS[name]] for name, value in given.items() if name != "password"}
    wrong = [name for name, value in given.items() if not 0 < len(value) <= LENGTHS[name] or not value.isprintable()]
    if wrong:
        return _answer(visit, connect_view.sign_in(visit, provider, typed=typed, missing=wrong), 422)
    credentials = {**({"address": provider.address} if provider.address else {}), **given}
    host = host_of(credentials["address"])
    wait = await visit.web.post_limit.wait_for(f"sign in at {host}")
    if wait:
        return too_often(request, wait)
    try:
        if provider.asks == "password" and "@" in credentials["address"].partition("?")[0]:
            raise ConnectRefused("wrong_address", "the address names a user")
        return await _keep(visit, await sign_in(visit.web.deps, provider, credentials))
    except ConnectRefused as error:
        return _refuse(visit, provider, error, host=host, typed=typed)


async def _keep(visit: ConnectVisit, signed: SignedIn) -> Response:
    """Raises ConnectRefused."""
    deps, application_id = visit.web.deps, visit.application.application_id
    if visit.authorization is None:
        assert visit.profile is not None
        await connect(deps, application_id, signed, now=visit.now, profile_id=visit.profile.profile_id)
        address = visit.address(None)
        return RedirectResponse(f"{address}{'&' if '?' in address else '?'}done=yes", status_code=303)
    profile = await connect(deps, application_id, signed, now=visit.now, link_token=visit.authorization.link_token)
    return RedirectResponse(await grant(deps, visit.authorization, profile, visit.now), status_code=303)


def _refuse(
    visit: ConnectVisit,
    provider: Provider,
    error: ConnectRefused,
    *,
    host: str = "",
    typed: Mapping[str, str] | None = None,
) -> Response:
    """The page again, with what went wrong; the operator reads more of it in the log."""
    tell = log.warning if error.reason in _OPERATORS else log.info
    tell(
        "connect.refused",
        application=visit.application.application_id,
        provider=provider.provider_name,
        reason=error.reason,
        detail=error.detail,
        **({"host": host} if host else {}),
    )
    html = connect_view.sign_in(visit, provider, reason=error.reason, host=host, typed=typed)
    return _answer(visit, html, connect_view.status_of(error.reason))


def _cancelled(visit: ConnectVisit, tried: Any) -> str:
    """The application hears what went wrong before, if anything did."""
    assert visit.authorization is not None
    before = next((text for reason, text in connect_view.DESCRIPTIONS.items() if reason == tried), None)
    text = f"the person stopped; before that {before}" if before else "the person stopped"
    log.info("connect.cancelled", application=visit.application.application_id, reason=tried if before else None)
    return visit.authorization.back(error="access_denied", error_description=text)


def _answer(visit: ConnectVisit, html: str, code: int = 200) -> Response:
    """Chromium applies form-action to every redirect after a POST: to the provider, and back to the application."""
    targets = [visit.authorization.redirect_uri] if visit.authorization is not None else []
    targets += _sign_in_addresses(visit.web)
    return HTMLResponse(html, code, {"Content-Security-Policy": _policy(targets)})


def _bare(html: str, code: int) -> Response:
    return HTMLResponse(html, code, {"Content-Security-Policy": _policy(())})


def _sign_in_addresses(web: WebState) -> list[str]:
    elsewhere = [sign_in_of(web.deps.settings, name) for name, each in offer(web).items() if each.asks == "elsewhere"]
    return [each.authorize_url for each in elsewhere if each is not None]


def _policy(targets: list[str] | tuple[()]) -> str:
    origins = dict.fromkeys(f"{parts.scheme}://{parts.netloc}" for parts in map(urlsplit, targets))
    forms = " ".join(("'self'", *origins))
    return (
        "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'none'; "
        f"form-action {forms}"
    )
