"""The names of all time zones in one language, for the search that script adds. No secret: browsers keep it."""

from __future__ import annotations

from functools import lru_cache

import msgspec
from babel import Locale
from starlette.requests import Request
from starlette.responses import Response

from slotlink.web.languages import page_locale
from slotlink.web.zones import zone_names_of


async def show(request: Request) -> Response:
    """`[[zone, city, country], …]`, by city; an unknown language has the names of the fallback."""
    content = _names(page_locale(request.path_params["language"]))
    return Response(content, headers={"Cache-Control": "public, max-age=86400"}, media_type="application/json")


@lru_cache(maxsize=64)
def _names(locale: Locale) -> bytes:
    return msgspec.json.encode(zone_names_of(locale))
