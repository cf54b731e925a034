"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Two bookings of one participant for overlapping time are refused by the database itself. The engines share no form
# for it: a trigger on SQLite, an exclusion constraint on PostgreSQL (btree_gist comes with its contrib package).
_OVERLAPS = """
    SELECT RAISE(ABORT, 'booking overlap') WHERE NEW.blocks AND EXISTS (
        SELECT 1 FROM booking_participants other
        WHERE other.application_id = NEW.application_id AND other.sub = NEW.sub
          AND other.end_at > NEW.start_at AND other.start_at < NEW.end_at
          AND other.blocks AND other.link_id <> NEW.link_id);
"""
GUARDS = {
    "sqlite": [
        f"CREATE TRIGGER booking_overlap_{verb} BEFORE {verb} ON booking_participants BEGIN {_OVERLAPS} END"
        for verb in ("insert", "update")
    ],
    "postgresql": [
        "CREATE EXTENSION IF NOT EXISTS btree_gist",
        "ALTER TABLE booking_participants ADD CONSTRAINT booking_overlap EXCLUDE USING gist "
        "(application_id WITH =, sub WITH =, int8range(start_at, end_at) WITH &&) WHERE (blocks)",
    ],
}


def upgrade() -> None:
    op.create_table(
        "applications",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("shows_participants", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("application_id", name=op.f("pk_applications")),
    )
    op.create_table(
        "keys_in_use",
        sa.Column("key_id", sa.String(length=16), nullable=False),
        sa.Column("check_value", sa.LargeBinary(), nullable=False),
        sa.Column("first_used_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_keys_in_use")),
    )
    op.create_table(
        "accounts",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("application_calendar_id", sa.Text(), nullable=True),
        sa.Column("display_name", sa.Text(), nullable=True),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_accounts_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "sub", name=op.f("pk_accounts")),
        sa.UniqueConstraint(
            "application_id", "application_calendar_id", name=op.f("uq_accounts_application_id_application_calendar_id")
        ),
    )
    op.create_table(
        "client_secrets",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("secret_id", sa.String(length=32), nullable=False),
        sa.Column("secret_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_secret", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_client_secrets_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "secret_id", name=op.f("pk_client_secrets")),
    )
    op.create_index("ix_client_secrets_secret_sha256", "client_secrets", ["secret_sha256"], unique=False)
    op.create_table(
        "links",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_token", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("display_message", sa.Text(), nullable=True),
        sa.Column("no_times_displayed_at", sa.BigInteger(), nullable=True),
        sa.Column("no_times_suitable_at", sa.BigInteger(), nullable=True),
        sa.Column("no_times_suitable_note", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'completed', 'disabled')", name=op.f("ck_links_state")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_links_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "link_id", name=op.f("pk_links")),
    )
    op.create_index("ix_links_application_id_event_id", "links", ["application_id", "event_id"], unique=False)
    op.create_index("ix_links_token_sha256", "links", ["token_sha256"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("sealed_body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease_owner", sa.String(length=32), nullable=True),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("state IN ('waiting', 'delivered', 'dead')", name=op.f("ck_outbox_state")),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_outbox_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "item_id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_application_id_link_id", "outbox", ["application_id", "link_id"], unique=False)
    op.create_index("ix_outbox_state_due_at", "outbox", ["state", "due_at"], unique=False)
    op.create_table(
        "bookings",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.Column("booked_at", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("end_at > start_at", name=op.f("ck_bookings_order")),
        sa.ForeignKeyConstraint(
            ["application_id", "link_id"], ["links.application_id", "links.link_id"], name=op.f("fk_bookings_links")
        ),
        sa.PrimaryKeyConstraint("application_id", "link_id", name=op.f("pk_bookings")),
    )
    op.create_table(
        "link_history",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "link_id"], ["links.application_id", "links.link_id"], name=op.f("fk_link_history_links")
        ),
        sa.PrimaryKeyConstraint("application_id", "link_id", "number", name=op.f("pk_link_history")),
    )
    op.create_table(
        "outbox_attempts",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("item_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status_code", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "item_id"],
            ["outbox.application_id", "outbox.item_id"],
            name=op.f("fk_outbox_attempts_outbox"),
        ),
        sa.PrimaryKeyConstraint("application_id", "item_id", "number", name=op.f("pk_outbox_attempts")),
    )
    op.create_table(
        "profiles",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("profile_id", sa.String(length=40), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("provider_name", sa.String(length=32), nullable=False),
        sa.Column("profile_name", sa.Text(), nullable=True),
        sa.Column("connected", sa.Boolean(), nullable=False),
        sa.Column("initial_sync_required", sa.Boolean(), nullable=False),
        sa.Column("sealed_credentials", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"], ["accounts.application_id", "accounts.sub"], name=op.f("fk_profiles_accounts")
        ),
        sa.PrimaryKeyConstraint("application_id", "profile_id", name=op.f("pk_profiles")),
    )
    op.create_index("ix_profiles_application_id_sub", "profiles", ["application_id", "sub"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.CheckConstraint("kind IN ('access', 'refresh')", name=op.f("ck_tokens_kind")),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"], ["accounts.application_id", "accounts.sub"], name=op.f("fk_tokens_accounts")
        ),
        sa.PrimaryKeyConstraint("application_id", "token_sha256", name=op.f("pk_tokens")),
    )
    op.create_index("ix_tokens_application_id_sub", "tokens", ["application_id", "sub"], unique=False)
    op.create_index("ix_tokens_token_sha256", "tokens", ["token_sha256"], unique=False)
    op.create_table(
        "booking_events",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "link_id"],
            ["bookings.application_id", "bookings.link_id"],
            name=op.f("fk_booking_events_bookings"),
        ),
        sa.PrimaryKeyConstraint("application_id", "link_id", "calendar_id", name=op.f("pk_booking_events")),
    )
    op.create_index(
        "ix_booking_events_event", "booking_events", ["application_id", "calendar_id", "event_id"], unique=False
    )
    op.create_table(
        "booking_participants",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("blocks", sa.Boolean(), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id", "link_id"],
            ["bookings.application_id", "bookings.link_id"],
            name=op.f("fk_booking_participants_bookings"),
        ),
        sa.PrimaryKeyConstraint("application_id", "link_id", "sub", name=op.f("pk_booking_participants")),
    )
    op.create_index(
        "ix_booking_participants_sub_end", "booking_participants", ["application_id", "sub", "end_at"], unique=False
    )
    op.create_table(
        "calendars",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("profile_id", sa.String(length=40), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("color", sa.String(length=7), nullable=True),
        sa.Column("tzid", sa.Text(), nullable=False),
        sa.Column("readonly", sa.Boolean(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("primary", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("fresh_at", sa.BigInteger(), nullable=True),
        sa.Column("known_from", sa.BigInteger(), nullable=True),
        sa.Column("known_until", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "profile_id"],
            ["profiles.application_id", "profiles.profile_id"],
            name=op.f("fk_calendars_profiles"),
        ),
        sa.PrimaryKeyConstraint("application_id", "calendar_id", name=op.f("pk_calendars")),
    )
    op.create_index("ix_calendars_application_id_sub", "calendars", ["application_id", "sub"], unique=False)
    op.create_table(
        "events",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("event_uid", sa.String(length=48), nullable=False),
        sa.Column("event_id", sa.Text(), nullable=True),
        sa.Column("ical_uid", sa.Text(), nullable=True),
        sa.Column("ical", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("recurring", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id", "calendar_id"],
            ["calendars.application_id", "calendars.calendar_id"],
            name=op.f("fk_events_calendars"),
        ),
        sa.PrimaryKeyConstraint("application_id", "calendar_id", "event_uid", name=op.f("pk_events")),
        sa.UniqueConstraint(
            "application_id", "calendar_id", "event_id", name=op.f("uq_events_application_id_calendar_id_event_id")
        ),
        sa.UniqueConstraint(
            "application_id", "calendar_id", "ical_uid", name=op.f("uq_events_application_id_calendar_id_ical_uid")
        ),
    )
    op.create_table(
        "busy_periods",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("event_uid", sa.String(length=48), nullable=False),
        sa.Column("occurrence", sa.BigInteger(), nullable=False),
        sa.Column("start_at", sa.BigInteger(), nullable=False),
        sa.Column("end_at", sa.BigInteger(), nullable=False),
        sa.Column("start_date", sa.String(length=10), nullable=True),
        sa.Column("end_date", sa.String(length=10), nullable=True),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("details", sa.Text(), nullable=True),
        sa.CheckConstraint("kind IN ('busy', 'tentative', 'free')", name=op.f("ck_busy_periods_kind")),
        sa.CheckConstraint("end_at >= start_at", name=op.f("ck_busy_periods_order")),
        sa.ForeignKeyConstraint(
            ["application_id", "calendar_id", "event_uid"],
            ["events.application_id", "events.calendar_id", "events.event_uid"],
            name=op.f("fk_busy_periods_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "application_id", "calendar_id", "event_uid", "occurrence", name=op.f("pk_busy_periods")
        ),
    )
    op.create_index(
        "ix_busy_periods_calendar_end", "busy_periods", ["application_id", "calendar_id", "end_at"], unique=False
    )
    op.create_index(
        "ix_busy_periods_calendar_start",
        "busy_periods",
        ["application_id", "calendar_id", "start_at", "end_at"],
        unique=False,
    )
    for statement in GUARDS[op.get_context().dialect.name]:
        op.execute(statement)
