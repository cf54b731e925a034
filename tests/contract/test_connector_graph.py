"""The Graph connector against the double of Microsoft's calendar API, and what only Graph does when it is read."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from slotlink.connectors.graph import SPARE_DAYS, GraphConnector
from slotlink.errors import AccessRevoked, ProviderUnavailable
from tests.contract.connector_contract import ConnectorContract
from tests.contract.connector_events import DAY, KEY, MARCH, START, by_uid, event, our_event, uids
from tests.contract.graph_contract import Ann, GraphFixtures, Losing, Tokens
from tests.doubles.graph import GraphDouble
from tests.doubles.graph_world import ANN, BEN
from tests.doubles.service import Clock
from tests.hostile import Canary

BERLIN = ZoneInfo("Europe/Berlin")
FRIDAY = date(2027, 3, 5)
FRIDAYS = {"type": "weekly", "daysOfWeek": ["friday"]}
WEST = "W. Europe Standard Time"
YEAR = (MARCH.start, MARCH.end + 400 * DAY)


class TestGraph(GraphFixtures, ConnectorContract):
    async def test_what_is_said_of_calendars(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        ben = graph.person(BEN, zone="Asia/Tokyo")
        shared = ben.makes_calendar("Ben")
        ben.shares(shared, ANN)
        listed = {each.remote_id: each for each in await connector.list_calendars()}
        mine, bens = listed[calendar], listed[shared]
        assert (mine.name, mine.tzid, mine.writable, mine.primary) == ("Büro & <Co>", "Europe/Berlin", True, False)
        assert (mine.owner_addresses, mine.conferencing) == ((ANN,), True)
        assert (bens.tzid, bens.writable, bens.primary, bens.owner_addresses) == (None, False, False, (BEN,))

    async def test_what_may_not_be_asked_is_left_open(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        graph.fail("ErrorAccessDenied", path="mailboxSettings")
        graph.fail("ErrorAccessDenied", path="/me$")
        mine = next(each for each in await connector.list_calendars() if each.remote_id == calendar)
        assert (mine.tzid, mine.owner_addresses) == (None, (ANN,))

    async def test_what_is_asked_of_every_answer(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        """Ids that stay, and times in UTC: Prefer counts for the one call only."""
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        await connector.list_calendars()
        await connector.put(calendar, our_event())
        await connector.changes(calendar, (await connector.changes(calendar, None)).cursor)
        await connector.read_live([calendar], MARCH)
        await connector.delete(calendar, KEY)
        asked = [call.headers["prefer"] for call in graph.calls]
        assert len(asked) > 12
        assert all('IdType="ImmutableId"' in each and 'outlook.timezone="UTC"' in each for each in asked)


class TestDelta(GraphFixtures):
    @pytest.mark.parametrize("when", ["at once", "in the middle of paging"])
    async def test_a_forgotten_token_means_a_whole_read(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann, when: str
    ) -> None:
        for number in range(4):
            await person.plant(event(f"e{number}"))
        cursor = (await connector.changes(calendar, None)).cursor
        for number in range(4):
            await person.plant(event(f"e{number}", start=START + DAY))
        if when == "at once":
            graph.deltas.forget()
        else:
            graph.deltas.page_limit = 2
            graph.fail("SyncStateNotFound", path="delta", skip=1)
        changes = await connector.changes(calendar, cursor)
        assert changes.whole and list(by_uid(changes)) == ["e0", "e1", "e2", "e3"]

    async def test_a_state_that_is_always_gone_is_no_calendar_that_is(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        graph.fail("SyncStateNotFound", path="delta", times=9)
        with pytest.raises(ProviderUnavailable):
            await connector.changes(calendar, None)

    async def test_pages_that_repeat_items_or_are_empty(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        for number in range(7):
            await person.plant(event(f"e{number}"))
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        graph.deltas.page_limit, graph.deltas.duplicated, graph.deltas.empty_pages = 2, 3, 2
        changes = await connector.changes(calendar, None)
        assert uids(changes.changed) == [*(f"e{number}" for number in range(7)), "fridays"]
        assert len(graph.called("GET", "delta")) > 4

    @pytest.mark.parametrize(("code", "retry_after"), [("UnknownError", None), ("ServiceUnavailable", 7)])
    async def test_an_outage_in_the_middle_gives_no_half(
        self,
        connector: GraphConnector,
        graph: GraphDouble,
        calendar: str,
        person: Ann,
        code: str,
        retry_after: int | None,
    ) -> None:
        for number in range(4):
            await person.plant(event(f"e{number}"))
        graph.deltas.page_limit = 2
        graph.fail(code, retry_after=retry_after, path="delta", skip=1)
        with pytest.raises(ProviderUnavailable) as caught:
            await connector.changes(calendar, None)
        assert caught.value.retry_after == retry_after
        assert len((await connector.changes(calendar, None)).changed) == 4

    async def test_what_moves_out_of_the_window_is_removed(
        self, connector: GraphConnector, calendar: str, person: Ann
    ) -> None:
        await person.plant(event("one"))
        first = await connector.changes(calendar, None)
        await person.plant(event("one", start=START + 800 * DAY))
        changes = await connector.changes(calendar, first.cursor)
        assert (changes.changed, changes.removed) == ((), (first.changed[0].remote_key,))
        assert (await connector.changes(calendar, None)).changed == ()

    async def test_what_moves_to_another_calendar_is_removed_here(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        await person.plant(event("one"))
        first = await connector.changes(calendar, None)
        ann = graph.person(ANN)
        ann.moves_to(person.the("one").id(False), other := ann.makes_calendar("Other"))
        assert (await connector.changes(calendar, first.cursor)).removed == (first.changed[0].remote_key,)
        [moved] = (await connector.changes(other, None)).changed
        assert moved.remote_key == first.changed[0].remote_key, "ids are immutable"

    async def test_the_window_moves_with_time(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, person: Ann
    ) -> None:
        await person.plant(event("far", start=START + 410 * DAY))
        person.series("fridays", FRIDAY, FRIDAYS, WEST)
        first = await connector.changes(calendar, None)
        assert uids(first.changed) == ["fridays"]
        clock = graph.clock
        assert isinstance(clock, Clock)
        clock.advance((SPARE_DAYS - 1) * DAY)
        soon = await connector.changes(calendar, first.cursor)
        assert not soon.whole and not soon.changed
        clock.advance(2 * DAY)
        later = await connector.changes(calendar, soon.cursor)
        assert later.whole and uids(later.changed) == ["far", "fridays"]
        assert by_uid(later)["fridays"].version != by_uid(first)["fridays"].version, "it has other occurrences now"

    async def test_a_cursor_leads_nowhere_else(self, connector: GraphConnector, calendar: str) -> None:
        """A link of another host is one that is not known any more."""
        cursor = (await connector.changes(calendar, None)).cursor or ""
        begin, _, _ = cursor.rpartition(" ")
        with Canary() as canary:
            for host in (f"127.0.0.1:{canary.port}", f"localhost:{canary.port}"):
                assert (await connector.changes(calendar, f"{begin} http://{host}/v1.0/delta?x=1")).whole
            assert not canary.contacted


class TestTokens(GraphFixtures):
    async def test_a_refused_token_is_replaced_once(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, tokens: Tokens
    ) -> None:
        old = await tokens.access_token()
        graph.oauth.forget_access_tokens()
        assert (await connector.changes(calendar, None)).whole
        assert tokens.refused == [old]

    async def test_two_refused_tokens_are_a_revoked_access(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str, tokens: Tokens
    ) -> None:
        graph.fail("InvalidAuthenticationToken", times=99)
        with pytest.raises(AccessRevoked):
            await connector.changes(calendar, None)
        assert len(tokens.refused) == 1 and len(graph.calls) == 2

    async def test_a_mailbox_that_is_asked_too_often(
        self, connector: GraphConnector, graph: GraphDouble, calendar: str
    ) -> None:
        graph.limits.throttle(ANN, 17)
        live = (await connector.read_live([calendar], MARCH))[calendar]
        assert isinstance(live, ProviderUnavailable) and live.retry_after == 17

    async def test_many_calendars_are_read_four_at_once(
        self, connector: GraphConnector, graph: GraphDouble, losing: Losing
    ) -> None:
        names = [graph.person(ANN).makes_calendar(f"c{number}") for number in range(9)]
        found = await connector.read_live(names, MARCH)
        assert found == {name: [] for name in names} and losing.most_at_once == 4
