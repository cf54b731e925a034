"""Servers that invite attendees by themselves, and whether they can be kept from it (docs/decisions/0022)."""

from __future__ import annotations

import asyncio
import time
from uuid import uuid4

import aiohttp

from slotlink.connectors.base import Connector, EventWrite
from slotlink.connectors.caldav import CalDavConnector
from slotlink.ical import write_event
from slotlink.ical.writing import Attendee
from tests.contract.connector_events import DAY, START
from tests.servers.contract import Server

PATIENCE_S = 20


async def who_is_invited(connector: Connector, calendar: str, server: Server) -> tuple[bool, bool]:
    """Whether bob finds an event in his calendars that the server is to invite him to, and one that says that it is not
    to (RFC 6638 section 7.1)."""
    bob = CalDavConnector(aiohttp.ClientSession(), server.address, "bob", "pw2", sync_deadline=60)
    try:
        alices, bobs = await connector.list_calendars(), await bob.list_calendars()
        organizer, guest = (next(filter(_is_mail, each[0].owner_addresses)) for each in (alices, bobs))
        uids: list[str] = []
        for server_invites in (False, True):
            key = str(uuid4())
            uids.append(f"{key}@slotlink")
            text = write_event(
                uid=uids[-1],
                start=START + DAY,
                end=START + DAY + 3600,
                tzid="Europe/Berlin",
                summary="Talk",
                stamp=START,
                organizer=organizer,
                attendees=[Attendee(guest)],
            )
            if not server_invites:
                text = text.replace("ATTENDEE;", "ATTENDEE;SCHEDULE-AGENT=CLIENT;")
            await connector.put(calendar, EventWrite(key, text, server_invites))
        ends = time.monotonic() + PATIENCE_S
        while True:
            texts = [found.ical for each in bobs for found in (await bob.changes(each.remote_id, None)).changed]
            kept_from_it, asked_to = (any(uid in text for text in texts) for uid in uids)
            if asked_to or time.monotonic() > ends:
                return asked_to, kept_from_it
            await asyncio.sleep(0.5)
    finally:
        await bob.close()


def _is_mail(address: str) -> bool:
    return "@" in address
