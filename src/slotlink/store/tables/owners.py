"""Applications, the accounts that they reach, and how somebody signs in."""

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
    String,
    Table,
    Text,
    UniqueConstraint,
)

from slotlink.store.tables.base import metadata, of_application

applications = Table(
    "applications",
    metadata,
    of_application(),
    Column("name", Text, nullable=False),
    Column("shows_participants", Boolean, nullable=False, default=False),
    Column("created_at", BigInteger, nullable=False),
)

client_secrets = Table(
    "client_secrets",
    metadata,
    of_application(),
    Column("secret_id", String(32), primary_key=True),
    Column("secret_sha256", LargeBinary(32), nullable=False),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    Index("ix_client_secrets_secret_sha256", "secret_sha256"),
)

# Where an application may have its users sent back to: compared whole, byte by byte (RFC 9700 section 2.1).
redirect_uris = Table(
    "redirect_uris",
    metadata,
    of_application(),
    Column("redirect_uri", Text, primary_key=True),
    Column("created_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
)

accounts = Table(
    "accounts",
    metadata,
    of_application(),
    Column("sub", String(40), primary_key=True),
    Column("application_calendar_id", Text),  # NULL again once revoked: the id may then be used afresh
    Column("display_name", Text),
    Column("email", Text),  # of a connected account, as its first provider names it
    Column("tzid", Text, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("revoked_at", BigInteger),
    # Grows with every committed change of anything that an answer about this account's availability depends on.
    Column("version", BigInteger, nullable=False, server_default="0"),
    # Until when all of its mirrored calendars count as fresh; read with the version. NULL: nothing is mirrored.
    Column("fresh_until", BigInteger),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    UniqueConstraint("application_id", "application_calendar_id"),
)

tokens = Table(
    "tokens",
    metadata,
    of_application(),
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
    of_application(),
    Column("profile_id", String(40), primary_key=True),
    Column("sub", String(40), nullable=False),
    Column("provider_name", String(32), nullable=False),
    Column("profile_name", Text),
    Column("connected", Boolean, nullable=False),
    Column("initial_sync_required", Boolean, nullable=False),
    Column("sealed_credentials", LargeBinary),
    Column("created_at", BigInteger, nullable=False),
    Column("provider_service", String(32)),
    Column("remote_user", Text),  # who signed in, as the provider knows them: the same again connects the same profile
    Column("disconnected_reason", Text),
    Column("failures", Integer, nullable=False, server_default="0"),  # in a row, of reaching the provider
    Column("retry_at", BigInteger),  # it is not asked before, unless somebody connects it anew
    Column("refresh_lease_until", BigInteger),  # whoever holds it gets a new access token; nobody else does meanwhile
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    Index("ix_profiles_application_id_sub", "application_id", "sub"),
    Index("ix_profiles_remote_user", "application_id", "provider_name", "remote_user", unique=True),
)

# A person on the way through the connect page to a provider and back.
sign_ins = Table(
    "sign_ins",
    metadata,
    of_application(),
    Column("sign_in_id", String(40), primary_key=True),
    Column("state_sha256", LargeBinary(32), nullable=False),  # of what the provider gives back
    Column("sealed_request", LargeBinary, nullable=False),  # what the application asked for, and the verifier (PKCE)
    Column("expires_at", BigInteger, nullable=False),
    ForeignKeyConstraint(["application_id"], ["applications.application_id"]),
    Index("ix_sign_ins_state_sha256", "state_sha256", unique=True),
    Index("ix_sign_ins_expires_at", "expires_at"),
)

authorization_codes = Table(
    "authorization_codes",
    metadata,
    of_application(),
    Column("code_sha256", LargeBinary(32), primary_key=True),
    Column("sub", String(40), nullable=False),
    Column("profile_id", String(40), nullable=False),  # which was connected
    Column("redirect_uri", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("code_challenge", String(43)),  # S256 (RFC 7636)
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),  # a second use ends what the first was given (RFC 6749 section 4.1.2)
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    Index("ix_authorization_codes_expires_at", "expires_at"),
)

# Lets the next profile be connected to an account that is there already.
link_tokens = Table(
    "link_tokens",
    metadata,
    of_application(),
    Column("token_sha256", LargeBinary(32), primary_key=True),
    Column("sub", String(40), nullable=False),
    Column("expires_at", BigInteger, nullable=False),
    Column("used_at", BigInteger),
    ForeignKeyConstraint(["application_id", "sub"], ["accounts.application_id", "accounts.sub"]),
    Index("ix_link_tokens_expires_at", "expires_at"),
)
