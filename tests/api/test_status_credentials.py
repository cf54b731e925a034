"""Who may read a link's status, and how answers are kept by caches."""

from __future__ import annotations

import re
from typing import Any

from tests.api.asking import at, bearer
from tests.center import Center

PATH = "/v1/real_time_scheduling"
END = at(8)  # of the query that `Center.query` asks


def by_id(center: Center, link_id: str, key: dict[str, str] | None = None, **headers: str) -> Any:
    return center.http.get(f"{PATH}/{link_id}", headers={**(center.key if key is None else key), **headers})


def by_token(center: Center, token: str, key: dict[str, str] | None = None, **headers: str) -> Any:
    return center.http.get(PATH, params={"token": token}, headers={**(center.key if key is None else key), **headers})


# Credentials


def test_without_a_known_credential_the_answer_is_an_empty_401(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    for headers in (
        {},
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": center.client_secret},
        {"Authorization": f"Basic {center.client_secret}"},
        {"Authorization": f"Token {center.client_secret}"},
        bearer("CRN_unknown"),
        bearer("undefined"),
        bearer(center.client_secret.lower()),
        bearer(center.client_id),
        bearer(maya.refresh_token),
        bearer("x" * 10_000),
        bearer("\xff\xfe"),
    ):
        raw = {name: value.encode("latin-1") for name, value in headers.items()}
        for url in (f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}", f"{PATH}?token=", f"{PATH}/nothing"):
            answer = center.http.get(url, headers=raw)
            assert answer.status_code == 401, (headers, url)
            assert answer.content == b""
            assert re.match(r'Bearer realm="', answer.headers["www-authenticate"])


def test_the_schemes_case_and_space_do_not_matter(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for scheme in ("bearer", "BEARER", "Bearer ", " Bearer"):
        headers = {"Authorization": f"{scheme} {center.client_secret}"}
        assert by_id(center, link.link_id, headers).status_code == 200
        assert by_token(center, link.token, headers).status_code == 200


def test_an_access_token_is_known_but_not_allowed(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    for answer in (by_id(center, link.link_id, maya.key), by_token(center, link.token, maya.key)):
        assert answer.status_code == 403
        assert answer.content == b""


def test_a_revoked_access_token_is_nothing_at_all(center: Center) -> None:
    maya = center.person("maya")
    link = center.create_link(maya)
    credentials = {"client_id": center.client_id, "client_secret": center.client_secret}
    center.http.post("/oauth/token/revoke", json={**credentials, "token": maya.access_token})
    assert by_id(center, link.link_id, maya.key).status_code == 401


# Caching


def test_status_may_be_kept_but_must_be_asked_for_again(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for answer in (by_id(center, link.link_id), by_token(center, link.token)):
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        assert re.fullmatch(r'"[^"]+"', answer.headers["etag"])


def test_a_known_tag_is_answered_with_304(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    tag = by_id(center, link.link_id).headers["etag"]
    for known in (tag, f"W/{tag}", "*", f'"other", {tag}', f'"a",W/{tag},"b"', f"  {tag}  "):
        for answer in (
            by_id(center, link.link_id, **{"If-None-Match": known}),
            by_token(center, link.token, **{"If-None-Match": known}),
        ):
            assert answer.status_code == 304, known
            assert answer.content == b""
            assert answer.headers["etag"] == tag
            assert answer.headers["cache-control"] == "private, no-cache"


def test_another_tag_gets_the_body(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    tag = by_id(center, link.link_id).headers["etag"]
    for other in ('"other"', tag.strip('"'), "", '"', f"{tag[:-2]}", '"a", "b"'):
        assert by_id(center, link.link_id, **{"If-None-Match": other}).status_code == 200, other


def test_the_tag_changes_with_the_status(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    tag = by_id(center, link.link_id).headers["etag"]
    center.clock.now = END
    answer = by_id(center, link.link_id, **{"If-None-Match": tag})
    assert answer.status_code == 200
    assert answer.json()["real_time_scheduling"]["status"] == "expired"


def test_the_general_path_gives_the_bytes_of_the_fast_one(center: Center) -> None:
    """HEAD is not answered by the fast path: its headers are those of the general one."""
    link = center.create_link(center.person("maya"))
    fast = by_id(center, link.link_id)
    for url in (f"{PATH}/{link.link_id}", f"{PATH}?token={link.token}"):
        general = center.http.head(url, headers=center.key)
        assert general.status_code == 200
        assert general.content == b""
        for name in ("etag", "content-length", "content-type", "cache-control"):
            assert general.headers[name] == fast.headers[name]
