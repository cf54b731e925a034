"""Calendars that live elsewhere: how they are reached, mirrored and written to; who is told of changes. Only adds."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "redirect_uris",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_redirect_uris_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "redirect_uri", name=op.f("pk_redirect_uris")),
    )
    op.create_table(
        "sign_ins",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("sign_in_id", sa.String(length=40), nullable=False),
        sa.Column("state_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sealed_request", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id"], ["applications.application_id"], name=op.f("fk_sign_ins_applications")
        ),
        sa.PrimaryKeyConstraint("application_id", "sign_in_id", name=op.f("pk_sign_ins")),
    )
    op.create_index("ix_sign_ins_expires_at", "sign_ins", ["expires_at"], unique=False)
    op.create_index("ix_sign_ins_state_sha256", "sign_ins", ["state_sha256"], unique=True)
    op.create_table(
        "authorization_codes",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("code_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("profile_id", sa.String(length=40), nullable=False),
        sa.Column("redirect_uri", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("code_challenge", sa.String(length=43), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"],
            ["accounts.application_id", "accounts.sub"],
            name=op.f("fk_authorization_codes_accounts"),
        ),
        sa.PrimaryKeyConstraint("application_id", "code_sha256", name=op.f("pk_authorization_codes")),
    )
    op.create_index("ix_authorization_codes_expires_at", "authorization_codes", ["expires_at"], unique=False)
    op.create_table(
        "channels",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("channel_id", sa.String(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("callback_url", sa.Text(), nullable=False),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("changed_since", sa.BigInteger(), nullable=True),
        sa.Column("tell_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"], ["accounts.application_id", "accounts.sub"], name=op.f("fk_channels_accounts")
        ),
        sa.PrimaryKeyConstraint("application_id", "channel_id", name=op.f("pk_channels")),
    )
    op.create_index("ix_channels_application_id_sub", "channels", ["application_id", "sub"], unique=False)
    op.create_index("ix_channels_tell_at", "channels", ["tell_at"], unique=False)
    op.create_table(
        "link_tokens",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("token_sha256", sa.LargeBinary(length=32), nullable=False),
        sa.Column("sub", sa.String(length=40), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["application_id", "sub"], ["accounts.application_id", "accounts.sub"], name=op.f("fk_link_tokens_accounts")
        ),
        sa.PrimaryKeyConstraint("application_id", "token_sha256", name=op.f("pk_link_tokens")),
    )
    op.create_index("ix_link_tokens_expires_at", "link_tokens", ["expires_at"], unique=False)
    op.create_table(
        "event_writes",
        sa.Column("application_id", sa.String(length=32), nullable=False),
        sa.Column("calendar_id", sa.String(length=80), nullable=False),
        sa.Column("event_uid", sa.String(length=48), nullable=False),
        sa.Column("write_key", sa.String(length=40), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("ical", sa.Text(), nullable=True),
        sa.Column("invites", sa.Boolean(), nullable=False),
        sa.Column("conference", sa.Boolean(), nullable=False),
        sa.Column("link_id", sa.String(length=32), nullable=True),
        sa.Column("written_revision", sa.Integer(), nullable=False),
        sa.Column("written_ical", sa.Text(), nullable=True),
        sa.Column("written_version", sa.Text(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application_id", "calendar_id", "event_uid"],
            ["events.application_id", "events.calendar_id", "events.event_uid"],
            name=op.f("fk_event_writes_events"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("application_id", "calendar_id", "event_uid", name=op.f("pk_event_writes")),
    )
    op.create_index(
        "ix_event_writes_write_key", "event_writes", ["application_id", "calendar_id", "write_key"], unique=True
    )
    op.add_column("accounts", sa.Column("email", sa.Text(), nullable=True))
    op.add_column("accounts", sa.Column("fresh_until", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("zone_version", sa.String(length=16), nullable=True))
    op.add_column("calendars", sa.Column("remote_id", sa.Text(), nullable=True))
    op.add_column("calendars", sa.Column("owner_addresses", sa.Text(), nullable=True))
    op.add_column("calendars", sa.Column("conferencing", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("calendars", sa.Column("cursor", sa.Text(), nullable=True))
    op.add_column("calendars", sa.Column("fresh_until", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("told_until", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("reconciled_at", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("problem", sa.Text(), nullable=True))
    op.add_column("calendars", sa.Column("viewed_at", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("sync_due_at", sa.BigInteger(), nullable=True))
    op.add_column("calendars", sa.Column("sync_fence", sa.Integer(), server_default="0", nullable=False))
    op.add_column("calendars", sa.Column("watch_id", sa.String(length=40), nullable=True))
    op.add_column("calendars", sa.Column("watch_remote_id", sa.Text(), nullable=True))
    op.add_column("calendars", sa.Column("sealed_watch_secret", sa.LargeBinary(), nullable=True))
    op.add_column("calendars", sa.Column("watch_until", sa.BigInteger(), nullable=True))
    op.create_index("ix_calendars_remote_id", "calendars", ["application_id", "profile_id", "remote_id"], unique=True)
    op.create_index("ix_calendars_sync_due_at", "calendars", ["sync_due_at"], unique=False)
    op.create_index("ix_calendars_watch_id", "calendars", ["watch_id"], unique=True)
    op.add_column("events", sa.Column("remote_key", sa.Text(), nullable=True))
    op.add_column("events", sa.Column("remote_version", sa.Text(), nullable=True))
    op.create_index("ix_events_remote_key", "events", ["application_id", "calendar_id", "remote_key"], unique=True)
    op.add_column("outbox", sa.Column("channel_id", sa.String(length=32), nullable=True))
    op.create_index("ix_outbox_application_id_channel_id", "outbox", ["application_id", "channel_id"], unique=False)
    op.add_column("profiles", sa.Column("provider_service", sa.String(length=32), nullable=True))
    op.add_column("profiles", sa.Column("remote_user", sa.Text(), nullable=True))
    op.add_column("profiles", sa.Column("disconnected_reason", sa.Text(), nullable=True))
    op.add_column("profiles", sa.Column("failures", sa.Integer(), server_default="0", nullable=False))
    op.add_column("profiles", sa.Column("retry_at", sa.BigInteger(), nullable=True))
    op.add_column("profiles", sa.Column("refresh_lease_until", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_profiles_remote_user", "profiles", ["application_id", "provider_name", "remote_user"], unique=True
    )
