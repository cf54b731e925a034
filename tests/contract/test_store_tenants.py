"""The tenant is part of every statement: whatever the store is asked with a foreign application, it neither shows nor
changes a row of the owner."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from slotlink.domain.booking import EventWrite
from slotlink.domain.branding import Branding
from slotlink.domain.channel import Filters
from slotlink.domain.event import EventTime
from slotlink.domain.link import Link, LinkStatus
from slotlink.domain.logo import Logo
from slotlink.domain.rules import AvailablePeriod, StoredRule
from slotlink.errors import ConfigurationError, NotFound
from slotlink.store import (
    accounts,
    authorizations,
    available_periods,
    bookings,
    brandings,
    channels,
    event_listing,
    events,
    idempotency,
    imported_events,
    links,
    managed_events,
    outbox,
    outbox_listing,
    rules,
    tokens,
    watches,
)
from slotlink.store.authorizations import Code
from slotlink.store.available_periods import Window
from slotlink.store.calendars import create_calendar, get_calendar, list_calendars, set_known, set_tzid, touch_calendar
from slotlink.store.event_listing import Listing
from slotlink.store.events import Occurrence
from slotlink.store.idempotency import KeptAnswer
from slotlink.store.managed_events import ManagedEvent
from slotlink.store.outbox import Attempt
from slotlink.store.profiles import create_application_calendar, list_profiles
from slotlink.store.watches import NewWatch
from tests.contract import mirrored_calls
from tests.contract.mirrored_calls import Elsewhere, connect_somebody
from tests.contract.store import HOUR, NOW, Owner, Store, booking, terms

# Of `applications`, it is the subject.
MODULES: tuple[ModuleType, ...] = (
    accounts,
    authorizations,
    available_periods,
    bookings,
    brandings,
    channels,
    event_listing,
    events,
    idempotency,
    imported_events,
    links,
    managed_events,
    outbox,
    outbox_listing,
    rules,
    tokens,
    watches,
    *mirrored_calls.MODULES,
)
TIME = EventTime(NOW, NOW + HOUR, "Etc/UTC")
RULE = StoredRule.of("default", "Etc/UTC", [], None)
ANSWER = KeptAnswer(b"a" * 32, 200, {}, b"")
PERIOD = AvailablePeriod("once", NOW, NOW + HOUR)
BRANDING = Branding("Globex", "#0f766e", Logo("image/png", b"light", 28), Logo("image/png", b"dark", 28))


BACK = "https://application.test/back"


@dataclass(frozen=True)
class Going:
    """What somebody who is connecting an account has in hand."""

    sign_in_id: str
    code: str
    link_token: str
    refresh_token: str


@dataclass(frozen=True)
class Owned:
    """What the owner has, and the connection and foreign application that a call is made with."""

    store: Store
    connection: Any
    maya: Owner
    link: Link
    access_token: str
    event_uid: str
    item_id: str  # of a callback that was given up
    channel_id: str

    going: Going
    watch: NewWatch
    elsewhere: Elsewhere

    @property
    def foreign(self) -> tuple[Any, str]:
        return self.connection, self.store.foreign_id


Call = Callable[[Owned], Awaitable[Any]]
NOTHING: list[Any] = [None, False, 0, [], {}, set()]
# What each function answers to a foreigner: nothing, or one of these errors.
CALLS: dict[str, Call] = {
    "accounts.lock": lambda o: accounts.lock(*o.foreign, [o.maya.sub]),
    "accounts.lock_living": lambda o: accounts.lock_living(*o.foreign, o.maya.sub),
    "accounts.touch": lambda o: accounts.touch(*o.foreign, [o.maya.sub]),
    "accounts.find": lambda o: accounts.find(*o.foreign, [o.maya.sub]),
    "accounts.get": lambda o: accounts.get(*o.foreign, o.maya.sub),
    "accounts.find_application_calendar": lambda o: accounts.find_application_calendar(*o.foreign, "maya"),
    "calendars.create_calendar": lambda o: create_calendar(
        *o.foreign, o.maya.sub, o.maya.profile_id, "x", tzid="Etc/UTC", now=NOW
    ),
    "profiles.list_profiles": lambda o: list_profiles(*o.foreign, o.maya.sub),
    "calendars.list_calendars": lambda o: list_calendars(*o.foreign, [o.maya.sub]),
    "calendars.get_calendar": lambda o: get_calendar(*o.foreign, o.maya.sub, o.maya.calendar_id),
    "calendars.touch_calendar": lambda o: touch_calendar(*o.foreign, o.maya.calendar_id, NOW),
    "calendars.set_known": lambda o: set_known(*o.foreign, o.maya.calendar_id, NOW, NOW),
    "calendars.set_tzid": lambda o: set_tzid(*o.foreign, o.maya.sub, o.maya.calendar_id, "Asia/Tokyo"),
    "accounts.set_display_name": lambda o: accounts.set_display_name(*o.foreign, o.maya.sub, "Mallory"),
    "tokens.issue_access": lambda o: tokens.issue_access(*o.foreign, o.maya.sub, NOW),
    "tokens.issue_refresh": lambda o: tokens.issue_refresh(*o.foreign, o.maya.sub, NOW),
    "tokens.find": lambda o: tokens.find(
        o.connection, o.access_token, kind=None, now=NOW, application_id=o.store.foreign_id
    ),
    "tokens.prolong": lambda o: tokens.prolong(*o.foreign, o.access_token, NOW),
    "tokens.revoke_all": lambda o: tokens.revoke_all(*o.foreign),
    "accounts.revoke": lambda o: accounts.revoke(*o.foreign, o.maya.sub, NOW),
    "authorizations.remove_redirect_uri": lambda o: authorizations.remove_redirect_uri(*o.foreign, BACK),
    "authorizations.has_redirect_uri": lambda o: authorizations.has_redirect_uri(*o.foreign, BACK),
    "authorizations.list_redirect_uris": lambda o: authorizations.list_redirect_uris(*o.foreign),
    "authorizations.end_sign_in": lambda o: authorizations.end_sign_in(*o.foreign, o.going.sign_in_id),
    "authorizations.issue_code": lambda o: authorizations.issue_code(
        *o.foreign, o.maya.sub, o.maya.profile_id, redirect_uri=BACK, scope="x", code_challenge=None, now=NOW
    ),
    "authorizations.find_code": lambda o: authorizations.find_code(*o.foreign, o.going.code),
    "authorizations.note_code_used": lambda o: authorizations.note_code_used(*o.foreign, o.going.code, NOW),
    "authorizations.issue_link_token": lambda o: authorizations.issue_link_token(*o.foreign, o.maya.sub, NOW),
    "authorizations.find_link_token": lambda o: authorizations.find_link_token(*o.foreign, o.going.link_token, NOW),
    "authorizations.use_link_token": lambda o: authorizations.use_link_token(*o.foreign, o.going.link_token, NOW),
    "authorizations.issue_tokens": lambda o: authorizations.issue_tokens(*o.foreign, o.maya.sub, "x", NOW),
    "authorizations.issue_access": lambda o: authorizations.issue_access(*o.foreign, o.maya.sub, "x", NOW),
    "authorizations.find_refresh": lambda o: authorizations.find_refresh(*o.foreign, o.going.refresh_token, NOW),
    "authorizations.end_tokens_of_code": lambda o: authorizations.end_tokens_of_code(
        *o.foreign, Code(o.maya.sub, o.maya.profile_id, BACK, "x", None, NOW + HOUR, NOW)
    ),
    "available_periods.upsert": lambda o: available_periods.upsert(*o.foreign, o.maya.sub, PERIOD),
    "available_periods.has": lambda o: available_periods.has(*o.foreign, o.maya.sub, "once"),
    "available_periods.read_page": lambda o: available_periods.read_page(*o.foreign, o.maya.sub, Window(), None, 10),
    "available_periods.count": lambda o: available_periods.count(*o.foreign, o.maya.sub, Window()),
    "available_periods.available_periods_of": lambda o: available_periods.available_periods_of(
        *o.foreign, [o.maya.sub], NOW, NOW + HOUR
    ),
    "available_periods.remove": lambda o: available_periods.remove(*o.foreign, o.maya.sub, "once"),
    "available_periods.remove_all": lambda o: available_periods.remove_all(*o.foreign, o.maya.sub),
    "bookings.find": lambda o: bookings.find(*o.foreign, o.link.link_id),
    "bookings.find_attempt": lambda o: bookings.find_attempt(*o.foreign, o.link.link_id),
    "bookings.holds_between": lambda o: bookings.holds_between(*o.foreign, [o.maya.sub], NOW, NOW + HOUR, NOW),
    "bookings.booked_since": lambda o: bookings.booked_since(*o.foreign, o.maya.sub, 0),
    "bookings.booked_between": lambda o: bookings.booked_between(*o.foreign, [o.maya.sub], NOW, NOW + HOUR, NOW),
    "bookings.lock_for_release": lambda o: bookings.lock_for_release(
        *o.foreign, [o.maya.sub], [o.maya.calendar_id], "interview-1"
    ),
    "bookings.release_ended_holds": lambda o: bookings.release_ended_holds(*o.foreign, [o.maya.sub], NOW + HOUR),
    "bookings.release_excluded": lambda o: bookings.release_excluded(*o.foreign, [o.maya.sub], ["interview-1"]),
    "bookings.release_event": lambda o: bookings.release_event(*o.foreign, o.maya.calendar_id, "interview-1"),
    "bookings.insert_booking": lambda o: bookings.insert_booking(
        *o.foreign, "e", booking(o.link, (o.maya.sub,), NOW + HOUR, NOW + 2 * HOUR), NOW
    ),
    "brandings.find": lambda o: brandings.find(*o.foreign),
    "brandings.find_shown": lambda o: brandings.find_shown(*o.foreign),
    "channels.create": lambda o: channels.create(*o.foreign, o.maya.sub, "https://x.test/", Filters(), NOW),
    "channels.find": lambda o: channels.find(*o.foreign, o.maya.sub, o.channel_id),
    "channels.find_same": lambda o: channels.find_same(*o.foreign, o.maya.sub, "https://x.test/", Filters()),
    "channels.list_channels": lambda o: channels.list_channels(*o.foreign, o.maya.sub),
    "channels.close": lambda o: channels.close(*o.foreign, o.channel_id, NOW),
    "channels.close_all": lambda o: channels.close_all(*o.foreign, o.maya.sub, NOW),
    "channels.note_change": lambda o: channels.note_change(
        *o.foreign, o.maya.sub, [o.maya.calendar_id], NOW, managed=True
    ),
    "events.upsert_managed": lambda o: events.upsert_managed(
        *o.foreign, o.maya.calendar_id, "lunch", {}, TIME, "busy", NOW
    ),
    "events.upsert_imported": lambda o: events.upsert_imported(
        *o.foreign, o.maya.calendar_id, "u", "ical", {}, True, [], NOW
    ),
    "events.recurring_objects": lambda o: events.recurring_objects(*o.foreign, o.maya.calendar_id),
    "events.delete_managed": lambda o: events.delete_managed(*o.foreign, [o.maya.calendar_id], None, NOW),
    "events.managed_ids": lambda o: events.managed_ids(*o.foreign, o.maya.calendar_id),
    "events.busy_between": lambda o: events.busy_between(*o.foreign, [o.maya.calendar_id], NOW, NOW + HOUR),
    "events.ids_of": lambda o: events.ids_of(*o.foreign, [o.maya.calendar_id], [o.event_uid]),
    "managed_events.find": lambda o: managed_events.find(*o.foreign, o.maya.calendar_id, "interview-1"),
    "managed_events.of_write": lambda o: managed_events.of_write(
        *o.foreign, o.maya.calendar_id, o.event_uid, o.link.link_id
    ),
    "managed_events.set_details": lambda o: managed_events.set_details(
        *o.foreign, ManagedEvent(o.maya.calendar_id, o.maya.sub, "lunch", {}, TIME, NOW), {}, NOW
    ),
    "managed_events.has_room_elsewhere": lambda o: managed_events.has_room_elsewhere(
        *o.foreign, o.link.link_id, "cal_other", made=True
    ),
    "imported_events.imported_objects": lambda o: imported_events.imported_objects(*o.foreign, o.maya.calendar_id),
    "events.managed_between": lambda o: events.managed_between(*o.foreign, [o.maya.sub], NOW, NOW + HOUR),
    "event_listing.read_page": lambda o: event_listing.read_page(
        *o.foreign, Listing(o.maya.sub, include_managed=True), None, 10
    ),
    "event_listing.count": lambda o: event_listing.count(*o.foreign, Listing(o.maya.sub, include_managed=True)),
    "events.replace_occurrences": lambda o: events.replace_occurrences(
        *o.foreign, o.maya.calendar_id, o.event_uid, [Occurrence(0, TIME, "free")]
    ),
    "idempotency.find": lambda o: idempotency.find(
        o.connection, o.store.vault, o.store.foreign_id, ANSWER.request_sha256, NOW
    ),
    "links.get": lambda o: links.get(o.connection, o.store.vault, o.store.foreign_id, o.link.link_id),
    "links.get_by_token": lambda o: links.get_by_token(o.connection, o.store.vault, o.store.foreign_id, o.link.token),
    "links.lock": lambda o: links.lock(*o.foreign, o.link.link_id),
    "links.close": lambda o: links.close(*o.foreign, o.link.link_id, LinkStatus.DISABLED, NOW),
    "links.set_display_message": lambda o: links.set_display_message(*o.foreign, o.link.link_id, "pwned"),
    "links.claim_no_times_displayed": lambda o: links.claim_no_times_displayed(*o.foreign, o.link.link_id, NOW),
    "links.claim_no_times_suitable": lambda o: links.claim_no_times_suitable(*o.foreign, o.link.link_id, "x", NOW),
    "links.follow_event": lambda o: links.follow_event(
        *o.foreign, o.maya.calendar_id, "interview-1", {"summary": "pwned"}, NOW, NOW + HOUR
    ),
    "links.add_history": lambda o: links.add_history(*o.foreign, o.link.link_id, NOW, "pwned", {}),
    "links.history": lambda o: links.history(*o.foreign, o.link.link_id),
    "rules.upsert": lambda o: rules.upsert(*o.foreign, o.maya.sub, RULE, NOW),
    "rules.get": lambda o: rules.get(*o.foreign, o.maya.sub, "default"),
    "rules.list_rules": lambda o: rules.list_rules(*o.foreign, o.maya.sub),
    "rules.rules_of": lambda o: rules.rules_of(*o.foreign, [o.maya.sub]),
    "rules.remove": lambda o: rules.remove(*o.foreign, o.maya.sub, "default"),
    "available_periods.subs_with_any": lambda o: available_periods.subs_with_any(*o.foreign, [o.maya.sub]),
    "outbox_listing.of_link": lambda o: outbox_listing.of_link(*o.foreign, o.link.link_id),
    "outbox_listing.attempts_of": lambda o: outbox_listing.attempts_of(*o.foreign, o.item_id),
    "outbox.replay": lambda o: outbox.replay(*o.foreign, o.item_id, NOW),
    "watches.watches_of": lambda o: watches.watches_of(*o.foreign, o.maya.profile_id),
    "watches.claim": lambda o: watches.claim(*o.foreign, o.maya.calendar_id, o.watch.watch_id, NOW + HOUR, 60),
    "watches.set_watch": lambda o: watches.set_watch(
        o.connection, o.store.vault, o.store.foreign_id, o.maya.calendar_id, NOW + HOUR, NewWatch("w", "r", "s", NOW)
    ),
    "watches.put_off": lambda o: watches.put_off(*o.foreign, o.maya.calendar_id, NOW + HOUR, NOW, drops=True),
    "watches.drop_watch": lambda o: watches.drop_watch(*o.foreign, o.maya.calendar_id, o.watch.watch_id),
    "watches.expire_watch": lambda o: watches.expire_watch(*o.foreign, o.maya.calendar_id, o.watch.watch_id, NOW),
    **mirrored_calls.CALLS,
}
# These make something new of the caller's own; nothing of anybody else's is named in them.
MAKERS: dict[str, Call] = {
    "brandings.replace": lambda o: brandings.replace(*o.foreign, Branding("Initech")),
    "authorizations.add_redirect_uri": lambda o: authorizations.add_redirect_uri(*o.foreign, BACK, NOW),
    "authorizations.keep_sign_in": lambda o: authorizations.keep_sign_in(
        o.connection, o.store.vault, o.store.foreign_id, f"of {o.store.foreign_id}", "request", NOW
    ),
    "idempotency.hold": lambda o: idempotency.hold(*o.foreign, ANSWER.request_sha256),
    "idempotency.keep": lambda o: idempotency.keep(
        o.connection, o.store.vault, o.store.foreign_id, ANSWER.request_sha256, ANSWER, NOW + HOUR
    ),
    "profiles.create_application_calendar": lambda o: create_application_calendar(*o.foreign, "maya", NOW),
    "links.create": lambda o: links.create(
        o.connection, o.store.vault, o.store.foreign_id, o.link.event, terms(o.maya.sub), NOW
    ),
    "outbox.add": lambda o: outbox.add(
        o.connection, o.store.vault, o.store.foreign_id, o.link.link_id, "https://x.test/", "x.test:443", b"", NOW
    ),
    **mirrored_calls.MAKERS,
}
TENANTS = {"application_id", "message", "mirror", "mirrors", "write"}  # all but the first say whose they are


def test_every_function_that_takes_an_application_is_tried() -> None:
    names = {
        f"{module.__name__.rpartition('.')[2]}.{name}"
        for module in MODULES
        for name, function in inspect.getmembers(module, inspect.iscoroutinefunction)
        if function.__module__ == module.__name__
        and not name.startswith("_")
        and TENANTS & inspect.signature(function).parameters.keys()
    }
    assert names == CALLS.keys() | MAKERS.keys()


@pytest.mark.parametrize("module", [module.__name__.rpartition(".")[2] for module in MODULES])
async def test_a_foreign_application_sees_and_changes_nothing(store: Store, module: str) -> None:
    async with store.transaction() as connection:
        owned = await _own(store, connection)
        before = await store.rows(connection)
    assert all(before[table] for table in ("links", "bookings", "events", "busy_periods", "tokens", "outbox"))
    assert all(before[table] for table in ("availability_rules", "available_periods", "idempotency_keys", "channels"))
    assert all(before[table] for table in ("redirect_uris", "sign_ins", "authorization_codes", "link_tokens"))
    assert all(before[table] for table in ("profiles", "event_writes", "guest_messages", "brandings", "logos"))
    for name, call in (CALLS | MAKERS).items():
        if not name.startswith(module):
            continue
        answer: Any = None
        try:
            async with store.transaction() as connection:
                answer = await call(Owned(store, connection, *owned))
        except (NotFound, IntegrityError):
            answer = None  # refused: by name, or by a foreign key that leads with the application
        assert name in MAKERS or answer in NOTHING, name
        async with store.reading() as connection:
            assert await store.rows(connection) == before, name


async def test_another_rows_secret_does_not_open(store: Store) -> None:
    async with store.transaction() as connection:
        link = await store.link(connection)
        sealed = store.vault.seal(link.token, f"links/{store.application_id}/{link.link_id}")
    assert links.open_token(store.vault, sealed, store.application_id, link.link_id) == link.token
    for application_id, link_id in ((store.foreign_id, link.link_id), (store.application_id, "sch_other")):
        with pytest.raises(ConfigurationError, match="altered, or belongs to another row"):
            links.open_token(store.vault, sealed, application_id, link_id)


async def _own(store: Store, connection: Any) -> tuple[Owner, Link, str, str, str, str, Going, NewWatch, Elsewhere]:
    maya = await store.person(connection)
    event_uid = await store.event(connection, maya.calendar_id, "lunch", NOW, NOW + HOUR)
    write = EventWrite(maya.sub, maya.calendar_id, {})
    link = await store.book(connection, maya.sub, NOW, NOW + HOUR, held_until=NOW + 60, writes=(write,))
    access_token = await tokens.issue_access(connection, store.application_id, maya.sub, NOW)
    await rules.upsert(connection, store.application_id, maya.sub, RULE, NOW)
    await available_periods.upsert(connection, store.application_id, maya.sub, PERIOD)
    await idempotency.keep(connection, store.vault, store.application_id, ANSWER.request_sha256, ANSWER, NOW + HOUR)
    item_id = await outbox.add(
        connection, store.vault, store.application_id, link.link_id, "https://x.test/", "x.test:443", b"b", NOW
    )
    [item] = await outbox.claim(connection, "w_1", NOW, lease_s=40, limit=1)
    await outbox.settle(connection, item, Attempt(NOW, 1, 500, "answered 500"), state="dead", due_at=None)
    channel = await channels.create(connection, store.application_id, maya.sub, "https://x.test/", Filters(), NOW)
    await brandings.replace(connection, store.application_id, BRANDING)
    going, watch = await _going(store, connection, maya), await _watch(store, connection, maya)
    elsewhere = await connect_somebody(store, connection)
    return maya, link, access_token, event_uid, item_id, channel.channel_id, going, watch, elsewhere


async def _going(store: Store, connection: Any, maya: Owner) -> Going:
    own = (connection, store.application_id)
    await authorizations.add_redirect_uri(*own, BACK, NOW)
    sign_in_id = await authorizations.keep_sign_in(
        connection, store.vault, store.application_id, store.application_id, "request", NOW
    )
    code = await authorizations.issue_code(
        *own, maya.sub, maya.profile_id, redirect_uri=BACK, scope="x", code_challenge=None, now=NOW
    )
    link_token = await authorizations.issue_link_token(*own, maya.sub, NOW)
    _, refresh_token = await authorizations.issue_tokens(*own, maya.sub, "x", NOW)
    return Going(sign_in_id, code, link_token, refresh_token)


async def _watch(store: Store, connection: Any, maya: Owner) -> NewWatch:
    own = (store.application_id, maya.calendar_id)
    watch = NewWatch(f"wat_{store.application_id}", "remote", "secret", NOW + HOUR)
    assert await watches.claim(connection, *own, None, NOW, 60)
    assert await watches.set_watch(connection, store.vault, *own, NOW + 60, watch)
    return watch
