"""An application's branding as the page shows it: addresses, and the accent's numbers as custom properties of CSS.

A `<style>` with a nonce and not a stylesheet of its own: the first view may make four requests in all.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from slotlink.domain.accent import AccentNumbers
from slotlink.store.brandings import ShownBranding, ShownLogo


@dataclass(frozen=True, slots=True)
class LogoView:
    address: str
    width: int


@dataclass(frozen=True, slots=True)
class BrandView:
    """`style` is empty without an accent. `nonce` is of this one answer: its policy names it. `framed`: this answer may
    be in a frame, and then it loads the script that tells the page around it."""

    style: str
    nonce: str
    logo: LogoView | None
    dark_logo: LogoView | None
    privacy_url: str | None
    support_url: str | None
    embed_origins: tuple[str, ...]
    framed: bool


def brand_view(branding: ShownBranding, base_path: str, *, alone: bool) -> BrandView:
    """`alone`: the browser says that it opens the page by itself."""
    pictures = {scheme: _logo_view(logo, base_path) for scheme, logo in branding.logos.items()}
    return BrandView(
        style=accent_style(branding.accent) if branding.accent else "",
        nonce=secrets.token_urlsafe(16),
        logo=pictures.get("light"),
        dark_logo=pictures.get("dark"),
        privacy_url=branding.privacy_url,
        support_url=branding.support_url,
        embed_origins=branding.embed_origins,
        framed=bool(branding.embed_origins) and not alone,
    )


def accent_style(numbers: AccentNumbers) -> str:
    """What `page.css` draws from, in place of its own numbers.

    A pale brand is the fill itself, with dark text and a line around it, in both schemes: it comes after `page.css`."""
    properties = {
        "h": numbers.h,
        "c": numbers.c,
        "cd": numbers.cd,
        "ct": numbers.ct,
        "al": numbers.al,
        "sl": numbers.sl,
    }
    rules = [f"--{name}:{number}" for name, number in properties.items()]
    if numbers.pale is not None:
        lightness, chroma = numbers.pale
        rules += [
            f"--solid:oklch({lightness} {chroma} var(--h))",
            "--on-solid:oklch(.2 .03 var(--h))",
            "--solid-line:var(--accent)",
        ]
    return f":root{{{';'.join(rules)}}}"


def _logo_view(logo: ShownLogo, base_path: str) -> LogoView:
    kind = {"image/png": "png", "image/svg+xml": "svg"}[logo.media_type]
    return LogoView(f"{base_path}/logos/{logo.sha256.hex()}.{kind}", logo.width)
