"""How settings are written: each kind of value from its text, and what is wrong with a text that is none."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from email.errors import HeaderParseError
from email.headerregistry import Address, AddressHeader, BaseHeader, HeaderRegistry
from typing import Annotated, Any, Literal, cast
from urllib.parse import unquote

from pydantic import AfterValidator, BeforeValidator, Field

from slotlink.vault import parse_key

_HEADERS = HeaderRegistry()
_NO_MAILBOX = "write one address, such as Example <scheduling@example.com>"
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def _seconds(text: Any) -> Any:
    if isinstance(text, str):
        match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
        if match is None:
            raise ValueError("write a length as 15s, 1m, 4h or 1d")
        return float(match[1]) * _SECONDS[match[2] or "s"]
    return text


def _list(text: Any) -> Any:
    return tuple(part.strip() for part in text.split(",") if part.strip()) if isinstance(text, str) else text


def _pauses(text: Any) -> Any:
    return tuple(round(_seconds(part)) for part in _list(text)) if isinstance(text, str) else text


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so many seconds."""

    count: int
    seconds: int


def _rates(text: Any) -> Any:
    if not isinstance(text, str) or text.strip().lower() == "off":
        return () if isinstance(text, str) else text
    rates: list[Rate] = []
    for part in _list(text):
        match = re.fullmatch(r"([1-9]\d*)/([smh])", part)
        if match is None:
            raise ValueError("write rates as 50/s,500/m")
        rates.append(Rate(int(match[1]), _SECONDS[match[2]]))
    return tuple(rates)


def _networks(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        return tuple(ipaddress.ip_network(part) for part in _list(text))
    except ValueError as error:
        raise ValueError(f"write networks as 10.1.0.0/16,fd00::/8: {error}") from error


def _base_url(text: str) -> str:
    if not re.fullmatch(r"https?://[^/?#\s]+(/[^?#\s]*)?", text):
        raise ValueError("write an absolute URL such as https://schedule.example.com")
    return text.rstrip("/")


def read_keys(text: Any) -> Any:
    """Keys with commas or new lines between them. What is wrong is told by the key's place, never by the key."""
    if not isinstance(text, str):
        return text
    parts = text.replace(",", " ").split()
    if not parts:
        raise ValueError("there is no key in it (slotlink doctor --new-key makes one)")
    keys: list[bytes] = []
    for number, part in enumerate(parts, start=1):
        try:
            keys.append(parse_key(part))
        except ValueError as error:
            raise ValueError(f"key {number} of {len(parts)}: {error}" if len(parts) > 1 else str(error)) from error
    return tuple(keys)


def _database_url(text: str) -> str:
    """What is wrong is told without repeating the URL: it may hold a password."""
    scheme, _, rest = text.partition("://")
    if scheme == "sqlite":
        if not re.fullmatch(r"/[^?]*[^?/]", rest):
            raise ValueError("name the file: sqlite:///FILE, or sqlite:////FILE for a path from the root")
    elif scheme == "postgresql":
        where = re.split(r"[/?#]", rest)[0]
        for host in where[where.find("@") + 1 :].split(","):
            named = re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[^\[\]:@\s]*)(?::(\d{1,5}))?", host)
            if named is None or int(named[1] or 0) > 65535:
                raise ValueError(
                    "write postgresql://user:password@host:port/database; inside a password, write @ : / ? # % as "
                    "%40 %3A %2F %3F %23 %25"
                )
    else:
        raise ValueError("write sqlite:///FILE or postgresql://user:password@host/database; there is no other engine")
    return text


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed in. `tls`: from the first byte on, after STARTTLS, or not at all."""

    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    user: str = ""
    password: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.host} port {self.port}"


def _smtp_server(text: Any) -> Any:
    """What is wrong is told without repeating the URL: it may hold a password."""
    if not isinstance(text, str):
        return text
    match = re.fullmatch(
        r"(?P<scheme>smtps?)://(?:(?P<user>[^:@/?#\s]+):(?P<password>[^:@/?#\s]+)@)?"
        r"(?P<host>\[[0-9A-Fa-f:.]+\]|[^:@/?#\[\]\s]+)(?::(?P<port>\d{1,5}))?/?(?P<bare>\?starttls=never)?",
        text,
    )
    if match is None or int(match["port"] or 0) > 65535 or (match["bare"] and match["scheme"] == "smtps"):
        raise ValueError(
            "write smtps://user:password@host:465, or smtp://user:password@host:587 for STARTTLS; inside a password, "
            "write @ : / ? # % as %40 %3A %2F %3F %23 %25"
        )
    if match["bare"] and match["user"]:
        raise ValueError("with starttls=never a password would travel unencrypted; leave one of the two out")
    tls = "implicit" if match["scheme"] == "smtps" else "none" if match["bare"] else "starttls"
    port = int(match["port"] or {"implicit": 465, "starttls": 587, "none": 25}[tls])
    return SmtpServer(
        match["host"].strip("[]"), port, tls, unquote(match["user"] or ""), unquote(match["password"] or "")
    )


def _mailbox(text: Any) -> Any:
    if not isinstance(text, str):
        return text
    try:
        header = cast("AddressHeader", _HEADERS("From", text))
    except (AttributeError, IndexError, HeaderParseError):  # the parser's own faults with what is no address
        raise ValueError(_NO_MAILBOX) from None
    addresses = header.addresses
    in_order = text.isprintable() and not cast("BaseHeader", header).defects
    if not in_order or any(each.display_name for each in header.groups):
        raise ValueError(_NO_MAILBOX)
    if len(addresses) != 1 or not re.fullmatch(r"[!-?A-~]+@[!-?A-~]+", addresses[0].addr_spec):
        raise ValueError(_NO_MAILBOX)
    return addresses[0]


DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
Smtp = Annotated[SmtpServer, BeforeValidator(_smtp_server)]
Mailbox = Annotated[Address, BeforeValidator(_mailbox)]
Seconds = Annotated[float, BeforeValidator(_seconds), Field(gt=0)]
Names = Annotated[tuple[str, ...], BeforeValidator(_list)]
Pauses = Annotated[tuple[int, ...], BeforeValidator(_pauses)]
BaseUrl = Annotated[str, AfterValidator(_base_url)]
Keys = Annotated[tuple[bytes, ...], BeforeValidator(read_keys)]
Rates = Annotated[tuple[Rate, ...], BeforeValidator(_rates)]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = Annotated[tuple[Network, ...], BeforeValidator(_networks)]
Limit = Annotated[int, Field(ge=1)]
