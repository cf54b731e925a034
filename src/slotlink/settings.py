"""Settings, read once from the environment. Nothing else touches it.

All problems are reported together; a secret may come from the file named by `NAME_FILE`; an unknown `SLOTLINK_…`
variable is a typo and stops the start.
"""

from __future__ import annotations

import difflib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic.fields import FieldInfo

from slotlink.errors import ConfigurationError
from slotlink.setting_kinds import (
    BaseUrl,
    DatabaseUrl,
    Keys,
    Limit,
    Mailbox,
    Names,
    Networks,
    Pauses,
    Rate,
    Rates,
    Seconds,
    Smtp,
    read_keys,
)
from slotlink.vault import new_key

PREFIX = "SLOTLINK_"
KEY_FILE = "secret.keys"
SECRET: dict[str, Any] = {"secret": True}


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one request may ask for, and one account may keep. Beyond: 422 with the path of the member."""

    groups: int = 10
    members: int = 100
    query_periods: int = 50
    query_slots: int = 100
    span_days: int = 201
    results: int = 512
    duration_minutes: int = 1440
    buffer_minutes: int = 1440
    notice_days: int = 90
    rules: int = 50  # of an account
    weekly_periods: int = 100  # of a rule
    available_periods: int = 1000  # of an account
    sequence_steps: int = 10
    work: int = 25_000_000  # members times starts that one query may look at
    body_bytes: int = 512 * 1024


class Settings(BaseModel):
    """Every field is the variable `SLOTLINK_` + its name in capitals; docs/operate.md lists them."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)

    database_url: Annotated[DatabaseUrl | None, Field(json_schema_extra=SECRET, repr=False)] = None
    data_dir: Path = Field(default_factory=lambda: user_data_path("slotlink"))
    # Empty here means the address of `serve`, filled in by `at`: these two are the only source of absolute URLs.
    api_url: BaseUrl = ""
    app_url: BaseUrl = ""
    data_center: Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._-]+$")] = "us"
    secret_keys: Annotated[Keys, Field(json_schema_extra=SECRET, repr=False)] = ()
    callback_allow: Names = ()
    callback_retries: Pauses = (15, 60, 300, 900, 3600, 7200, 14400, 21600, 36000)
    callback_timeout: Seconds = 10
    keep_callbacks: Seconds = 30 * 86400
    hold: Seconds = 600
    calendar_allow: Names = ()
    calendar_timeout: Seconds = 5
    calendar_stale: Seconds = 900
    calendar_poll: Seconds = 300
    calendar_push: Literal["auto", "off"] = "auto"
    google_client_id: str = ""
    google_client_secret: Annotated[str, Field(json_schema_extra=SECRET, repr=False)] = ""
    google_api_url: BaseUrl = "https://www.googleapis.com/calendar/v3"
    google_oauth_url: BaseUrl = ""  # empty: Google's own hosts, which are several
    microsoft_client_id: str = ""
    microsoft_client_secret: Annotated[str, Field(json_schema_extra=SECRET, repr=False)] = ""
    microsoft_graph_url: BaseUrl = "https://graph.microsoft.com/v1.0"
    microsoft_login_url: BaseUrl = "https://login.microsoftonline.com/common"
    invitations: Literal["provider", "mail", "none"] = "provider"
    smtp_url: Annotated[Smtp | None, Field(json_schema_extra=SECRET, repr=False)] = None
    smtp_timeout: Seconds = 30
    mail_from: Mailbox | None = None
    rate_limit: Rates = ()
    trusted_proxies: Networks = ()
    header_timeout: Seconds = 10
    body_timeout: Seconds = 30
    idle_timeout: Seconds = 5
    limit_groups: Limit = 10
    limit_members: Limit = 100
    limit_query_periods: Limit = 50
    limit_query_slots: Limit = 100
    limit_span_days: Limit = 201
    limit_results: Limit = 512
    limit_duration_minutes: Limit = 1440
    limit_buffer_minutes: Limit = 1440
    limit_notice_days: Limit = 90
    limit_rules: Limit = 50
    limit_weekly_periods: Limit = 100
    limit_available_periods: Limit = 1000
    limit_sequence_steps: Limit = 10
    limit_work: Limit = 25_000_000
    limit_body_bytes: Limit = 512 * 1024
    limit_unknown: Rates = (Rate(100, 60),)
    limit_posts: Rates = (Rate(300, 60),)
    limit_connections: Limit = 1000
    limit_connections_per_address: Limit = 256
    limit_streams: Limit = 500
    limit_streams_per_address: Limit = 20
    log_format: Literal["text", "json"] | None = None
    metrics: Literal["on", "off"] = "off"

    def at(self, address: str) -> Settings:
        """With the base URLs of a server at `address`, where none were set."""
        return self.model_copy(update={"api_url": self.api_url or address, "app_url": self.app_url or address})

    @property
    def limits(self) -> Limits:
        return Limits(**{name: getattr(self, f"limit_{name}") for name in Limits.__slots__})

    @property
    def url_of_database(self) -> str:
        return self.database_url or f"sqlite:///{(self.data_dir / 'slotlink.db').absolute()}"

    @property
    def sqlite_path(self) -> Path | None:
        """The database file, on the embedded default."""
        url = self.url_of_database
        return Path(url.partition(":///")[2]) if url.startswith("sqlite") else None

    @property
    def embedded(self) -> bool:
        """Whether this is the embedded default: SQLite, which needs nothing beside it."""
        return self.url_of_database.startswith("sqlite")

    @property
    def mails(self) -> bool:
        """Whether mail can be sent. Who is to be invited by mail is another question (`invitations`)."""
        return self.smtp_url is not None and self.mail_from is not None

    def _mail_problems(self) -> list[str]:
        server, sender = self.smtp_url is not None, self.mail_from is not None
        wanted = self.invitations == "mail"
        problems: list[str] = []
        if not server and (wanted or sender):
            why = "SLOTLINK_INVITATIONS=mail" if wanted else "SLOTLINK_MAIL_FROM"
            problems.append(f"SLOTLINK_SMTP_URL is required with {why}: write smtps://user:password@host")
        if not sender and (wanted or server):
            why = "SLOTLINK_INVITATIONS=mail" if wanted else "SLOTLINK_SMTP_URL"
            problems.append(f"SLOTLINK_MAIL_FROM is required with {why}: write Example <scheduling@example.com>")
        return problems

    @classmethod
    def from_environ(cls, environ: Mapping[str, str]) -> Settings:
        """Raises ConfigurationError that names every fault at once. Makes the key file of the embedded default."""
        problems: list[str] = []
        values: dict[str, Any] = {}
        names = {PREFIX + name.upper(): (name, info) for name, info in cls.model_fields.items()}
        for variable, text in environ.items():
            if not variable.startswith(PREFIX):
                continue
            plain = variable.removesuffix("_FILE")
            if variable in names:
                values[names[variable][0]] = text
            elif plain in names and _is_secret(names[plain][1]):
                try:
                    values[names[plain][0]] = content = Path(text).read_text().strip()
                    if not content:
                        problems.append(f"{variable}: {text} is empty")
                except OSError as error:
                    problems.append(f"{variable}: cannot read {text}: {error.strerror}")
                except UnicodeDecodeError:
                    problems.append(f"{variable}: {text} is no text")
            else:
                nearest = difflib.get_close_matches(variable, names, n=1, cutoff=0)
                problems.append(f"{variable} is not a setting; did you mean {nearest[0]}?")
        try:
            settings = cls.model_validate({name: value for name, value in values.items() if value != ""})
        except ValidationError as error:
            problems += [
                f"{PREFIX}{str(fault['loc'][0]).upper()}: {fault['msg'].removeprefix('Value error, ')}"
                for fault in error.errors(include_input=False)
            ]
            settings = None
        if settings is not None:
            problems += settings._mail_problems()
        if settings is not None and not settings.secret_keys:
            if not settings.embedded:
                problems.append(
                    "SLOTLINK_SECRET_KEYS is required with PostgreSQL, and must be the same on every node; make one "
                    "with: slotlink doctor --new-key"
                )
            elif not problems:
                settings = settings.model_copy(update={"secret_keys": _kept_keys(settings.data_dir)})
        if problems or settings is None:
            raise ConfigurationError("\n".join(problems))
        return settings


def _is_secret(info: FieldInfo) -> bool:
    return info.json_schema_extra == SECRET


def _kept_keys(data_dir: Path) -> tuple[bytes, ...]:
    """The key file of the embedded default: made once, readable by its owner only, never overwritten."""
    path = data_dir / KEY_FILE
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            # Written beside and linked into place, so that a second process never reads half a key.
            draft = path.with_name(f".{KEY_FILE}.{secrets.token_hex(8)}")
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w") as file:
                file.write(new_key() + "\n")
            try:
                path.hardlink_to(draft)
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return read_keys(path.read_text())
    except ValueError as error:
        raise ConfigurationError(f"the key file {path} cannot be used: {error}; restore it from a backup") from error
    except OSError as error:
        raise ConfigurationError(
            f"cannot keep the keys in {data_dir}: {error.strerror}. Set SLOTLINK_DATA_DIR to a writable folder."
        ) from error


def files_others_can_read(environ: Mapping[str, str], data_dir: Path) -> list[Path]:
    """Files of secrets that every account of this machine may read."""
    named = [Path(text) for name, text in environ.items() if name.startswith(PREFIX) and name.endswith("_FILE")]
    return [path for path in (*named, data_dir / KEY_FILE) if path.is_file() and path.stat().st_mode & stat.S_IROTH]
