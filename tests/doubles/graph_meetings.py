"""Meetings: invitations that Outlook always sends, the guests' copies, and the Teams link."""

from __future__ import annotations

import copy
import html
import re
import secrets
import uuid
from dataclasses import dataclass
from urllib.parse import quote

from tests.doubles import graph_errors as errors
from tests.doubles.graph_errors import Json
from tests.doubles.graph_store import Calendar, Found, Store, Stored, new_key
from tests.doubles.graph_times import stamp

LINK = re.compile(r'href="(https://teams\.microsoft\.com/l/meetup-join/[^"]+)"')
ANSWERS = {"accepted": "busy", "tentativelyAccepted": "tentative", "declined": "free"}


@dataclass(frozen=True)
class Mail:
    """A mail that Outlook would have sent."""

    to: str
    subject: str
    what: str  # created, updated, deleted


class Meetings:
    """`mails` is what was sent so far. `teams_fails`: the next online meetings come without a link."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.mails: list[Mail] = []
        self.teams_fails = False

    def tell(self, calendar: Calendar, stored: Stored, what: str) -> None:
        """Mail to every guest, and a copy for those in the double."""  # fact: meeting.always-mails
        event = stored.event
        if event["organizer"]["emailAddress"]["address"] != calendar.owner:
            if what == "deleted":
                self._answer(calendar.owner, event["iCalUId"], "declined")
            return
        for attendee in event["attendees"]:
            address = attendee["emailAddress"]["address"].lower()
            if address == calendar.owner.lower():
                continue
            self.mails.append(Mail(address, event["subject"], what))
            if address in self._store.people:
                self._copy(address, stored, what)

    def respond(self, user: str, found: Found, response: str, keep_declined: bool = False) -> None:
        """A guest answers. Outlook removes a declined meeting unless told otherwise."""  # fact: meeting.declined
        event = found.stored.event
        if event["organizer"]["emailAddress"]["address"] == found.calendar.owner:
            message = "Your request can't be completed. You can't respond to this meeting because you're the meeting"
            raise errors.invalid(f"{message} organizer.")
        event["responseStatus"] = {"response": response, "time": stamp(self._store.clock.now)}
        event["showAs"] = ANSWERS[response]
        if response == "declined" and not keep_declined:
            self._store.drop(found.calendar, found.stored)
        else:
            self._store.keep(found.calendar, found.stored)
        self._answer(user, event["iCalUId"], response)

    def cancelled_by_organizer(self, calendar: Calendar, stored: Stored) -> None:
        """The guest's copy stays, marked."""  # fact: meeting.cancelled-copy
        stored.event.update(isCancelled=True, showAs="free", subject=f"Canceled: {stored.event['subject']}")
        self._store.keep(calendar, stored)

    def go_online(self, calendar: Calendar, event: Json, asked: Json) -> None:
        """Once online, it stays so."""  # fact: meeting.online  fact: meeting.one-way
        if not asked.get("isOnlineMeeting") or event["isOnlineMeeting"]:
            return
        if self._store.people[calendar.owner].personal or self.teams_fails:
            return  # fact: meeting.personal  fact: meeting.silent-failure
        person = self._store.people[calendar.owner]
        thread = quote(f"19:meeting_{secrets.token_urlsafe(36)}@thread.v2", safe="")
        context = quote(f'{{"Tid":"{uuid.uuid4()}","Oid":"{person.id}"}}', safe="")
        url = f"https://teams.microsoft.com/l/meetup-join/{thread}/0?context={context}"
        event["isOnlineMeeting"] = True
        event["onlineMeetingProvider"] = "teamsForBusiness"
        event["onlineMeeting"] = {"joinUrl": url, "conferenceId": "177513992", "tollNumber": "+1 425 555 0123"}
        content: str = event["body"]["content"] or "<html><body></body></html>"
        blob = f'<div class="me-email-text"><a href="{html.escape(url)}">Join the meeting now</a></div>'
        event["body"] = {"contentType": "html", "content": content.replace("</body>", f"{blob}</body>", 1)}

    def keep_link(self, event: Json, asked: Json) -> None:
        """A new body without the meeting's text ends the meeting."""  # fact: meeting.blob
        if event["isOnlineMeeting"] and "body" in asked and not LINK.search(event["body"]["content"]):
            event.update(isOnlineMeeting=False, onlineMeetingProvider="unknown", onlineMeeting=None)

    def _copy(self, address: str, stored: Stored, what: str) -> None:
        calendar = self._store.calendar(address)
        uid = stored.event["iCalUId"]
        mine = next((one for one in calendar.events.values() if one.event["iCalUId"] == uid), None)
        if what == "deleted":
            if mine is not None:
                self.cancelled_by_organizer(calendar, mine)
            return
        event = copy.deepcopy(stored.event)
        event.pop("singleValueExtendedProperties", None)  # fact: property.not-in-copies
        event["transactionId"] = None
        event["responseStatus"] = {"response": "notResponded", "time": "0001-01-01T00:00:00Z"}
        event["showAs"] = "tentative"  # fact: meeting.unanswered-tentative
        if mine is not None:
            event.update(responseStatus=mine.event["responseStatus"], showAs=mine.event["showAs"])
        kept = mine or Stored(new_key(), event)
        kept.event = event
        kept.exceptions, kept.cancelled = copy.deepcopy(stored.exceptions), set(stored.cancelled)
        self._store.keep(calendar, kept)

    def _answer(self, user: str, uid: str, response: str) -> None:
        """The organizer's event knows it."""
        for calendar in self._store.calendars.values():
            for stored in list(calendar.events.values()):
                if stored.event["iCalUId"] != uid or calendar.owner == user:
                    continue
                if stored.event["organizer"]["emailAddress"]["address"] == calendar.owner:
                    for attendee in stored.event["attendees"]:
                        if attendee["emailAddress"]["address"].lower() == user.lower():
                            attendee["status"] = {"response": response, "time": stamp(self._store.clock.now)}
                    self._store.keep(calendar, stored)
