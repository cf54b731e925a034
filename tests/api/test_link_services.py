"""Making, closing and telling of links, as services: what is logged, kept and promised, and who is woken."""

from __future__ import annotations

import dataclasses
from typing import Any, Literal

import pytest

from slotlink.domain.link import LinkStatus
from slotlink.errors import InvalidRequest
from slotlink.services import links as service
from slotlink.store import links
from tests.api.asking import callbacks, capture_log
from tests.center import Center, CreatedLink

NONE, EMPTY = "https://application.test/none", "https://application.test/empty"
Kind = Literal["no_times_suitable", "no_times_displayed"]


def test_a_link_made_and_disabled_is_logged(center: Center, monkeypatch: pytest.MonkeyPatch) -> None:
    log = capture_log(monkeypatch, service)
    link = center.create_link(center.person("maya"))
    disable(center, link, "Filled")
    told = {"log_level": "info", "link": link.link_id, "application": center.client_id}
    assert log.entries == [{"event": "link.created", **told}, {"event": "link.disabled", **told}]


def disable(center: Center, link: CreatedLink, message: str) -> Any:
    now = int(center.clock())
    return center.run(lambda deps: service.disable_link(deps, center.client_id, link.link_id, message, now))


def test_disabling_answers_the_link_as_it_is_kept(center: Center) -> None:
    link = center.create_link(center.person("maya"))
    for message in ("Filled", "Filled, sorry"):
        disabled = disable(center, link, message)
        assert (disabled.state, disabled.display_message) == ("disabled", message)
        assert disabled.status(int(center.clock())) is LinkStatus.DISABLED
    assert [what for _, what, _ in history(center, link)] == ["created", "disabled"]


@pytest.mark.parametrize("winner", [LinkStatus.COMPLETED, LinkStatus.DISABLED])
def test_whoever_is_beaten_while_disabling_is_answered_as_if_asking_later(
    center: Center, monkeypatch: pytest.MonkeyPatch, winner: LinkStatus
) -> None:
    """The link is open when it is read, and closed by somebody else before it can be disabled."""
    link = center.create_link(center.person("maya"))
    close = links.close

    async def beaten(connection: Any, application_id: str, link_id: str, *rest: Any, **values: Any) -> None:
        await close(connection, application_id, link_id, winner, 0, display_message="first")
        await close(connection, application_id, link_id, *rest, **values)

    monkeypatch.setattr(links, "close", beaten)
    if winner is LinkStatus.COMPLETED:
        with pytest.raises(InvalidRequest) as refused:
            disable(center, link, "second")
        assert refused.value.fields == {"base": [service.ALREADY_COMPLETED]}
    else:
        assert disable(center, link, "second").display_message == "second"


def history(center: Center, link: CreatedLink) -> list[tuple[int, str, Any]]:
    async def read(deps: Any) -> list[tuple[int, str, Any]]:
        async with deps.database.reading() as connection:
            return await links.history(connection, center.client_id, link.link_id)

    return center.run(read)


def tell(center: Center, link: CreatedLink, kind: Kind, woken: list[str], note: str = "") -> bool:
    async def act(deps: Any) -> bool:
        async with deps.database.reading() as connection:
            found = await links.get(connection, deps.vault, center.client_id, link.link_id)
        waking = dataclasses.replace(deps, wake_worker=lambda: woken.append(kind))
        now = int(center.clock())
        return await service.tell_no_times(waking, found, kind, visitor_tzid="Asia/Tokyo", note=note, now=now)

    return center.run(act)


@pytest.mark.parametrize(
    ("kind", "url", "note"),
    [
        ("no_times_suitable", NONE, "Fridays"),
        ("no_times_suitable", NONE, ""),
        ("no_times_displayed", EMPTY, ""),
    ],
    ids=["a note", "no note", "displayed"],
)
def test_a_visitor_without_times_is_told_once_kept_and_delivered(
    center: Center, kind: Kind, url: str, note: str
) -> None:
    urls = {"no_times_suitable_url": NONE, "no_times_displayed_url": EMPTY}
    link = center.create_link(center.person("maya"), callback_urls=urls)
    woken: list[str] = []
    assert tell(center, link, kind, woken, note) is True
    assert tell(center, link, kind, woken, note) is False
    said = {"tzid": "Asia/Tokyo", **({"note": note} if note else {})}
    now = int(center.clock())
    assert history(center, link) == [(now, "created", {}), (now, kind, said)]
    assert woken == [kind], "there is something to deliver, once"
    assert callbacks(center) == callbacks(center, url)
    assert callbacks(center) == [
        {
            "notification": {"type": f"real_time_scheduling_{kind}", "triggered_at": "2027-03-04T09:00:00Z"},
            "real_time_scheduling": link.status(),
            "event": link.status()["event"],
            "user": said,
        }
    ]


@pytest.mark.parametrize("kind", ["no_times_suitable", "no_times_displayed"])
def test_nothing_is_told_or_kept_where_nobody_asks(center: Center, kind: Kind) -> None:
    other = {
        "no_times_suitable": {"no_times_displayed_url": EMPTY},
        "no_times_displayed": {"no_times_suitable_url": NONE},
    }
    link = center.create_link(center.person("maya"), callback_urls=other[kind])
    woken: list[str] = []
    assert tell(center, link, kind, woken) is False
    assert (woken, callbacks(center)) == ([], [])
    assert [what for _, what, _ in history(center, link)] == ["created"]
