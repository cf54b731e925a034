"""Settings: all faults at once, typos named, secrets from files."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from slotlink.errors import ConfigurationError
from slotlink.setting_kinds import SmtpServer
from slotlink.settings import Rate, Settings
from slotlink.vault import new_key


def read(tmp_path: Path, **variables: str) -> Settings:
    return Settings.from_environ({"SLOTLINK_DATA_DIR": str(tmp_path), **variables})


def test_the_defaults_are_those_of_the_operations_contract(tmp_path: Path) -> None:
    settings = read(tmp_path)
    assert settings.url_of_database == f"sqlite:///{tmp_path / 'slotlink.db'}"
    assert settings.data_center == "us"
    assert settings.callback_retries == (15, 60, 300, 900, 3600, 7200, 14400, 21600, 36000)
    assert settings.callback_timeout == 10
    assert settings.rate_limit == ()
    assert settings.at("http://127.0.0.1:8123").api_url == "http://127.0.0.1:8123"
    limits = settings.limits
    assert (limits.groups, limits.members, limits.query_periods, limits.query_slots) == (10, 100, 50, 100)
    assert (limits.span_days, limits.results) == (201, 512)


def test_all_faults_are_reported_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(
            tmp_path,
            SLOTLINK_API_URL="schedule.example.com",
            SLOTLINK_CALLBACK_TIMEOUT="soon",
            SLOTLINK_LIMIT_GROUPS="0",
            SLOTLINK_RATE_LIMIT="fast",
            SLOTLINK_DATABSE_URL="sqlite:///x.db",
        )
    faults = str(caught.value).splitlines()
    assert [fault.partition(":")[0].partition(" ")[0] for fault in faults] == [
        "SLOTLINK_DATABSE_URL",
        "SLOTLINK_API_URL",
        "SLOTLINK_CALLBACK_TIMEOUT",
        "SLOTLINK_RATE_LIMIT",
        "SLOTLINK_LIMIT_GROUPS",
    ]
    assert faults[0].endswith("did you mean SLOTLINK_DATABASE_URL?")


def test_values_are_read_in_their_own_forms(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SLOTLINK_CALLBACK_RETRIES="1s,2m,3h",
        SLOTLINK_CALLBACK_TIMEOUT="500s",
        SLOTLINK_CALLBACK_ALLOW="127.0.0.1:8799, 10.0.0.0/8",
        SLOTLINK_RATE_LIMIT="50/s,500/m",
        SLOTLINK_API_URL="https://api.example.com/",
        SLOTLINK_LIMIT_SPAN_DAYS="35",
    )
    assert settings.callback_retries == (1, 120, 10800)
    assert settings.callback_timeout == 500
    assert settings.callback_allow == ("127.0.0.1:8799", "10.0.0.0/8")
    assert settings.rate_limit == (Rate(50, 1), Rate(500, 60))
    assert settings.api_url == "https://api.example.com"
    assert settings.limits.span_days == 35


def test_a_secret_may_come_from_a_file(tmp_path: Path) -> None:
    first, second = new_key(), new_key()
    (tmp_path / "keys").write_text(f"{first},{second}\n")
    from_file = read(tmp_path, SLOTLINK_SECRET_KEYS_FILE=str(tmp_path / "keys"))
    assert from_file.secret_keys == read(tmp_path, SLOTLINK_SECRET_KEYS=f"{first},{second}").secret_keys
    with pytest.raises(ConfigurationError, match="SLOTLINK_SECRET_KEYS_FILE: cannot read"):
        read(tmp_path, SLOTLINK_SECRET_KEYS_FILE=str(tmp_path / "nowhere"))
    with pytest.raises(ConfigurationError, match="SLOTLINK_DATA_CENTER_FILE is not a setting"):
        read(tmp_path, SLOTLINK_DATA_CENTER_FILE=str(tmp_path / "keys"))


def test_the_embedded_default_makes_its_own_key_once(tmp_path: Path) -> None:
    keys = read(tmp_path).secret_keys
    assert len(keys) == 1 and len(keys[0]) == 32
    assert read(tmp_path).secret_keys == keys
    assert stat.S_IMODE((tmp_path / "secret.keys").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["secret.keys"], "no draft is left behind"


def test_postgresql_needs_its_keys_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SLOTLINK_SECRET_KEYS is required with PostgreSQL"):
        read(tmp_path, SLOTLINK_DATABASE_URL="postgresql://db/slotlink")


def test_a_malformed_key_says_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="SLOTLINK_SECRET_KEYS: a key has 32 bytes, this one has 3"):
        read(tmp_path, SLOTLINK_SECRET_KEYS="AAAA")


def test_settings_do_not_show_their_secrets(tmp_path: Path) -> None:
    key = new_key()
    settings = read(tmp_path, SLOTLINK_SECRET_KEYS=key, SLOTLINK_DATABASE_URL="postgresql://me:hush@db/x")
    assert key not in repr(settings)
    assert "hush" not in repr(settings)


def test_a_mail_server_is_written_as_a_url(tmp_path: Path) -> None:
    def server(url: str) -> SmtpServer | None:
        return read(tmp_path, SLOTLINK_SMTP_URL=url, SLOTLINK_MAIL_FROM="a@b.test").smtp_url

    assert server("smtps://me:p%40ss%2F@mail.test") == SmtpServer("mail.test", 465, "implicit", "me", "p@ss/")
    assert server("smtp://mail.test") == SmtpServer("mail.test", 587, "starttls")
    assert server("smtp://[::1]:2525?starttls=never") == SmtpServer("::1", 2525, "none")
    assert server("smtp://localhost?starttls=never") == SmtpServer("localhost", 25, "none")
    assert "p@ss" not in repr(server("smtps://me:p%40ss@mail.test"))
    for url, fault in {
        "mail.test:25": "write smtps://user:password@host:465",
        "http://mail.test": "write smtps://",
        "smtp://me@mail.test": "write smtps://",
        "smtps://me:hush/x@mail.test": "write smtps://",
        "smtp://mail.test:99999": "write smtps://",
        "smtps://mail.test?starttls=never": "write smtps://",
        "smtp://me:hush@mail.test?starttls=never": "a password would travel unencrypted",
    }.items():
        with pytest.raises(ConfigurationError, match=f"SLOTLINK_SMTP_URL: .*{fault}") as caught:
            server(url)
        assert "hush" not in str(caught.value)


@pytest.mark.parametrize(
    ("variables", "missing"),
    [
        ({"SLOTLINK_INVITATIONS": "mail"}, ["SLOTLINK_SMTP_URL is required", "SLOTLINK_MAIL_FROM is required"]),
        ({"SLOTLINK_SMTP_URL": "smtp://x"}, ["SLOTLINK_MAIL_FROM is required with SLOTLINK_SMTP_URL"]),
        ({"SLOTLINK_MAIL_FROM": "a@b.test"}, ["SLOTLINK_SMTP_URL is required with SLOTLINK_MAIL_FROM"]),
        ({"SLOTLINK_MAIL_FROM": "nobody", "SLOTLINK_SMTP_URL": "smtp://x"}, ["SLOTLINK_MAIL_FROM: write one address"]),
        (
            {"SLOTLINK_MAIL_FROM": "a@b, c@d", "SLOTLINK_SMTP_URL": "smtp://x"},
            ["SLOTLINK_MAIL_FROM: write one address"],
        ),
        ({"SLOTLINK_MAIL_FROM": "a@b\nBcc: c@d", "SLOTLINK_SMTP_URL": "smtp://x"}, ["SLOTLINK_MAIL_FROM: write one"]),
        ({"SLOTLINK_INVITATIONS": "us"}, ["SLOTLINK_INVITATIONS: "]),
    ],
)
def test_mail_needs_a_server_and_a_sender(tmp_path: Path, variables: dict[str, str], missing: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, **variables)
    lines = str(caught.value).splitlines()
    assert [line.startswith(start) for line, start in zip(lines, missing, strict=True)] == [True] * len(missing), lines


def test_mail_comes_from_a_name_and_an_address(tmp_path: Path) -> None:
    settings = read(
        tmp_path,
        SLOTLINK_INVITATIONS="mail",
        SLOTLINK_SMTP_URL="smtps://me:hush@mail.test",
        SLOTLINK_MAIL_FROM="Globex Größe <scheduling@globex.test>",
    )
    assert settings.mail_from is not None
    assert (settings.mail_from.display_name, settings.mail_from.addr_spec) == ("Globex Größe", "scheduling@globex.test")
    assert settings.mails and "hush" not in repr(settings)
