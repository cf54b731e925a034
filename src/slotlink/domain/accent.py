"""One brand colour to the numbers from which the page draws: the brand gives a hue, we give the lightness.

So no brand can make the page unreadable. Colours are `oklch(L C H)` (CSS Color 4; Björn Ottosson, "A perceptual color
space for image processing", 2020): lightness 0 to 1, chroma, hue in degrees.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import lru_cache

ACCENT = r"^#([0-9A-Fa-f]{3}|[0-9A-Fa-f]{6})$"
GREY = 0.02  # a chroma below has no hue worth keeping
PALE = 0.70  # brands from this lightness on fill with their own colour, under dark text
_HUE_OF_GREYS = 250.0
_Three = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class AccentNumbers:
    """The numbers of `page.css`: `h` the hue; `al` and `sl` the lightness of text and of fills in the light scheme, `c`
    their chroma; `cd` the chroma in the dark scheme; `ct` that of tints. `pale`: lightness and chroma of the brand
    itself, where it is the fill."""

    h: float
    sl: float
    al: float
    c: float
    cd: float
    ct: float
    pale: tuple[float, float] | None = None


def accent_of(text: str) -> str:
    """`#0f766e` for any spelling of it. Raises ValueError."""
    if not re.fullmatch(ACCENT, text):
        raise ValueError("must be a colour such as #0f766e")
    digits = text[1:] if len(text) == len("#0f766e") else "".join(2 * digit for digit in text[1:])
    return f"#{digits.lower()}"


@lru_cache(maxsize=1024)
def derive_numbers(accent: str) -> AccentNumbers:
    """`accent` is `#rrggbb`.

    Chroma is reduced here to what sRGB has at each lightness: browsers clip instead, and turn a blue tint sky-blue."""
    lightness, chroma, hue = _oklch(accent)
    grey = chroma < GREY
    h = _HUE_OF_GREYS if grey else round(hue, 1)
    sl, al = (min(max(0.22, lightness), most) for most in (0.47, 0.45))
    c = min(chroma, 0.19, _gamut(sl, h), _gamut(al, h))
    numbers = {
        "sl": sl,
        "al": al,
        "c": c,
        "cd": min(chroma if grey else max(chroma, 0.05), 0.13, _gamut(0.79, h), _gamut(0.83, h)),
        "ct": min(0.24 * c, 0.03, _gamut(0.96, h), _gamut(0.92, h) / 1.8),
    }
    pale = None
    if lightness >= PALE:
        own = min(lightness, 0.90)
        pale = (round(own, 4), round(min(chroma, _gamut(own, h)), 4))
    return AccentNumbers(h=h, **{name: round(number, 4) for name, number in numbers.items()}, pale=pale)


def _oklch(accent: str) -> _Three:
    red, green, blue = (_linear(int(accent[place : place + 2], 16) / 255) for place in (1, 3, 5))
    long = math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue)
    middle = math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue)
    short = math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue)
    lightness = 0.2104542553 * long + 0.7936177850 * middle - 0.0040720468 * short
    a = 1.9779984951 * long - 2.4285922050 * middle + 0.4505937099 * short
    b = 0.0259040371 * long + 0.7827717662 * middle - 0.8086757660 * short
    return lightness, math.hypot(a, b), math.degrees(math.atan2(b, a)) % 360


def _linear(channel: float) -> float:
    """IEC 61966-2-1: what the screen emits for a channel of 0 to 1."""
    return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4


def _gamut(lightness: float, hue: float) -> float:
    """The largest chroma inside sRGB, by bisection."""
    inside, outside = 0.0, 0.4
    for _ in range(24):
        middle = (inside + outside) / 2
        if all(0 <= channel <= 1 for channel in _linear_srgb(lightness, middle, hue)):
            inside = middle
        else:
            outside = middle
    return inside


def _linear_srgb(lightness: float, chroma: float, hue: float) -> _Three:
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    middle = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * middle + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * middle - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * middle + 1.7076147010 * short,
    )
