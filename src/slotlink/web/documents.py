"""`/openapi.json` and `/docs`."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from slotlink.web.render import json_response


async def openapi(_request: Request) -> Response:
    return json_response({"openapi": "3.1.0", "info": {"title": "Slotlink", "version": "0"}, "paths": {}})


async def docs(_request: Request) -> Response:
    return HTMLResponse("<!doctype html><title>Slotlink</title>")
