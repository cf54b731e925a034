"""The Google connector against the double of Google Calendar: the contract, access, and watches."""

from __future__ import annotations

import pytest

from slotlink.connectors.google import GoogleConnector
from slotlink.errors import AccessRevoked, CalendarGone, NotAccepted, ProviderUnavailable
from tests.contract.connector_contract import ConnectorContract
from tests.contract.connector_events import ZONE, event, our_event
from tests.contract.google_contract import CALENDAR, GoogleAccount, Losing, Owner, Source, connector_of
from tests.doubles.google import GoogleDouble
from tests.doubles.google_world import ANN, BEN


class TestGoogle(GoogleAccount, ConnectorContract):
    async def test_what_is_said_of_calendars(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        ben = google.person(BEN)
        ben.shares("primary", ANN, "freeBusyReader")
        hidden = google.person(ANN).makes_calendar("old@group.calendar.test")
        google.person(ANN).hides(hidden)
        listed = {each.remote_id: each for each in await connector.list_calendars()}
        assert listed.keys() == {ANN, BEN, CALENDAR}
        own, team, bens = listed[ANN], listed[CALENDAR], listed[BEN]
        assert (own.primary, own.writable, own.conferencing, own.owner_addresses) == (True, True, True, (ANN,))
        assert (team.primary, team.writable, team.name, team.tzid) == (False, True, "Büro", ZONE)
        assert (bens.primary, bens.writable, bens.conferencing) == (False, False, False)

    async def test_many_calendars_come_in_pages(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        google.tokens.page_limit, google.tokens.empty_pages = 1, 1
        for number in range(3):
            google.person(ANN).makes_calendar(f"c{number}@group.calendar.test")
        assert len(await connector.list_calendars()) == 5

    async def test_a_refused_token_is_renewed_once(
        self, google: GoogleDouble, connector: GoogleConnector, source: Source
    ) -> None:
        google.oauth.forget_access_tokens()
        assert await connector.list_calendars()
        assert [each is None for each in source.asked] == [True, False]
        google.fail("authError", path="calendarList", times=9)
        with pytest.raises(AccessRevoked):
            await connector.list_calendars()
        assert len(google.called(path="calendarList")) == 4

    async def test_scopes_that_were_unticked(self, google: GoogleDouble, losing: Losing) -> None:
        connector = connector_of(google, losing, Source(google, ANN, "calendar.readonly"))
        assert (await connector.changes(CALENDAR, None)).whole
        with pytest.raises(NotAccepted):
            await connector.put(CALENDAR, our_event())
        nothing = connector_of(google, losing, Source(google, BEN, "calendar.freebusy"))
        with pytest.raises(AccessRevoked):
            await nothing.list_calendars()

    @pytest.mark.parametrize("reason", ["rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded"])
    async def test_quota_is_no_lack_of_right(
        self, google: GoogleDouble, connector: GoogleConnector, reason: str
    ) -> None:
        google.fail(reason, retry_after=7, times=2)
        with pytest.raises(ProviderUnavailable) as caught:
            await connector.changes(CALENDAR, None)
        assert caught.value.retry_after == 7
        with pytest.raises(ProviderUnavailable):
            await connector.put(CALENDAR, our_event())

    async def test_a_right_that_is_missing(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        google.person(BEN).shares("primary", ANN, "reader")
        with pytest.raises(NotAccepted):
            await connector.put(BEN, our_event())
        google.fail("notACalendarUser")
        with pytest.raises(CalendarGone):
            await connector.changes(BEN, None)

    async def test_changes_are_told(self, google: GoogleDouble, connector: GoogleConnector, person: Owner) -> None:
        watch = await connector.watch(CALENDAR, "watch-1", "https://slotlink.test/hook", "s3cret")
        assert watch is not None
        assert (watch.watch_id, watch.expires_at) == ("watch-1", int(google.clock.now) + 604_800)
        await person.plant(event("one"))
        last = google.push.notices[-1]
        assert (last.url, last.headers["X-Goog-Channel-Token"]) == ("https://slotlink.test/hook", "s3cret")
        with pytest.raises(NotAccepted):
            await connector.watch(CALENDAR, "watch-1", "https://slotlink.test/hook", "s3cret")
        await connector.unwatch(CALENDAR, watch)
        await connector.unwatch(CALENDAR, watch)
        assert google.push.channels == {}

    async def test_watches_that_google_refuses(self, google: GoogleDouble, connector: GoogleConnector) -> None:
        with pytest.raises(NotAccepted):
            await connector.watch(CALENDAR, "watch-1", "http://slotlink.test/hook", "s3cret")
        with pytest.raises(CalendarGone):
            await connector.watch("nobody@example.com", "watch-1", "https://slotlink.test/hook", "s3cret")
        google.faults.answer(400, {"error": {"errors": [{"reason": "pushNotSupportedForRequestedResource"}]}})
        assert await connector.watch(CALENDAR, "watch-1", "https://slotlink.test/hook", "s3cret") is None
        google.faults.answer(401, {"error": {"errors": [{"reason": "push.webhookUrlUnauthorized"}]}})
        with pytest.raises(NotAccepted):
            await connector.watch(CALENDAR, "watch-1", "https://slotlink.test/hook", "s3cret")
