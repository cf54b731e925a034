"""What is signed for clients and visitors, while keys change: a form that is open, the address of a further page."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from slotlink.services import keys
from slotlink.vault import new_key
from slotlink.web import api_calendars
from tests.center import HOUR, Center, CreatedLink, Person

OLD, NEW = new_key(), new_key()


def started(folder: Path, *keys: str) -> Center:
    """The same place, started with these keys."""
    url = f"sqlite:///{folder / 'slotlink.db'}"
    return Center(folder, SLOTLINK_DATABASE_URL=url, SLOTLINK_SECRET_KEYS=",".join(keys))


def moved(center: Center, link: CreatedLink, maya: Person) -> None:
    link.center = maya.center = center


def test_open_forms_and_further_pages_last_while_their_key_is_in_the_list(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_calendars, "PAGE_SIZE", 1)

    def further(center: Center) -> str:
        answer = center.http.get("/v1/events", params={"tzid": "Etc/UTC", "include_managed": "true"}, headers=maya.key)
        return urlsplit(answer.json()["pages"]["next_page"]).path

    with started(tmp_path, OLD) as center:
        maya = center.person("maya")
        for hour in range(2):
            start = int(center.clock.now) + hour * HOUR
            maya.event(f"busy-{hour}", start, start + HOUR)
        link = center.create_link(maya)
        opened, address = link.page(), further(center)
    with started(tmp_path, NEW, OLD) as center:
        moved(center, link, maya)
        assert center.http.get(address, headers=maya.key).status_code == 200
        assert link.post(opened, slot="nonsense").code == 422, "the form is known, the slot is not"
        opened_during, address_during = link.page(), further(center)
        assert center.run(keys.rotate).faults == []
    with started(tmp_path, NEW) as center:
        moved(center, link, maya)
        assert center.http.get(address_during, headers=maya.key).status_code == 200
        assert center.http.get(address, headers=maya.key).status_code == 404
        assert link.post(opened, slot=opened.slots[0]).code == 403
        assert link.page().status == "open"
        assert link.post(opened_during, slot=opened_during.slots[0]).code == 303
