"""The schema, in one place. Both engines are made from these tables; `migrations/` brings a database to them.

Every key leads with the application, so that one application's rows can live together when one machine is not enough.
Columns named `…_at`, `…_until`, `…_from` and all starts and ends are UTC seconds (docs/decisions/0002).
Columns named `sealed_…` are encrypted (`vault.py`); `…_sha256` are digests for look-up. JSON is text.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _of_application() -> Column[str]:
    return Column("application_id", String(32), primary_key=True)


applications = Table(
    "applications",
    metadata,
    _of_application(),
    Column("name", Text, nullable=False),
    Column("shows_participants", Boolean, nullable=False, default=False),
    Column("created_at", BigInteger, nullable=False),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    _of_application(),
    Column("secret_id", String(32), primary_key=True),
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    Index("ix_client_secrets_secret_sha256", "secret_sha256"),
)

accounts = Table(
    "accounts",
    metadata,
    _of_application(),
    Column("sub", String(40), primary_key=True),
    Column("application_calendar_id", Text),  # NULL again once revoked: the id may then be used afresh
    Column("display_name", Text),
    Column("tzid", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    # Grows with every committed change of anything that an answer about this account's availability depends on.
    Column("version", BigInteger, nullable=False, server_default="0"),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    UniqueConstraint("application_id", "application_calendar_id"),
)

tokens = Table(
    "tokens",
    metadata,
    _of_application(),
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("kind", String(8), nullable=False),  # access | refresh
    Column("sub", String(40), nullable=False),
    Column("scope", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    CheckConstraint("kind IN ('access', 'refresh')", name="kind"),
    Index("ix_tokens_token_sha256", "token_sha256"),
    Index("ix_tokens_application_id_sub", "application_id", "sub"),
)

profiles = Table(
    "profiles",
    metadata,
    _of_application(),
    Column("profile_id", String(40), primary_key=True),
    Column("sub", String(40), nullable=False),
    Column("provider_name", String(32), nullable=False),
    Column("profile_name", Text),
    Column("connected", Boolean, nullable=False),
    Column("initial_sync_required", Boolean, nullable=False),
    Column("sealed_credentials", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    Index("ix_profiles_application_id_sub", "application_id", "sub"),
)

calendars = Table(
    "calendars",
    metadata,
    _of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("profile_id", String(40), nullable=False),
    Column("sub", String(40), nullable=False),
    Column("name", Text, nullable=False),
    Column("color", String(7)),
    Column("tzid", Text, nullable=False),
    Column("readonly", Boolean, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("primary", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),  # grows with every change of busy time
    Column("fresh_at", BigInteger),  # when the calendar was last read whole; NULL: never
    # Busy time is known from here to there; outside, the calendar counts as unreadable. NULL: without bound.
    Column("known_from", BigInteger),
    Column("known_until", BigInteger),
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id", "profile_id"], ["profiles.application_id", "profiles.profile_id"]),
    Index("ix_calendars_application_id_sub", "application_id", "sub"),
)

events = Table(
    "events",
    metadata,
    _of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("event_id", Text),  # the application's own id; NULL for imported events
    Column("ical_uid", Text),
    Column("ical", Text),  # imported events: the whole iCalendar object, the source of its occurrences
    Column("details", Text, nullable=False),  # members as read back (summary, location, …), without start and end
    Column("recurring", Boolean, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    Column("deleted_at", BigInteger),
    ForeignKeyConstraint(["application_id", "calendar_id"], ["calendars.application_id", "calendars.calendar_id"]),
    UniqueConstraint("application_id", "calendar_id", "event_id"),
    UniqueConstraint("application_id", "calendar_id", "ical_uid"),
)

busy_periods = Table(
    "busy_periods",
    metadata,
    _of_application(),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_uid", String(48), primary_key=True),
    Column("occurrence", BigInteger, primary_key=True),  # the occurrence's original start; 0 for a single event
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("start_date", String(10)),  # all-day events only, as written
    Column("end_date", String(10)),
    Column("kind", String(9), nullable=False),  # busy | tentative | free
    Column("details", Text),  # an occurrence that differs from its event
    ForeignKeyConstraint(
        ["application_id", "calendar_id", "event_uid"],
        ["events.application_id", "events.calendar_id", "events.event_uid"],
        ondelete="CASCADE",
    ),
    CheckConstraint("end_at >= start_at", name="order"),
    CheckConstraint("kind IN ('busy', 'tentative', 'free')", name="kind"),
    # Answers "what overlaps this span" by start; the span is widened by the calendar's longest event (below).
    Index("ix_busy_periods_calendar_start", "application_id", "calendar_id", "start_at", "end_at"),
    Index("ix_busy_periods_calendar_end", "application_id", "calendar_id", "end_at"),
)

availability_rules = Table(
    "availability_rules",
    metadata,
    _of_application(),
    Column("sub", String(40), primary_key=True),
    Column("availability_rule_id", String(64), primary_key=True),  # the application's own id
    Column("tzid", Text, nullable=False),
    Column("calendar_ids", Text),  # NULL: none were named, so all of them count
    Column("weekly_periods", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("updated_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
)

available_periods = Table(
    "available_periods",
    metadata,
    _of_application(),
    Column("sub", String(40), primary_key=True),
    Column("available_period_id", String(64), primary_key=True),  # the application's own id
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("tzid", Text, nullable=False),  # as written; only says how the period is read back
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    CheckConstraint("end_at > start_at", name="order"),
    Index("ix_available_periods_sub_start", "application_id", "sub", "start_at", "end_at"),
)

links = Table(
    "links",
    metadata,
    _of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("token_sha256", LargeBinary(32), nullable=False),
    Column("sealed_token", LargeBinary, nullable=False),
    Column("state", String(9), nullable=False),  # open | completed | disabled; `expired` is read off the clock
    Column("expires_at", BigInteger, nullable=False),
    Column("event_id", Text, nullable=False),
    Column("event", Text, nullable=False),  # exactly as status answers it
    Column("terms", Text, nullable=False),  # what was asked for at creation (`domain.link.Terms`)
    Column("display_message", Text),
    Column("no_times_displayed_at", BigInteger),
    Column("no_times_suitable_at", BigInteger),
    Column("no_times_suitable_note", Text),
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    CheckConstraint("state IN ('open', 'completed', 'disabled')", name="state"),
    Index("ix_links_token_sha256", "token_sha256"),
    Index("ix_links_application_id_event_id", "application_id", "event_id"),
)

link_history = Table(
    "link_history",
    metadata,
    _of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("what", String(32), nullable=False),
    Column("details", Text, nullable=False),
    ForeignKeyConstraint(["application_id", "link_id"], ["links.application_id", "links.link_id"]),
)

bookings = Table(
    "bookings",
    metadata,
    _of_application(),
    Column("link_id", String(32), primary_key=True),  # the key itself: one booking a link, for ever
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    Column("tzid", Text, nullable=False),  # the visitor's
    Column("booked_at", BigInteger, nullable=False),
    # Whose booking this is: looked up by whoever lost the connection while committing it.
    Column("attempt_id", String(32)),
    ForeignKeyConstraint(["application_id", "link_id"], ["links.application_id", "links.link_id"]),
    CheckConstraint("end_at > start_at", name="order"),
)

booking_participants = Table(
    "booking_participants",
    metadata,
    _of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("sub", String(40), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("start_at", BigInteger, nullable=False),
    Column("end_at", BigInteger, nullable=False),
    # While true, the database refuses a second booking of this participant for overlapping time
    # (exclusion constraint on PostgreSQL, trigger on SQLite: migrations/versions/0001).
    Column("blocks", Boolean, nullable=False),
    Column("held_until", BigInteger),  # a hold without an event ends here; NULL: the event ends it
    ForeignKeyConstraint(["application_id", "link_id"], ["bookings.application_id", "bookings.link_id"]),
    Index("ix_booking_participants_sub_end", "application_id", "sub", "end_at"),
)

booking_events = Table(
    "booking_events",
    metadata,
    _of_application(),
    Column("link_id", String(32), primary_key=True),
    Column("calendar_id", String(80), primary_key=True),
    Column("event_id", Text, nullable=False),
    Column("sub", String(40), nullable=False),
    ForeignKeyConstraint(["application_id", "link_id"], ["bookings.application_id", "bookings.link_id"]),
    Index("ix_booking_events_event", "application_id", "calendar_id", "event_id"),
)

outbox = Table(
    "outbox",
    metadata,
    _of_application(),
    Column("item_id", String(32), primary_key=True),
    Column("kind", String(16), nullable=False),  # callback, so far
    Column("link_id", String(32)),
    Column("url", Text, nullable=False),
    Column("host", Text, nullable=False),
    Column("sealed_body", LargeBinary, nullable=False),  # fixed at commit; every attempt sends what is in it
    Column("state", String(9), nullable=False),  # waiting | delivered | dead
    Column("attempts", Integer, nullable=False),
    # The attempts that were made before an operator asked for a replay: the schedule counts from here.
    Column("replayed_after", Integer, nullable=False, server_default="0"),
    Column("due_at", BigInteger, nullable=False),
    Column("lease_owner", String(32)),
    Column("lease_until", BigInteger),
    Column("fence", Integer, nullable=False),  # grows with every claim; a settle with an older one is refused
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name="state"),
    Index("ix_outbox_state_due_at", "state", "due_at"),
    Index("ix_outbox_application_id_link_id", "application_id", "link_id"),
)

outbox_attempts = Table(
    "outbox_attempts",
    metadata,
    _of_application(),
    Column("item_id", String(32), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("took_ms", Integer, nullable=False),
    Column("status_code", Integer),
    Column("outcome", Text, nullable=False),
    ForeignKeyConstraint(["application_id", "item_id"], ["outbox.application_id", "outbox.item_id"]),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    _of_application(),
    Column("key_sha256", LargeBinary(32), primary_key=True),  # of the header's value
    Column("request_sha256", LargeBinary(32), nullable=False),  # of what was asked: caller, path, members
    Column("status_code", Integer, nullable=False),
    Column("sealed_answer", LargeBinary, nullable=False),  # with its headers; answers may hold tokens
    Column("expires_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    Index("ix_idempotency_keys_expires_at", "expires_at"),
)

# Only used where several processes share a database. Unlogged on PostgreSQL: a crash empties it, which hurts nobody.
request_counts = Table(
    "request_counts",
    metadata,
    _of_application(),
    Column("seconds", Integer, primary_key=True),  # the length of the window
    Column("window_number", BigInteger, nullable=False),  # since 1970
    Column("requests", Integer, nullable=False),
)

keys_in_use = Table(
    "keys_in_use",
    metadata,
    Column("key_id", String(16), primary_key=True),  # first bytes of the key's SHA-256
    Column("check_value", LargeBinary, nullable=False),  # a known text sealed with it: tells a wrong key at start
    Column("first_used_at", BigInteger, nullable=False),
)
