"""Links: made once, closed once, read for ever."""

from __future__ import annotations

import asyncio

import pytest

from slotlink.domain.booking import EventWrite
from slotlink.domain.event import object_time
from slotlink.domain.link import CallbackUrls, LinkStatus, TargetCalendar, Terms
from slotlink.domain.query import ExcludedEvent, Group, Member, Query
from slotlink.errors import LinkNotOpen, NotFound
from slotlink.store import links
from slotlink.vault import digest
from tests.contract.store import DAY, HOUR, NOW, Store, terms

EVERY_TERM = Terms(
    query=Query(
        groups=(
            Group((Member("apc_1"),)),
            Group(
                (
                    Member("apc_2", ("cal_a", "cal_b"), ((NOW, NOW + HOUR),), 300, 0, True, True),
                    Member("apc_3", calendar_ids=(), available_periods=()),
                ),
                required=1,
            ),
        ),
        required_duration=45 * 60,
        query_slots=(NOW + DAY, NOW + 2 * DAY),
        start_interval=900,
        buffer_before=600,
        buffer_after=1200,
        excluded_events=(ExcludedEvent("e"), ExcludedEvent(event_uid="evt_external_1")),
    ),
    tzid="America/St_Johns",
    redirect_uri="https://application.test/done?a=b#c",
    completed_url="https://application.test/completed",
    oauth_state="ŝtato 🗓",
    oauth_scope="read_write",
    event_creation="single",
    targets=(TargetCalendar("apc_1", "cal_x", {"summary": "own"}, {"email": "a@example.test"}),),
    callback_urls=CallbackUrls("https://a.test", "https://b.test", "https://c.test", "https://d.test"),
    minimum_notice=7200,
    hour_format="H",
    selection_mode="no_confirm",
)


async def test_a_link_reads_back_as_it_was_made(store: Store) -> None:
    event = {"event_id": "e", "summary": "Ünterview 🗓", "location": {"description": "a\nb"}, "tzid": "Europe/London"}
    async with store.transaction() as connection:
        made = await links.create(connection, store.vault, store.application_id, event, EVERY_TERM, NOW)
    async with store.reading() as connection:
        assert await links.get(connection, store.vault, store.application_id, made.link_id) == made
        assert await links.get_by_token(connection, store.vault, store.application_id, made.token) == made
        assert await links.get_for_visitor(connection, store.vault, made.token) == made
    assert made.terms == EVERY_TERM and made.event == event and list(made.event) == list(event)
    assert made.expires_at == NOW + 2 * DAY, "a link over slots expires with the start of the last one"


async def test_ids_and_tokens_are_new_each_time_and_long_enough(store: Store) -> None:
    async with store.transaction() as connection:
        made = [await store.link(connection) for _ in range(10)]
    assert len({link.link_id for link in made}) == len({link.token for link in made}) == 10
    assert all(len(link.link_id) == len("sch_") + 24 and len(link.token) >= 22 for link in made)


async def test_the_token_is_nowhere_in_the_database(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        stored = repr(await store.rows(connection))
    assert link.link_id in stored and link.token not in stored and repr(digest(link.token)) in stored


async def test_the_unknown_and_the_foreign_are_not_found(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
    async with store.reading() as connection:
        for application_id, link_id in ((store.foreign_id, link.link_id), (store.application_id, "sch_unknown")):
            with pytest.raises(NotFound):
                await links.get(connection, store.vault, application_id, link_id)
        for application_id, token in ((store.foreign_id, link.token), (store.application_id, link.token + "x")):
            with pytest.raises(NotFound):
                await links.get_by_token(connection, store.vault, application_id, token)
        with pytest.raises(NotFound):
            await links.get_for_visitor(connection, store.vault, link.token[:-1])


@pytest.mark.parametrize("first", [LinkStatus.COMPLETED, LinkStatus.DISABLED])
@pytest.mark.parametrize("second", [LinkStatus.COMPLETED, LinkStatus.DISABLED])
async def test_a_closed_link_stays_as_it_was_closed(store: Store, first: LinkStatus, second: LinkStatus) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        await links.close(connection, store.application_id, link.link_id, first, NOW, display_message="first")
        with pytest.raises(LinkNotOpen) as refused:
            await links.close(connection, store.application_id, link.link_id, second, NOW, display_message="second")
        assert refused.value.status == first
        closed = await links.get(connection, store.vault, store.application_id, link.link_id)
        history = await links.history(connection, store.application_id, link.link_id)
    assert closed.state == first and closed.display_message == "first"
    assert [what for _, what, _ in history] == ["created", first]


async def test_of_two_who_close_a_link_at_once_one_wins(store: Store) -> None:
    for _ in range(5):
        async with store.transaction() as connection:
            link = await store.link(connection)

        async def close(new_state: LinkStatus, link_id: str = link.link_id) -> LinkStatus:
            async with store.transaction() as connection:
                await links.close(connection, store.application_id, link_id, new_state, NOW)
            return new_state

        outcomes = await asyncio.gather(
            *(close(state) for state in (LinkStatus.COMPLETED, LinkStatus.DISABLED) * 3), return_exceptions=True
        )
        winners = [outcome for outcome in outcomes if not isinstance(outcome, BaseException)]
        assert len(winners) == 1
        assert {str(o) for o in outcomes if isinstance(o, BaseException)} == {f"the link is {winners[0]}"}
        assert all(isinstance(o, LinkNotOpen) for o in outcomes if isinstance(o, BaseException))
        async with store.reading() as connection:
            assert (await links.get(connection, store.vault, store.application_id, link.link_id)).state == winners[0]
            assert len(await links.history(connection, store.application_id, link.link_id)) == 2


async def test_the_database_knows_three_states_only(store: Store) -> None:
    with pytest.raises(Exception, match=r"ck_links_state|CHECK constraint"):
        async with store.transaction() as connection:
            link = await store.link(connection)
            await links.close(connection, store.application_id, link.link_id, LinkStatus.COMPLETED, NOW, event="{}")
            await connection.exec_driver_sql("UPDATE links SET state = 'expired'")


async def test_no_times_shown_is_told_once_a_minute(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        told = [
            await links.claim_no_times_displayed(connection, store.application_id, link.link_id, NOW + after)
            for after in (0, 1, 59, 60, 61, 120)
        ]
    assert told == [True, False, False, True, False, True]


async def test_none_suitable_is_told_again_with_another_note_or_later(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        told = [
            await links.claim_no_times_suitable(connection, store.application_id, link.link_id, note, NOW + after)
            for note, after in (("", 0), ("", 1), ("evenings?", 2), ("evenings?", 3), ("", 4), ("", 64), ("", 65))
        ]
    assert told == [True, False, True, False, True, True, False]


async def test_a_completed_link_follows_the_event_that_it_booked(store: Store) -> None:
    write = EventWrite("apc_1", "cal_1", {})
    moved = {"summary": "moved", "event_private": True}
    when = (NOW + HOUR, NOW + 2 * HOUR)
    async with store.transaction() as connection:
        completed = await store.book(connection, "apc_1", NOW, NOW + 60, writes=(write,))
        still_open = await store.book(connection, "apc_2", NOW, NOW + 60, writes=(write,))
        elsewhere = await store.book(connection, "apc_3", NOW, NOW + 60)
        for link in (completed, elsewhere):
            await links.close(connection, store.application_id, link.link_id, LinkStatus.COMPLETED, NOW)
        await links.follow_event(connection, store.application_id, "cal_1", "interview-1", moved, *when)
        await links.follow_event(connection, store.application_id, "cal_1", "another", {"summary": "another"}, *when)
        events = [
            (await links.get(connection, store.vault, store.application_id, link.link_id)).event
            for link in (completed, still_open, elsewhere)
        ]
    tzid = completed.event["tzid"]
    start, end = (object_time(instant, tzid) for instant in when)
    followed = {"event_id": "interview-1", **moved, "tzid": tzid, "start": start, "end": end}
    assert events == [followed, still_open.event, elsewhere.event]


async def test_history_is_kept_in_order(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        for number in range(12):
            await links.add_history(connection, store.application_id, link.link_id, NOW, "seen", {"n": number})
        history = await links.history(connection, store.application_id, link.link_id)
    assert [details.get("n") for _, _, details in history] == [None, *range(12)]


async def test_a_link_over_periods_expires_with_the_last_of_them(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
    assert link.expires_at == terms("apc_1").query.query_periods[0][1]
    assert link.status(link.expires_at - 1) is LinkStatus.OPEN and link.status(link.expires_at) is LinkStatus.EXPIRED
