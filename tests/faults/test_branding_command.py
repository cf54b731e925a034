"""`slotlink applications brand`: what pages look like and who may embed them, as an operator sets it."""

from __future__ import annotations

from tests.faults.commands import Folder

LOGO = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 40 10"><path d="M0 0h9v9z" fill="red"/></svg>'


def test_an_application_is_branded_member_by_member(folder: Folder) -> None:
    client_id = folder("applications", "create", "Globex", "--json").json["client_id"]
    brand = ("applications", "brand", client_id)
    nothing = folder(*brand, "--json").json
    assert nothing.pop("client_id") == client_id and not any(nothing.values())
    logo = folder.path / "logo.svg"
    logo.write_text(LOGO)
    origins = ("--embed-origin", "https://www.example.com", "--embed-origin", "https://WWW.example.com:443")
    first = folder(
        *brand, "--accent", "#F80", "--logo", str(logo), "--privacy-url", "https://a.test/p", *origins, "--json"
    )
    assert (first.json["accent"], first.json["embed_origins"]) == ("#ff8800", ["https://www.example.com"])
    assert first.json["logo"].startswith("data:image/svg+xml;base64,")
    second = folder(*brand, "--name", "Globex Ltd", "--clear", "privacy_url", "--json").json
    assert second == {**first.json, "name": "Globex Ltd", "privacy_url": None}, "the others stay"
    told = folder(*brand).out
    assert "Globex Ltd" in told and "image/svg+xml" in told and "base64" not in told and "not set" in told
    assert folder(*brand, "--json").json == second, "to look changes nothing"
    folder(*brand, "--clear", "embed-origins", "--json")
    assert folder(*brand, "--json").json == {**second, "embed_origins": []}


def test_a_wrong_branding_is_told_whole_and_changes_nothing(folder: Folder) -> None:
    client_id = folder("applications", "create", "Globex", "--json").json["client_id"]
    brand = ("applications", "brand", client_id)
    logo = folder.path / "logo.svg"
    logo.write_text(LOGO.replace("path", "script"))
    wrong = folder(
        *(*brand, "--name", "Initech", "--accent", "teal", "--logo", str(logo), "--support-url", "http://a.test"),
        *("--embed-origin", "https://*.test", "--clear", "colour"),
    )
    assert wrong.code == 1
    for member in ("accent", "logo", "support_url", "embed_origins", "clear"):
        assert f"{member}: " in wrong.err, member
    assert "Traceback" not in wrong.err and "<script>" in wrong.err
    dark = folder(*brand, "--name", "Initech", "--dark-logo", str(folder.path / "logo.svg"))
    assert dark.code == 1
    logo.write_text(LOGO)
    dark = folder(*brand, "--name", "Initech", "--dark-logo", str(logo))
    assert dark.code == 1 and "a logo for dark needs one for light" in dark.err
    assert folder(*brand, "--json").json["name"] is None
    assert folder("applications", "brand", "nobody", "--name", "x").code == 1
