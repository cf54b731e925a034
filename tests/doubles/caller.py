"""An application that calls a provider's API with one access token; to test the doubles and to record the services."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import requests

TIMEOUT_S = 30
Query = Mapping[str, str | int | Sequence[str]]


class BearerCaller:
    """`url` is the API's base."""

    def __init__(self, url: str, token: str) -> None:
        self.url = url
        self._http = requests.Session()
        self._http.headers["Authorization"] = f"Bearer {token}"

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """`path` below the base, or a whole link as an answer had it."""
        url = path if "://" in path else f"{self.url}{path}"
        return self._http.request(method, url, json=body, params=query, headers=headers, timeout=TIMEOUT_S)
