"""Application calendars and what an account is told about itself."""

from __future__ import annotations

import re
from typing import Any

from tests.api.asking import bearer, dump, faults, other_application
from tests.center import Center, Json

PATH = "/v1/application_calendars"


def body(center: Center, name: Any = "maya") -> Json:
    return {
        "client_id": center.client_id,
        "client_secret": center.client_secret,
        "application_calendar_id": name,
    }


def test_an_application_calendar_is_answered_with_tokens_and_a_profile(center: Center) -> None:
    answer = center.http.post(PATH, json=body(center))
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    granted = answer.json()
    assert sorted(granted) == [
        "access_token",
        "application_calendar_id",
        "expires_in",
        "linking_profile",
        "refresh_token",
        "scope",
        "sub",
        "token_type",
    ]
    assert (granted["token_type"], granted["expires_in"], granted["scope"]) == ("bearer", 3600, "read_write")
    assert granted["application_calendar_id"] == "maya"
    assert re.fullmatch(r"apc_[0-9a-f]{24}", granted["sub"])
    profile = granted["linking_profile"]
    assert profile["provider_name"] == "cronofy"
    assert profile["profile_id"] == f"pro_{profile['profile_name']}"
    assert min(len(granted["access_token"]), len(granted["refresh_token"])) >= 22


def test_a_form_makes_the_same_calendar_as_json(center: Center) -> None:
    """The Ruby client sends forms here."""
    by_json = center.http.post(PATH, json=body(center, "a b+c&d=é")).json()
    by_form = center.http.post(PATH, data=body(center, "a b+c&d=é")).json()
    assert by_form["sub"] == by_json["sub"]
    assert by_form["application_calendar_id"] == "a b+c&d=é"


def test_the_same_id_again_is_the_same_account(center: Center) -> None:
    one, again, other = (center.person(name) for name in ("maya", "maya", "jonas"))
    assert one.sub == again.sub
    assert one.calendar_id == again.calendar_id
    assert other.sub != one.sub
    assert len({person.access_token for person in (one, again, other)}) == 3


def test_two_applications_may_use_the_same_id_and_share_nothing(center: Center) -> None:
    ours = center.person("maya")
    credentials, _ = other_application(center)
    theirs = center.person("maya", credentials=credentials)
    assert theirs.sub != ours.sub
    assert theirs.calendar_id != ours.calendar_id


def test_any_header_is_ignored(center: Center) -> None:
    for header in ("Bearer undefined", "Bearer None", "Basic x", f"Bearer {center.client_secret}"):
        answer = center.http.post(PATH, json=body(center), headers={"Authorization": header})
        assert answer.status_code == 200, header


def test_wrong_credentials_are_401_whatever_else_is_wrong(center: Center) -> None:
    before = dump(center)
    for changes in (
        {"client_secret": "x"},
        {"client_id": "x"},
        {"client_id": None},
        {"client_secret": None},
        {"client_id": 7},
        {"client_secret": ["x"]},
        {"client_secret": "x", "application_calendar_id": None},
    ):
        answer = center.http.post(PATH, json=body(center) | changes, headers=center.key)
        assert (answer.status_code, answer.content) == (401, b""), changes
    assert dump(center) == before


def test_the_id_is_a_short_text(center: Center) -> None:
    for name, key in (
        (None, "errors.required"),
        ("", "errors.required"),
        (7, "errors.invalid_format"),
        (["a"], "errors.invalid_format"),
        ("x" * 256, "errors.too_long"),
        ("a\x00", "errors.invalid_format"),
    ):
        refused = faults(center.http.post(PATH, json=body(center, name)))
        assert refused == {"application_calendar_id": [key]}, name
    assert center.http.post(PATH, json=body(center, "x" * 255)).status_code == 200


def test_the_account_names_itself(center: Center) -> None:
    maya = center.person("maya")
    answer = center.http.get("/v1/account", headers=maya.key)
    assert answer.json() == {
        "account": {"account_id": maya.sub, "name": "maya", "scope": "read_write", "default_tzid": "Etc/UTC"},
        "sub": maya.sub,
    }


def test_userinfo_holds_the_profiles_with_their_calendars_and_the_data_center(center: Center) -> None:
    maya = center.person("maya")
    listed = center.http.get("/v1/calendars", headers=maya.key).json()["calendars"]
    told = center.http.get("/v1/userinfo", headers=maya.key).json()
    data = told.pop("cronofy.data")
    assert told == {
        "sub": maya.sub,
        "zoneinfo": "Etc/UTC",
        "application_calendar_id": "maya",
        "cronofy.type": "application_calendar",
        "slotlink": {"data_center": "us"},
    }
    assert data["authorization"] == {"scope": "read_write", "status": "active"}
    assert data["conferencing_profiles"] == []
    (profile,) = data["profiles"]
    without = {"provider_name", "profile_id", "profile_name"}
    assert profile.pop("profile_calendars") == [
        {name: value for name, value in calendar.items() if name not in without} for calendar in listed
    ]
    assert profile == {
        "provider_name": "cronofy",
        "provider_service": "cronofy",
        "profile_id": maya.profile_id,
        "profile_name": maya.profile_id.removeprefix("pro_"),
        "profile_connected": True,
        "profile_initial_sync_required": False,
    }
    assert center.http.get("/v1/profiles", headers=maya.key).json() == {"profiles": [profile]}


def test_a_new_account_has_one_primary_writable_calendar(center: Center) -> None:
    maya = center.person("maya")
    answer = center.http.get("/v1/calendars", headers=maya.key).json()
    assert answer["sub"] == maya.sub
    (calendar,) = answer["calendars"]
    assert calendar == {
        "provider_name": "cronofy",
        "profile_id": maya.profile_id,
        "profile_name": maya.profile_id.removeprefix("pro_"),
        "calendar_id": maya.calendar_id,
        "calendar_name": "maya",
        "calendar_readonly": False,
        "calendar_deleted": False,
        "calendar_primary": True,
        "calendar_integrated_conferencing_available": False,
        "calendar_attachments_available": False,
        "permission_level": "sandbox",
    }


def test_a_second_calendar_is_listed_and_can_be_written(center: Center) -> None:
    maya = center.person("maya")
    wanted = {"profile_id": maya.profile_id, "name": "Interviews", "color": "#49BED8"}
    answer = center.http.post("/v1/calendars", json=wanted, headers=maya.key)
    assert answer.status_code == 200
    made = answer.json()["calendar"]
    assert made == {
        "provider_name": "cronofy",
        "profile_id": maya.profile_id,
        "profile_name": maya.profile_id.removeprefix("pro_"),
        "calendar_id": made["calendar_id"],
        "calendar_name": "Interviews",
        "calendar_readonly": False,
        "calendar_deleted": False,
    }
    listed = center.http.get("/v1/calendars", headers=maya.key).json()["calendars"]
    assert [calendar["calendar_id"] for calendar in listed] == sorted(
        (maya.calendar_id, made["calendar_id"]), key=lambda name: name != maya.calendar_id
    )
    assert [calendar["calendar_primary"] for calendar in listed] == [True, False]
    event = {"event_id": "e", "summary": "S", "start": "2027-03-05T09:00:00Z", "end": "2027-03-05T10:00:00Z"}
    url = f"/v1/calendars/{made['calendar_id']}/events"
    assert center.http.post(url, json=event, headers=maya.key).status_code == 202
    assert [event["calendar_id"] for event in maya.events()] == [made["calendar_id"]]


def test_a_calendars_name_is_used_once(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")

    def create(person: Any, **changes: Any) -> Any:
        wanted = {"profile_id": person.profile_id, "name": "Interviews", **changes}
        return center.http.post("/v1/calendars", json=wanted, headers=person.key)

    assert create(maya).status_code == 200
    before = dump(center)
    assert faults(create(maya)) == {"name": ["errors.duplicate_calendar_name"]}
    assert faults(create(maya, name="maya")) == {"name": ["errors.duplicate_calendar_name"]}
    assert dump(center) == before
    assert create(jonas).status_code == 200
    assert create(maya, name="interviews").status_code == 200


def test_a_calendar_needs_a_profile_of_the_account_and_a_name(center: Center) -> None:
    maya, jonas = center.person("maya"), center.person("jonas")
    before = dump(center)

    def refused(**members: Any) -> dict[str, list[str]]:
        return faults(center.http.post("/v1/calendars", json=members, headers=maya.key))

    assert refused() == {"profile_id": ["errors.required"], "name": ["errors.required"]}
    assert refused(profile_id=jonas.profile_id, name="x") == {"profile_id": ["errors.not_recognized"]}
    assert refused(profile_id="pro_x", name="x") == {"profile_id": ["errors.not_recognized"]}
    assert refused(profile_id=maya.profile_id, name="", color="red") == {
        "name": ["errors.required"],
        "color": ["errors.invalid_format"],
    }
    for color in ("#12345", "#1234567", "#12345g", "#123456\n", 7):
        assert refused(profile_id=maya.profile_id, name="x", color=color) == {"color": ["errors.invalid_format"]}, color
    assert dump(center) == before


def test_a_data_center_is_named_by_its_setting(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_DATA_CENTER="de") as center:
        maya = center.person("maya")
        told = center.http.get("/v1/userinfo", headers=bearer(maya.access_token)).json()
        assert told["slotlink"] == {"data_center": "de"}
        assert center.http.get("/healthz").json()["data_center"] == "de"
