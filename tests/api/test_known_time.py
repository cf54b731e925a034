"""What is remembered of accounts never shows: whatever happens in between, a server that has answered before answers
as one that has just begun."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from slotlink.domain.event import wire_time
from slotlink.services.availability import find_availability, find_sequences
from slotlink.services.booking import find_offer
from slotlink.services.deps import Deps
from slotlink.store import links
from slotlink.web.availability_answer import availability_body, sequences_body
from slotlink.web.availability_request import AvailabilityRequest
from slotlink.web.body import check
from slotlink.web.sequence_request import SequenceRequest
from slotlink.web.wire import WireContext
from tests.api.asking import at, faults, ics_time, import_ics, period, wire
from tests.api.test_availability_rules import remove, write
from tests.api.test_available_periods import remove as remove_period
from tests.api.test_available_periods import write as write_period
from tests.center import HOUR, Center, CreatedLink, Json, Person

NAMES = st.sampled_from(["a", "b", "c"])
PEOPLE = st.sampled_from([0, 0, 0, 1])
HOURS = st.integers(-2, 9)
LENGTHS = st.sampled_from([0.25, 1, 2.5])
INTERVIEW = {"private": [{"value": "interview"}]}
FAR = 450 * 24  # hours; beyond what an import expands
FORMATS = ("periods", "slots", "overlapping_slots")


def queries(center: Center, maya: Person, jonas: Person, calendar_id: str) -> list[Json]:
    """Queries of every kind that looks at an account in its own way."""

    def asked(*groups: Json, **changes: Any) -> Json:
        return center.query(participants=list(groups), start_interval={"minutes": 15}, **changes)

    def group(*members: Json, required: Any = "all") -> Json:
        return {"members": list(members), "required": required}

    plain, other = {"sub": maya.sub}, {"sub": jonas.sub}
    managed = {**plain, "managed_availability": True}
    quota = [{"period": "day", "limit": 2}, {"period": "week", "limit": 2, "tags": INTERVIEW, "tzid": "Asia/Tokyo"}]
    days = [period(24 * day, 24 * day + 8) for day in range(4)]
    return [
        asked(group(plain, other)),
        asked(group(managed), query_periods=days),
        asked(group({**managed, "calendar_ids": [calendar_id]}, {**other, "ignore_tentative": True}, required=1)),
        asked(group({**plain, "availability_constraints": quota}), query_periods=days, buffer={"after": 15}),
        asked(group({**plain, "only_managed_events": True}), group({**other, "managed_availability": True})),
        asked(group({**managed, "availability_rule_ids": []}, other), excluded_events=[{"event_id": "a"}]),
        asked(group(plain), query_periods=[period(FAR, FAR + 8)]),
    ]


class RememberedTime(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.center = Center(Path(self.folder.name)).__enter__()
        self.people = [self.center.person("maya"), self.center.person("jonas")]
        self.calendar_ids = [self.people[0].calendar_id]
        self.links: list[CreatedLink] = []
        self.asked = 0

    def teardown(self) -> None:
        if hasattr(self, "center"):
            self.center.__exit__()
            self.folder.cleanup()

    # What changes availability

    @rule(who=PEOPLE, event_id=NAMES, start=HOURS, length=LENGTHS, free=st.booleans(), tagged=st.booleans())
    def an_event_is_written_or_moved(
        self, who: int, event_id: str, start: float, length: float, free: bool, tagged: bool
    ) -> None:
        more = {"transparency": "transparent" if free else "opaque", **({"tags": INTERVIEW} if tagged else {})}
        self.people[who].event(event_id, at(start), at(start + length), **more)

    @rule(event_id=NAMES, start=HOURS)
    def an_event_is_written_into_the_newest_calendar(self, event_id: str, start: float) -> None:
        body = {"event_id": event_id, "summary": "S", "start": wire(start), "end": wire(start + 1)}
        self.call("POST", f"/v1/calendars/{self.calendar_ids[-1]}/events", body)

    @rule(who=PEOPLE, event_id=NAMES)
    def an_event_is_deleted(self, who: int, event_id: str) -> None:
        person = self.people[who]
        self.call("DELETE", f"/v1/calendars/{person.calendar_id}/events", {"event_id": event_id}, person)

    @rule(all_of_them=st.booleans())
    def events_are_deleted_together(self, all_of_them: bool) -> None:
        self.call(
            "DELETE", "/v1/events", {"delete_all": True} if all_of_them else {"calendar_ids": self.calendar_ids[-1:]}
        )

    @rule(
        who=PEOPLE,
        start=HOURS,
        length=LENGTHS,
        more=st.sampled_from(["", "\nRRULE:FREQ=DAILY"]),
        tentative=st.booleans(),
    )
    def a_file_is_imported(self, who: int, start: float, length: float, more: str, tentative: bool) -> None:
        lines = f"DTSTART:{ics_time(at(start))}\nDTEND:{ics_time(at(start + length))}\nSUMMARY:Imported{more}"
        import_ics(self.center, self.people[who], lines + ("\nSTATUS:TENTATIVE" if tentative else ""))

    @precondition(lambda self: len(self.calendar_ids) < 3)
    @rule()
    def a_calendar_is_created(self) -> None:
        maya = self.people[0]
        body = {"profile_id": maya.profile_id, "name": f"Calendar {len(self.calendar_ids)}"}
        self.calendar_ids.append(self.call("POST", "/v1/calendars", body).json()["calendar"]["calendar_id"])

    @rule(who=PEOPLE, name=NAMES, start=st.integers(8, 13), length=st.integers(1, 4), narrow=st.booleans())
    def a_rule_is_written(self, who: int, name: str, start: int, length: int, narrow: bool) -> None:
        weekly = [
            {"day": day, "start_time": f"{start:02}:00", "end_time": f"{start + length:02}:00"}
            for day in ("friday", "saturday")
        ]
        calendar_ids = self.calendar_ids[-1:] if narrow and who == 0 else None
        person = self.people[who]
        write(person, availability_rule_id=name, tzid="Etc/UTC", weekly_periods=weekly, calendar_ids=calendar_ids)

    @rule(who=PEOPLE, name=NAMES)
    def a_rule_is_deleted(self, who: int, name: str) -> None:
        remove(self.people[who], name)

    @rule(who=PEOPLE, name=NAMES, start=HOURS, length=LENGTHS)
    def an_available_period_is_written_or_moved(self, who: int, name: str, start: float, length: float) -> None:
        write_period(self.people[who], name, start, start + length)

    @rule(who=PEOPLE, name=NAMES, all_of_them=st.booleans())
    def available_periods_are_deleted(self, who: int, name: str, all_of_them: bool) -> None:
        remove_period(self.people[who], {"delete_all": True} if all_of_them else {"available_period_id": name})

    @rule(event_id=NAMES, written=st.booleans(), last=st.booleans(), both=st.booleans())
    def a_slot_is_booked(self, event_id: str, written: bool, last: bool, both: bool) -> None:
        """With a target for everybody, or for one of them: the other is held for a while."""
        people = self.people if both else self.people[:1]
        self.book(event_id, last, people, people if written else people[-1:])

    @rule(event_id=NAMES, last=st.booleans(), second=st.sampled_from([-1, 0, 0, 1]))
    def a_hold_is_about_to_end_or_has_ended(self, event_id: str, last: bool, second: int) -> None:
        self.book(event_id, last, self.people[:1], [])
        for _ in range(2):
            self.answers_are_those_of_a_server_that_has_just_begun()
        self.time_passes(600 + second)

    def book(self, event_id: str, last: bool, people: list[Person], written: list[Person]) -> None:
        link = self.center.create_link(
            *people,
            event={"event_id": event_id, "summary": "S", "tzid": "Etc/UTC", "tags": INTERVIEW},
            target_calendars=[{"sub": each.sub, "calendar_id": each.calendar_id} for each in written],
        )
        self.links.append(link)
        page = link.page()
        if page.slots:
            assert link.choose(page.slots[-1 if last else 0], page).code == 303

    @rule(both=st.booleans())
    def a_link_is_made(self, both: bool) -> None:
        self.links.append(self.center.create_link(*(self.people if both else self.people[:1])))

    @rule(who=PEOPLE)
    def an_account_is_revoked(self, who: int) -> None:
        credentials = {"client_id": self.center.client_id, "client_secret": self.center.client_secret}
        gone = self.people[who]
        self.center.http.post("/oauth/token/revoke", json={**credentials, "sub": gone.sub})
        asked = self.center.query(gone)
        assert faults(self.center.http.post("/v1/availability", json=asked, headers=self.center.key))
        self.people[who] = self.center.person(("maya", "jonas")[who])
        if who == 0:
            self.calendar_ids = [self.people[0].calendar_id]

    @rule(seconds=st.sampled_from([1, 300, 599, 600, 2 * HOUR]))
    def time_passes(self, seconds: int) -> None:
        self.center.clock.now = min(self.center.clock.now + seconds, at(0))
        for person, name in zip(self.people, ("maya", "jonas"), strict=True):
            person.access_token = self.center.person(name).access_token  # the old one lives for an hour

    def call(self, method: str, path: str, body: Json, person: Person | None = None) -> Any:
        answer = self.center.http.request(method, path, json=body, headers=(person or self.people[0]).key)
        assert answer.status_code < 300, answer.text
        return answer

    # What must be the same

    @invariant()
    def answers_are_those_of_a_server_that_has_just_begun(self) -> None:
        if not hasattr(self, "asked"):
            return
        self.asked += 1
        form = FORMATS[self.asked % 3]
        asked = queries(self.center, *self.people, self.calendar_ids[0])[self.asked % 2 :: 2]  # by turns
        bodies = [{**query, "response_format": form} for query in asked]
        answers = [self.ask("/v1/availability", body) for body in bodies]
        steps = [
            {"sequence_id": number, "participants": query["participants"], "required_duration": {"minutes": 60}}
            for number, query in enumerate(asked[:2])
        ]
        sequence = {"sequence": steps, "query_periods": asked[0]["query_periods"], "max_results": 9}
        sequences = self.ask("/v1/sequenced_availability", sequence)
        link = self.links[-1] if self.links and self.asked % 2 else None
        page = link.page() if link is not None else None

        context = WireContext(self.center.settings.limits)
        now = int(self.center.clock())
        key = "available_periods" if form == "periods" else "available_slots"

        def begun(deps: Deps) -> Deps:
            return Deps(deps.database, deps.vault, deps.settings)  # which remembers nothing

        async def anew(deps: Deps) -> tuple[list[bytes], bytes, list[int]]:
            application_id = self.center.client_id
            fresh: list[bytes] = []
            for body in bodies:
                query = check(AvailabilityRequest, body, context).query()
                answer = await find_availability(begun(deps), application_id, query, form, 512, now)
                fresh.append(availability_body(key, answer, {}))
            wanted = check(SequenceRequest, sequence, context).steps()
            found = await find_sequences(begun(deps), application_id, wanted, 9, now)
            starts: list[int] = []
            if link is not None:
                async with deps.database.reading() as connection:
                    stored = await links.get(connection, deps.vault, application_id, link.link_id)
                starts = (await find_offer(begun(deps), stored, now)).starts
            return fresh, sequences_body(wanted, found), starts

        fresh, fresh_sequences, starts = self.center.run(anew)
        for body, answer, expected in zip(bodies, answers, fresh, strict=True):
            assert answer == expected, body
        assert sequences == fresh_sequences
        if page is not None and page.status == "open":
            assert page.slots == [wire_time(start) for start in starts]

    def ask(self, path: str, body: Json) -> bytes:
        answer = self.center.http.post(path, json=body, headers=self.center.key)
        assert answer.status_code == 200, answer.text
        return answer.content


TestRememberedTime = RememberedTime.TestCase
TestRememberedTime.settings = settings(
    max_examples=5,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],  # shrinking takes minutes: add Phase.shrink by hand when it fails
    database=None,
    suppress_health_check=list(HealthCheck),
)


def test_a_query_of_too_much_work_is_refused_before_anything_is_read(tmp_path: Any) -> None:
    with Center(tmp_path, SLOTLINK_LIMIT_WORK="58") as center:
        maya, jonas = center.person("maya"), center.person("jonas")
        both = center.query(maya, jonas)  # 8 hours: 33 starts, some of them too late, of each of two people
        for query, path in (
            (both, "query_periods"),
            ({**both, "participants": [{"members": [{"sub": "acc_unknown"}, {"sub": maya.sub}]}]}, "query_periods"),
        ):
            refused = center.http.post("/v1/availability", json=query, headers=center.key)
            assert faults(refused) == {path: ["errors.too_many"]}, "who they are was not looked up"
            body = center.link_request(maya, availability=query)
            refused = center.http.post("/v1/real_time_scheduling", json=body, headers=center.key)
            assert faults(refused) == {f"availability.{path}": ["errors.too_many"]}
        assert "58" in refused.json()["errors"]["availability.query_periods"][0]["description"]
        for changes in (
            {"query_periods": [period(0, 7)]},
            {"start_interval": {"minutes": 20}},
            {"query_periods": [period(0, 2), period(1, 7), period(2, 3)]},
            {"query_periods": None, "query_slots": [{"start": wire(hour / 100)} for hour in range(29)]},
        ):
            query = center.query(maya, jonas, **changes)
            assert center.http.post("/v1/availability", json=query, headers=center.key).status_code == 200, changes
            center.create_link(maya, availability=query)
        slots = center.query(maya, jonas, query_periods=None, query_slots=[{"start": wire(n / 100)} for n in range(30)])
        assert faults(center.http.post("/v1/availability", json=slots, headers=center.key))
