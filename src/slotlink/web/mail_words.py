"""What a guest reads of a message in a mail, in the application's language. Their calendar reads the rest."""

from __future__ import annotations

import datetime
from zoneinfo import ZoneInfo

from slotlink.ical.inviting import Shown
from slotlink.services.guest_messages import Mail
from slotlink.web.dates import date_text, hours_of, time_text
from slotlink.web.languages import page_locale
from slotlink.web.words import words_of
from slotlink.web.zones import zone_text


def mail_words(mail: Mail) -> tuple[str, str]:
    """Subject and text."""
    locale = page_locale(mail.locale or "")
    _ = words_of(locale).gettext
    shown = mail.shown
    if shown.cancels:
        subject, news = _("Cancelled: %(summary)s"), _("You need not keep this time free any more.")
    else:
        subject = _("Changed: %(summary)s") if mail.message.sent_sequence else _("Invitation: %(summary)s")
        news = _("%(application)s invites you") % {"application": shown.organizer}
    summary = " ".join(shown.summary.split())
    about = [summary, *_when(shown, str(locale)), shown.location, shown.url]
    if shown.repeats:
        about.append(_("It repeats. Your calendar shows when."))
    parts = [news, "\n".join(each for each in about if each), shown.description]
    return " ".join((subject % {"summary": summary}).split()), "\n\n".join(part for part in parts if part) + "\n"


def _when(shown: Shown, name: str) -> list[str]:
    """Days and times, each of which begins where the one before it ends, if that is another."""
    locale = page_locale(name)
    zone = ZoneInfo(shown.tzid)
    if shown.start_date and shown.end_date:
        last = max(shown.start_date, shown.end_date - datetime.timedelta(days=1))
        days = dict.fromkeys(date_text(each, "full", locale) for each in (shown.start_date, last))
        return [" – ".join(days)]
    first, end = (datetime.datetime.fromtimestamp(each, zone) for each in (shown.start, shown.end))

    def time(moment: datetime.datetime) -> str:
        return time_text(moment.hour * 60 + moment.minute, hours_of(locale), locale)

    there = zone_text(shown.tzid, shown.start, locale)
    zone_line = there.offset_text
    if there.has_city:
        zone_line = words_of(locale).gettext("%(city)s time, %(offset)s") % {"city": there.city, "offset": zone_line}
    if first.date() == end.date():
        return [date_text(first.date(), "full", locale), f"{time(first)} – {time(end)}", zone_line]
    each = [f"{date_text(moment.date(), 'full', locale)}, {time(moment)}" for moment in (first, end)]
    return [f"{each[0]} –", each[1], zone_line]
