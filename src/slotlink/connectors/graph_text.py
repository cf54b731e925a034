"""Texts between Graph's HTML and ours: the words of a body, and the part of it by which Teams knows its meeting. Pure.

Every pattern here reads its input once, however it is made."""

from __future__ import annotations

import html
import re

from slotlink.connectors.graph_json import Event

MOST_HTML = 500_000  # characters of a body that are read
_TAG = re.compile(r"(<[A-Za-z/!][^<>]*>)")
_NAME = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9]*)")
_UNSEEN = {"head", "style", "script", "title"}
_BREAKS = {"br", "p", "div", "tr", "li", "h1", "h2", "h3"}
_MEETING, _RULE, _BEFORE = "me-email-text", "_" * 20, 400
"""What Teams puts below a text is of this class, and a rule of underscores stands up to so many characters before."""


def plain(content: str, content_type: str | None) -> str:
    """The words of a body, with line breaks where they were."""
    content = content[:MOST_HTML]
    if (content_type or "html").lower() == "text":
        return content.strip()
    words: list[str] = []
    unseen = ""
    for part in _TAG.split(content):
        tag = _NAME.match(part)
        if tag is None:
            words += [] if unseen or part.startswith("<!") else [re.sub(r"[\r\n\t ]+", " ", html.unescape(part))]
            continue
        closing, name = bool(tag[1]), tag[2].lower()
        if name in _UNSEEN:
            unseen = "" if closing and name == unseen else unseen or ("" if closing else name)
        elif name == "br" or (name in _BREAKS and closing):
            words.append("\n")
    lines = [line.strip() for line in "".join(words).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def marked_up(text: str) -> str:
    return f"<div>{html.escape(text, quote=False)}</div>".replace("\n", "<br>\n")


def begins_with(event: Event, text: str) -> bool:
    """Whether `text` is what stands in the body, up to the meeting's part where there is one, and nothing else. White
    space is as Exchange likes it. Where the meeting's part is not known again, anything may follow."""
    content, kind = _body(event)
    at = _meeting_at(content) if event.is_online_meeting else None
    ours, theirs = squeezed(text), squeezed(plain(content if at is None else content[:at], kind))
    return theirs == ours or (bool(event.is_online_meeting) and at is None and theirs.startswith(ours))


def squeezed(text: str) -> str:
    return "".join(text.split())


def with_meeting(event: Event, text: str) -> str:
    """A new body that still has the meeting's part: without it Graph ends the meeting (event-update, "body").

    Where that part is not known again, all of the old body goes below the new text."""
    if not event.is_online_meeting:
        return marked_up(text)
    content = _body(event)[0]
    at = _meeting_at(content)
    start = content.lower().find("<body")
    inside = content.find(">", start) + 1 if start >= 0 else 0
    end = content.lower().rfind("</body")
    return marked_up(text) + content[inside if at is None else at : end if end >= 0 else len(content)]


def _body(event: Event) -> tuple[str, str | None]:
    return (event.body.content or "", event.body.content_type) if event.body else ("", None)


def _meeting_at(content: str) -> int | None:
    part = content.find(_MEETING)
    rule = content.find(_RULE) if part < 0 else content.rfind(_RULE, max(part - _BEFORE, 0), part)
    found = part if rule < 0 else rule
    return None if found < 0 else max(content.rfind("<", 0, found), 0)
