"""The hosted page: values in, HTML text out. No requests, no store, no decisions about links.

Every word stands in `templates/` or `page_view.py`, inside gettext calls; every date and time comes from `dates.py`,
every zone from `zones.py`, every grouping of slots from `day_view.py`. All texts of a link are hostile: Jinja escapes
them, nothing here marks them as safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from babel import Locale
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup

from slotlink.web.dates import date_text
from slotlink.web.day_view import chosen_day, days_of, near_days, shown_month
from slotlink.web.invitation import Choice, Invitation, Notice
from slotlink.web.languages import page_locale, tag_of
from slotlink.web.page_hints import hints_of
from slotlink.web.page_view import PageView, wire_time
from slotlink.web.script_words import script_words
from slotlink.web.templating import environment
from slotlink.web.words import words_of
from slotlink.web.zones import zone_options


class Pages:
    """The page in each of its states. `asset_version` changes whenever the stylesheet does."""

    def __init__(self, *, asset_version: str, base_path: str = "") -> None:
        self._addresses = {"asset_version": asset_version, "base_path": base_path}

    def picker(
        self,
        invitation: Invitation,
        choice: Choice,
        slots: Sequence[int],
        *,
        now: int,
        form_token: str,
        books_at_once: bool,
        offers_none_suitable: bool,
        partial: bool,
        digest: str = "",
        notice: Notice | None = None,
        nearest: Sequence[int] = (),
    ) -> str:
        """Days and the chosen day's times. `slots`: starts in UTC seconds, ascending, of the whole link, at least one.

        `partial`: not every calendar could be read. `nearest`: free times to offer instead of one that was taken.
        `digest`: of what is offered; a page with one says where to follow it (`web/live.py`).
        """
        view = PageView(invitation, choice, now=now)
        days = days_of(slots, view.zone)
        chosen = chosen_day(days, choice.date, choice.month)
        month = shown_month(days, chosen, choice.month)
        return self._render(
            "picker.html",
            view,
            status="open",
            zone=view.zone_on(chosen.date),
            suggested_zones=view.suggested_zones(chosen.date),
            zone_options=zone_options(chosen.date, view.locale),
            view_controls=view.view_controls(chosen.date),
            now_text=view.time(now),
            hidden=view.controls(form_token, date=chosen.date, month=choice.month),
            near=[view.day(day, chosen) for day in near_days(days, chosen)],
            more_address=view.address(date=chosen.date, month=month)
            if len(days) > len(near_days(days, chosen))
            else "",
            month_view=choice.month is not None,
            month=view.month(days, chosen, month),
            chosen=view.day(chosen, chosen),
            change=view.clock_change(chosen.date),
            day_parts=view.parts(chosen),
            books_at_once=books_at_once,
            offers_none_suitable=offers_none_suitable,
            partial=partial,
            digest=digest,
            notice=view.notice(notice, nearest),
            hints=hints_of(view, chosen, month),
            detect_zone=choice.detect_zone,
            reload_address=view.address(date=chosen.date, month=choice.month),
            languages=view.languages(date=chosen.date, month=choice.month),
            note="",
            too_long_by=0,
        )

    def no_times(
        self,
        invitation: Invitation,
        choice: Choice,
        *,
        now: int,
        first: int,
        last: int,
        form_token: str,
        offers_none_suitable: bool,
        told: bool,
        unreadable: bool,
        digest: str = "",
        notice: Notice | None = None,
    ) -> str:
        """Nothing can be offered between `first` and `last` (the start and the end of all query periods).

        `told`: the application hears of it. `unreadable`: calendars do not answer, so there may well be times.
        """
        view = PageView(invitation, choice)
        first_date, last_date = view.date(first), view.last_date(first, last)
        return self._render(
            "no_times.html",
            view,
            status="open",
            zone=view.zone_on(view.date(now)),
            now_text=view.time(now),
            hidden=view.controls(form_token),
            range=view.date_range(first_date, last_date, this_year=view.date(now).year),
            offers_none_suitable=offers_none_suitable,
            told=told,
            unreadable=unreadable,
            digest=digest,
            notice=view.notice(notice, ()),
            note="",
            too_long_by=0,
            reload_address=view.address(),
            languages=view.languages(),
        )

    def confirm(
        self, invitation: Invitation, choice: Choice, slot: int, *, form_token: str, notice: Notice | None = None
    ) -> str:
        """The step that repeats the chosen slot and books it when posted."""
        view = PageView(invitation, choice)
        date = view.date(slot)
        return self._render(
            "confirm.html",
            view,
            status="open",
            when=view.when(slot, slot + invitation.duration_s),
            title_when={"date": date_text(date, "weekday", view.locale), "time": view.time(slot)},
            slot=wire_time(slot),
            hidden=view.controls(form_token, date=date, month=choice.month),
            back_address=view.address(date=date, month=choice.month),
            notice=view.notice(notice, ()),
        )

    def none_suitable(
        self, invitation: Invitation, choice: Choice, *, form_token: str, note: str = "", too_long_by: int = 0
    ) -> str:
        """The optional note to the application. `too_long_by`: characters that must go before it is accepted."""
        view = PageView(invitation, choice)
        return self._render(
            "none_suitable.html",
            view,
            status="open",
            hidden=view.controls(form_token, date=choice.date, month=choice.month),
            back_address=view.address(date=choice.date, month=choice.month),
            note=note,
            too_long_by=too_long_by,
        )

    def told(self, invitation: Invitation, choice: Choice, *, note: str) -> str:
        """After the note was sent; shows it back."""
        view = PageView(invitation, choice)
        back = view.address(date=choice.date, month=choice.month)
        return self._render("told.html", view, status="open", note=note, back_address=back)

    def completed(
        self,
        invitation: Invitation,
        choice: Choice,
        *,
        start: int,
        end: int,
        ics_path: str,
        google_url: str,
        outlook_url: str,
        notice: Notice | None = None,
    ) -> str:
        """The booked time, today and on every later visit."""
        view = PageView(invitation, choice)
        return self._render(
            "completed.html",
            view,
            status="completed",
            when=view.when(start, end),
            title_when={"date": date_text(view.date(start), "weekday", view.locale), "time": view.time(start)},
            ics_address=_safe_address(ics_path),
            google_address=_safe_address(google_url),
            outlook_address=_safe_address(outlook_url),
            languages=view.languages(),
            reason=notice.reason if notice else "",
        )

    def disabled(self, invitation: Invitation, choice: Choice, *, message: str, notice: Notice | None = None) -> str:
        """`message` is the application's, shown as text with its line breaks."""
        view = PageView(invitation, choice)
        reason = notice.reason if notice else ""
        return self._render(
            "disabled.html", view, status="disabled", message=message, reason=reason, languages=view.languages()
        )

    def expired(self, invitation: Invitation, choice: Choice, *, last: int, notice: Notice | None = None) -> str:
        """`last` is the end of the last query period: the instant after the last possible meeting."""
        view = PageView(invitation, choice)
        return self._render(
            "expired.html",
            view,
            status="expired",
            last_day=date_text(view.last_date(0, last), "full", view.locale),
            languages=view.languages(),
            reason=notice.reason if notice else "",
        )

    def unknown(self, locale: str) -> str:
        """Also for foreign and malformed tokens: it says nothing about any application."""
        return self._render("unknown.html", page_locale(locale), status="unknown")

    def problem(self, locale: str, *, status: int, reference: str, may_be_booked: bool = False) -> str:
        """403 (form expired or foreign), 429, or our own fault (500, 503) with a reference for the log.

        may_be_booked  nobody can tell whether the form that was posted has booked"""
        values = {"code": status, "reference": reference, "may_be_booked": may_be_booked}
        return self._render("problem.html", page_locale(locale), **values)

    def connect(self, template: str, locale: str, **values: Any) -> str:
        """A page of connecting an account; `connect_view.py` has its values."""
        return self._render(template, page_locale(locale), **values)

    def _render(self, template: str, view: PageView | Locale, **values: Any) -> str:
        locale = view if isinstance(view, Locale) else view.locale
        common = {} if isinstance(view, Locale) else {**view.common(), "script_words": _script_words(view.locale)}
        return (
            environment()
            .get_template(template)
            .render(
                words=words_of(locale),
                locale=locale,
                language=tag_of(locale),
                direction=locale.text_direction,
                **self._addresses,
                **common,
                **values,
            )
        )


@cache
def _script_words(locale: Locale) -> Markup:
    # As Jinja's tojson writes it: no character that could end the element.
    return htmlsafe_json_dumps(script_words(words_of(locale), locale))


def _safe_address(address: str) -> str:
    """The address if it leads to a web page, else nothing: `javascript:` must never become a link."""
    local_path = address.startswith("/") and not address.startswith(("//", "/\\"))
    return address if local_path or address.startswith(("https://", "http://")) else ""
