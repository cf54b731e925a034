"""Creating and disabling a link, as clients send it, and the terms it means."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Field, ValidationInfo, WithJsonSchema

from slotlink.domain.link import CallbackUrls, Json, TargetCalendar, Terms
from slotlink.web.availability_request import AvailabilityQuery
from slotlink.web.conferencing_request import Conferencing
from slotlink.web.event_request import DEFAULT_TZID, EventTemplate, Location
from slotlink.web.guests_request import LONGEST_EMAIL
from slotlink.web.wire import (
    CallbackUrl,
    Fault,
    HttpUrl,
    ShortText,
    Text,
    Tzid,
    Wire,
    WireContext,
    context_of,
    duration_between,
    duration_schema,
    fault,
)

_EMAIL = r"^[^@\s]+@[^@\s]+$"


class OAuth(Wire):
    """Where the visitor ends up; `scope` and `state` are kept from older days."""

    redirect_uri: HttpUrl
    """Where the visitor goes after booking, unless `redirect_urls.completed_url` is given."""
    scope: Annotated[Text, Field(max_length=1024)] | None = None
    state: Annotated[Text, Field(max_length=1024)] | None = None
    """Added to `redirect_uri`."""


class Attendee(Wire):
    email: Annotated[
        Text,
        Field(max_length=LONGEST_EMAIL, pattern=_EMAIL, examples=["maya@example.com"]),
        WithJsonSchema({"type": "string", "maxLength": LONGEST_EMAIL, "pattern": _EMAIL}),
    ]
    display_name: Annotated[Text, Field(max_length=255)] | None = None


class OrganizerEvent(Wire):
    """Members that replace the event's own when this account organises it."""

    summary: Annotated[Text, Field(min_length=1, max_length=1024)] | None = None
    description: Annotated[Text, Field(max_length=4096)] | None = None
    location: Location | None = None
    conferencing: Conferencing | None = None


class TargetMember(Wire):
    sub: ShortText
    """An account of this application."""
    calendar_id: ShortText
    """A calendar of that account that can be written."""
    event: OrganizerEvent | None = None
    attendee: Attendee | None = None
    """How this account is invited when another one organises (`single`)."""


class Callbacks(Wire):
    """`problem_url` is ours: told when a booking could not be kept whole."""

    completed_url: CallbackUrl | None = None
    """Told when a slot was chosen."""
    no_times_suitable_url: CallbackUrl | None = None
    """Told when the visitor says that no time suits; without it they are not asked."""
    no_times_displayed_url: CallbackUrl | None = None
    """Told when the visitor was shown a page without any times."""
    problem_url: CallbackUrl | None = None


class Redirects(Wire):
    completed_url: HttpUrl | None = None
    """Where the visitor goes after booking, with the link's `token` added."""


def _hour_format(value: Any) -> Any:
    """Unknown values mean "decide for me": the PHP client's own test sends "12"."""
    return value if value in ("h", "H") else None


class Formatting(Wire):
    hour_format: Annotated[
        Literal["h", "H"] | None,
        BeforeValidator(_hour_format),
        WithJsonSchema(
            {"description": "`h`: 12 hours, `H`: 24. Anything else means: decide for me.", "examples": ["H"]}
        ),
    ] = None


def _notice(value: Any, info: ValidationInfo) -> int:
    context = context_of(info)
    return duration_between(value, 0, context.limits.notice_days * 24 * 60)


class LinkRequest(Wire):
    """Create a link."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"properties": {"event_creation": {"enum": ["default", None]}}},
                {
                    "required": ["target_calendars"],
                    "properties": {"target_calendars": {"type": "array", "minItems": 1}},
                },
            ]
        }
    )
    oauth: OAuth
    event: EventTemplate
    availability: AvailabilityQuery
    target_calendars: Annotated[list[TargetMember], Field(max_length=100, default_factory=list)]
    """Where the event is written. Empty: nowhere, only the callback is sent."""
    event_creation: Literal["default", "single"] = "default"
    """`default`: an event for each person booked. `single`: one event, of the first target calendar free."""
    callback_urls: Callbacks = Callbacks()
    callback_url: Annotated[CallbackUrl | None, Field(json_schema_extra={"deprecated": True})] = None
    """The same as `callback_urls.completed_url`, which wins."""
    redirect_urls: Redirects = Redirects()
    minimum_notice: Annotated[int, BeforeValidator(_notice), duration_schema(0, "notice_days")] = 0
    """Slots that start sooner than this from now are not offered."""
    formatting: Formatting = Formatting()
    selection_mode: Literal["confirm", "no_confirm"] = "confirm"
    """`no_confirm` books at the press of a time, without a step that confirms it."""
    tzid: Tzid | None = None
    """Older place of `event.tzid`, which wins. `Etc/UTC` when neither is given."""

    @classmethod
    def cross_check(cls, raw: Mapping[str, Any], context: WireContext) -> Iterable[Fault]:
        if raw.get("event_creation") == "single" and not raw.get("target_calendars"):
            yield (
                ("target_calendars",),
                "errors.required",
                "a single event needs the calendar of its organizer; name at least one target calendar",
            )

    def event_template(self) -> Json:
        """The event in the form that status answers."""
        return self.event.details() | {"tzid": self.zone}

    @property
    def zone(self) -> str:
        return self.event.tzid or self.tzid or DEFAULT_TZID

    def terms(self) -> Terms:
        urls = self.callback_urls
        return Terms(
            query=self.availability.query(),
            tzid=self.zone,
            redirect_uri=self.oauth.redirect_uri,
            completed_url=self.redirect_urls.completed_url,
            oauth_state=self.oauth.state,
            oauth_scope=self.oauth.scope,
            event_creation=self.event_creation,
            targets=tuple(
                TargetCalendar(
                    target.sub,
                    target.calendar_id,
                    target.event.model_dump(exclude_none=True) if target.event else None,
                    target.attendee.model_dump(exclude_none=True) if target.attendee else None,
                )
                for target in self.target_calendars
            ),
            callback_urls=CallbackUrls(
                urls.completed_url or self.callback_url,
                urls.no_times_suitable_url,
                urls.no_times_displayed_url,
                urls.problem_url,
            ),
            minimum_notice=self.minimum_notice,
            hour_format=self.formatting.hour_format,
            selection_mode=self.selection_mode,
        )


def _message(value: Any) -> Any:
    if isinstance(value, str) and not value.strip():
        raise fault("errors.required", "display_message must say something to whoever opens the link")
    return value


class DisableRequest(Wire):
    display_message: Annotated[
        Text,
        Field(max_length=500, json_schema_extra={"pattern": r"\S"}),
        BeforeValidator(_message),
    ]
    """Shown, as text, to whoever opens the link."""
