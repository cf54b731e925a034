"""How the pages of an application look: set by the application, shown to everybody. Ours, not Cronofy's."""

from __future__ import annotations

import re

from starlette.requests import Request
from starlette.responses import Response

from slotlink.errors import NotFound
from slotlink.services.branding import change_branding, given, read_branding
from slotlink.store import brandings
from slotlink.web import render
from slotlink.web.auth import application_caller
from slotlink.web.body import check, read_object
from slotlink.web.branding_request import BrandingRequest
from slotlink.web.state import state_of

_LOGO = re.compile(r"([0-9a-f]{64})\.(png|svg)")
_OF_LOGOS = {
    "Cache-Control": "public, max-age=31536000, immutable",  # another picture has another address
    # Opened by itself an SVG is a document: it runs nothing, loads nothing, and is of no origin.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox",
}


async def show(request: Request) -> Response:
    application_id = await application_caller(request)
    return render.json_response({"branding": given(await read_branding(state_of(request).deps, application_id))})


async def replace(request: Request) -> Response:
    web = state_of(request)
    application_id = await application_caller(request)
    # What is replaced as a whole is not wiped by a body that got lost.
    members = await read_object(request, web.context.limits.body_bytes, required=True)
    wanted = check(BrandingRequest, members, web.context).branding()
    written = await change_branding(web.deps, application_id, lambda _: wanted)
    return render.json_response({"branding": given(written)})


async def logo(request: Request) -> Response:
    """A picture under the SHA-256 of its bytes. Raises NotFound."""
    named = _LOGO.fullmatch(request.path_params["logo"])
    if named is None:
        raise NotFound("no address of a logo")
    async with state_of(request).deps.database.reading() as connection:
        found = await brandings.find_logo(connection, bytes.fromhex(named[1]))
    if found is None or found[0] != {"png": "image/png", "svg": "image/svg+xml"}[named[2]]:
        raise NotFound("no logo has this digest")
    return Response(found[1], headers=_OF_LOGOS, media_type=found[0])
