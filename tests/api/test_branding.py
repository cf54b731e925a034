"""An application's pages bear its name, logo and colour; what is wrong is refused, every member of it at once."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from typing import Any

import pytest

from tests.api.asking import bearer, faults, other_application, wire
from tests.center import Center, CreatedLink, ReadPage
from tests.unit.domain.test_logo import png, svg

PATH = "/v1/slotlink/branding"
OWN = "default-src 'none'; style-src 'unsafe-inline'; sandbox"


def data_url(content: bytes, kind: str = "png") -> str:
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


LIGHT, DARK = data_url(png(84, 56)), data_url(svg(), "svg+xml")
WHOLE: dict[str, Any] = {
    "name": "Globex & <Söhne>",
    "accent": "#2B4CFF",
    "logo": LIGHT,
    "dark_logo": DARK,
    "privacy_url": "https://www.example.com/privacy?a=b&c=d",
    "support_url": "mailto:help@example.com",
    "default_locale": "en-US",
    "embed_origins": ["https://www.example.com", "https://WWW.example.com:443"],
}


def put(center: Center, code: int = 200, **members: Any) -> Any:
    answer = center.http.put(PATH, json=members, headers=center.key)
    assert answer.status_code == code, answer.text
    return answer if code != 200 else answer.json()["branding"]


def read(center: Center) -> Any:
    return center.http.get(PATH, headers=center.key).json()["branding"]


def a_link(center: Center, **changes: Any) -> CreatedLink:
    return center.create_link(center.person("maya"), **changes)


def test_what_is_set_is_answered_and_can_be_sent_again(center: Center) -> None:
    nothing = {**dict.fromkeys(WHOLE), "embed_origins": []}
    assert read(center) == nothing
    written = put(center, **WHOLE)
    assert written == read(center)
    assert written.pop("dark_logo").startswith("data:image/svg+xml;base64,")
    expected = {**WHOLE, "accent": "#2b4cff", "embed_origins": ["https://www.example.com"]}
    expected.pop("dark_logo")
    assert written == expected
    assert put(center, **read(center)) == read(center), "the same again changes nothing"
    assert put(center, name="Globex") == {**nothing, "name": "Globex"}, "what is left out is set no longer"
    assert put(center) == read(center) == nothing


def test_every_wrong_member_is_named(center: Center) -> None:
    put(center, **WHOLE)
    before = read(center)
    wrong = {
        "name": " ",
        "accent": "teal",
        "logo": data_url(svg("<script/>"), "svg+xml"),
        "dark_logo": "https://www.example.com/logo.png",
        "privacy_url": "javascript:alert(1)",
        "support_url": "http://www.example.com",
        "default_locale": "english",
        "embed_origins": ["https://a.test", "https://*.b.test", "https://c.test/"],
    }
    answer = put(center, 422, **wrong)
    paths = [*(name for name in wrong if name != "embed_origins"), "embed_origins[1]", "embed_origins[2]"]
    assert faults(answer) == {path: ["errors.invalid_format"] for path in paths}
    assert faults(put(center, 422, dark_logo=DARK)) == {"logo": ["errors.required"]}
    many = [f"https://a{number}.test" for number in range(21)]
    assert faults(put(center, 422, embed_origins=many)) == {"embed_origins": ["errors.too_many"]}
    assert len(put(center, embed_origins=many[:20])["embed_origins"]) == 20
    put(center, **WHOLE)
    large = data_url(svg("<g/>" * 1100), "svg+xml")
    assert set(faults(put(center, 422, logo=large))) == {"logo"}
    assert read(center) == before, "what is refused changes nothing"


def test_only_the_applications_own_key_reads_and_sets_it(center: Center) -> None:
    maya = center.person("maya")
    (_, foreign), _ = other_application(center)
    put(center, name="Globex")
    for method in ("GET", "PUT"):
        asked = [center.http.request(method, PATH, json={}, headers=key) for key in ({}, bearer("x"), maya.key)]
        assert [answer.status_code for answer in asked] == [401, 401, 403]
    assert center.http.get(PATH, headers=bearer(foreign)).json()["branding"]["name"] is None
    assert center.http.put(PATH, json={"name": "Initech"}, headers=bearer(foreign)).status_code == 200
    assert read(center)["name"] == "Globex"


def test_the_page_bears_the_brand(center: Center) -> None:
    link = a_link(center, selection_mode="confirm")
    before = link.page()
    put(center, **{**WHOLE, "embed_origins": []})
    page = link.page()
    assert "<bdi>Globex &amp; &lt;Söhne&gt;</bdi>" in page.text and "Initech" not in page.text
    assert ">Globex</bdi>" not in page.text and '<span class="mark"' not in page.text
    [style] = re.findall(r'<style nonce="([^"]+)">(.*?)</style>', page.text)
    assert "--h:267.0" in style[1] and "--solid" not in style[1] and not re.search(r"[<>&]", style[1])
    policy = page.headers["content-security-policy"]
    assert f"style-src 'self' 'nonce-{style[0]}';" in policy and "script-src 'self';" in policy
    assert policy.replace(f" 'nonce-{style[0]}'", "") == before.headers["content-security-policy"]
    assert style[0] not in link.page().text, "a nonce is of one answer"
    assert page.headers["x-frame-options"] == "DENY"
    [image] = re.findall(r"<img [^>]+>", page.text)
    assert re.search(r'class="logo" src="/logos/[0-9a-f]{64}\.png" alt="" width="42" height="28"', image)
    [source] = re.findall(r"<source [^>]+>", page.text)
    assert 'media="(prefers-color-scheme: dark)"' in source and 'width="112" height="28"' in source
    assert 'href="https://www.example.com/privacy?a=b&amp;c=d" rel="noreferrer">Privacy</a>' in page.text
    assert 'href="mailto:help@example.com" rel="noreferrer">Support</a>' in page.text
    confirm = link.post(page, slot=wire(0))
    assert "nonce=" in confirm.text and "/logos/" in confirm.text
    assert confirm.headers["content-security-policy"].count("'nonce-") == 1


def test_a_body_that_got_lost_wipes_nothing(center: Center) -> None:
    put(center, name="Globex")
    answer = center.http.put("/v1/slotlink/branding", headers=center.key)
    assert answer.status_code == 400 and "{}" in answer.text
    assert center.http.get("/v1/slotlink/branding", headers=center.key).json()["branding"]["name"] == "Globex"
    assert center.http.put("/v1/slotlink/branding", json={}, headers=center.key).status_code == 200


def test_without_branding_a_page_stays_byte_for_byte_as_it_is(center: Center) -> None:
    link = a_link(center)
    before = link.page()
    assert "<style" not in before.text and "framed.js" not in before.text and "<img" not in before.text
    put(center, **WHOLE)
    assert link.page().text != before.text
    put(center)
    after = link.page()
    assert (after.text, dict(after.headers)) == (before.text, dict(before.headers))


def test_no_other_page_bears_it(center: Center) -> None:
    """Not that of a link that nobody has, not another application's."""
    put(center, **WHOLE)
    credentials, their_person = other_application(center)
    request = center.link_request(their_person)
    theirs = center.http.post("/v1/real_time_scheduling", json=request, headers=bearer(credentials[1])).json()
    for path in ("/rts/" + "x" * 22, "/rts/" + theirs["url"].rpartition("/")[2]):
        page = ReadPage(center.http.get(path))
        assert "Globex &amp;" not in page.text and "<style" not in page.text and "/logos/" not in page.text
        assert page.headers["x-frame-options"] == "DENY" and "'none'" in page.headers["content-security-policy"]


def test_a_pale_brand_fills_with_its_own_colour_under_dark_text(center: Center) -> None:
    link = a_link(center)
    put(center, accent="#ffd400")
    assert "--solid:oklch(0.8809 0.1804 var(--h));--on-solid:oklch(.2 .03 var(--h))" in link.page().text


@pytest.mark.parametrize(
    ("content", "kind", "media_type"),
    [(png(84, 56), "png", "image/png"), (svg(), "svg+xml", "image/svg+xml")],
    ids=["png", "svg"],
)
def test_a_logo_is_kept_for_ever_and_runs_nothing(center: Center, content: bytes, kind: str, media_type: str) -> None:
    link = a_link(center)
    put(center, logo=data_url(content, kind))
    [address] = re.findall(r'src="(/logos/[^"]+)"', link.page().text)
    answer = center.http.get(address)
    assert answer.status_code == 200 and answer.headers["content-type"] == media_type
    assert answer.content == base64.b64decode(read(center)["logo"].partition(",")[2])
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"] == OWN
    wrong = address.replace(".png", ".svg") if kind == "png" else address.replace(".svg", ".png")
    for other in (wrong, "/logos/" + "0" * 64 + ".png", "/logos/x", address + "x", address.upper()):
        assert center.http.get(other).status_code == 404, other
    put(center, name="Globex")
    assert center.http.get(address).status_code == 404, "gone with the branding"


def test_a_logo_in_use_by_two_is_kept_while_one_has_it(center: Center) -> None:
    (_, foreign), _ = other_application(center)
    link = a_link(center)
    put(center, logo=LIGHT)
    assert center.http.put(PATH, json={"logo": LIGHT}, headers=bearer(foreign)).status_code == 200
    [address] = re.findall(r'src="(/logos/[^"]+)"', link.page().text)
    assert center.http.get(address).status_code == 200
    assert center.http.put(PATH, json={}, headers=bearer(foreign)).status_code == 200
    assert center.http.get(address).status_code == 200


@pytest.mark.parametrize(
    ("wish", "language"), [({}, "en-US"), ({"Accept-Language": "en-AU"}, "en-AU"), ({"Accept-Language": "xx"}, "en-US")]
)
def test_the_default_locale_is_that_of_who_asks_for_none(center: Center, wish: dict[str, str], language: str) -> None:
    link = a_link(center)
    put(center, default_locale="en-US")
    answer = center.http.get(link.path, headers={"Accept-Language": "", **wish})
    assert f'<html lang="{language}"' in answer.text


def test_addresses_begin_with_the_pages_own_path(tmp_path: Path) -> None:
    with Center(tmp_path, SLOTLINK_APP_URL="https://app.test/meet") as center:
        link = a_link(center)
        put(center, logo=LIGHT, dark_logo=DARK, embed_origins=["https://a.test"])
        text = center.http.get(link.path).text
    for start in ('<img class="logo" src="', 'srcset="', '<script src="'):
        assert f"{start}/meet/" in text, start
