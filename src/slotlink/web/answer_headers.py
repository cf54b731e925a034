"""What every answer tells browsers. What an answer says itself is left as it says it."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

Header = tuple[bytes, bytes]
CSP = b"content-security-policy"

# No answer is there to be framed, to run a script, or to be found by searching.
FRAMES = b"x-frame-options"
ALWAYS: tuple[Header, ...] = (
    (b"x-content-type-options", b"nosniff"),
    (FRAMES, b"DENY"),
    (CSP, b"default-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'"),
    (b"x-robots-tag", b"noindex, nofollow"),
)
NOT_KEPT: Header = (b"cache-control", b"no-store")
OF_PAGES: tuple[Header, ...] = (
    (b"referrer-policy", b"same-origin"),  # not no-referrer: that would turn the form's own Origin into null
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
)


class AnswerHeaders:
    """ASGI middleware around everything but the fast path, which says these itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": completed(message["headers"])}
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


def completed(headers: list[Header]) -> list[Header]:
    said = dict(headers)
    of_pages = OF_PAGES if said.get(b"content-type", b"").startswith(b"text/html") else ()
    # X-Frame-Options cannot name other sites: where the policy lets some embed the answer, it is left out.
    left_out = {*said, FRAMES} if b"frame-ancestors 'self'" in said.get(CSP, b"") else said
    return [*headers, *(header for header in (*ALWAYS, NOT_KEPT, *of_pages) if header[0] not in left_out)]
