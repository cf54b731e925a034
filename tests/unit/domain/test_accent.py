"""No brand can make the page unreadable: the colours of page.css itself, worked out from the numbers of 504 brands.

The arithmetic here is that of CSS Color 4 over XYZ, another way than the one of `accent.py`; contrast is WCAG 2.2's.
"""

from __future__ import annotations

import colorsys
import math
import re
from functools import cache
from pathlib import Path

import pytest

import slotlink
from slotlink.domain.accent import accent_of, derive_numbers
from slotlink.web.brand_view import accent_style

CSS = (Path(slotlink.__file__).parent / "web/static/page.css").read_text()
Rgb = tuple[float, ...]
Matrix = tuple[tuple[float, float, float], ...]

# CSS Color 4, "Sample code for color conversions".
XYZ_OF_RGB: Matrix = (
    (506752 / 1228815, 87881 / 245763, 12673 / 70218),
    (87098 / 409605, 175762 / 245763, 12673 / 175545),
    (7918 / 409605, 87881 / 737289, 1001167 / 1053270),
)
RGB_OF_XYZ: Matrix = (
    (12831 / 3959, -329 / 214, -1974 / 3959),
    (-851781 / 878810, 1648619 / 878810, 36519 / 878810),
    (705 / 12673, -2585 / 12673, 705 / 667),
)
XYZ_OF_LMS: Matrix = (
    (1.2268798758459243, -0.5578149944602171, 0.2813910456659647),
    (-0.0405757452148008, 1.1122868032803170, -0.0717110580655164),
    (-0.0763729366746601, -0.4214933324022432, 1.5869240198367816),
)
LMS_OF_OKLAB: Matrix = (
    (1.0, 0.3963377773761749, 0.2158037573099136),
    (1.0, -0.1055613458156586, -0.0638541728258133),
    (1.0, -0.0894841775298119, -1.2914855480194092),
)


def times(matrix: Matrix, vector: Rgb) -> Rgb:
    return tuple(sum(factor * value for factor, value in zip(row, vector, strict=True)) for row in matrix)


def shown(oklab: Rgb) -> Rgb:
    """sRGB channels of 0 to 255, whole as on a screen; out of gamut they are clipped, as Chromium does."""
    linear = times(RGB_OF_XYZ, times(XYZ_OF_LMS, tuple(value**3 for value in times(LMS_OF_OKLAB, oklab))))
    clipped = (min(max(value, 0.0), 1.0) for value in linear)
    return tuple(
        round(255 * (12.92 * value if value <= 0.0031308 else 1.055 * value ** (1 / 2.4) - 0.055)) for value in clipped
    )


def luminance(rgb: Rgb) -> float:
    linear = [
        value / 255 / 12.92 if value / 255 <= 0.04045 else ((value / 255 + 0.055) / 1.055) ** 2.4 for value in rgb
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: Rgb, other: Rgb) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def properties(css: str) -> dict[str, str]:
    return dict(re.findall(r"--([a-z0-9-]+):\s*([^;}]+)", css))


@cache
def schemes() -> dict[str, dict[str, str]]:
    """The custom properties of page.css in each scheme."""
    light = properties(CSS[CSS.index(":root {") : CSS.index("@media")])
    block = CSS[CSS.index("@media (prefers-color-scheme: dark)") :]
    return {"light": light, "dark": light | properties(block[: block.index("*, ::before")])}


class Sheet:
    """page.css under the style that a brand adds, in one scheme."""

    def __init__(self, scheme: str, accent: str = "") -> None:
        added = properties(accent_style(derive_numbers(accent))) if accent else {}
        self.properties = schemes()[scheme] | added

    def oklab(self, name: str) -> Rgb:
        lightness, chroma, hue = self._numbers(f"var(--{name})")
        return lightness, chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))

    def color(self, name: str) -> Rgb:
        return shown(self.oklab(name))

    def hovered(self) -> Rgb:
        """`color-mix(in oklab, var(--solid) 88%, var(--ink))`."""
        assert "color-mix(in oklab, var(--solid) 88%, var(--ink))" in CSS
        pairs = zip(self.oklab("solid"), self.oklab("ink"), strict=True)
        return shown(tuple(0.88 * solid + 0.12 * ink for solid, ink in pairs))

    def _numbers(self, expression: str) -> Rgb:
        while "var(" in expression:
            expression = re.sub(r"var\(--([a-z0-9-]+)\)", lambda name: self.properties[name[1]], expression)
        expression = re.sub(
            r"calc\(([\d.]+) \* ([\d.]+)\)", lambda both: str(float(both[1]) * float(both[2])), expression
        )
        match = re.fullmatch(r"oklch\(([\d.]+) ([\d.]+) ([\d.]+)\)", expression)
        assert match is not None, expression
        return tuple(float(number) for number in match.groups())


def swept() -> list[str]:
    """504 brands: 24 hues, 7 lightnesses, 3 saturations."""
    channels = (
        colorsys.hls_to_rgb(hue / 24, lightness / 8, saturation)
        for hue in range(24)
        for lightness in range(1, 8)
        for saturation in (0.15, 0.55, 1.0)
    )
    return ["#" + "".join(f"{round(255 * channel):02x}" for channel in rgb) for rgb in channels]


NAMED = ["#0f766e", "#2b4cff", "#d11149", "#ffd400", "#222222", "#808080", "#000000", "#ffffff", "#ff00ff", "#0000ff"]
TEXT = [
    *(("accent", ground) for ground in ("surface", "tint", "tint2", "ground")),
    *(("ink", ground) for ground in ("surface", "ground", "sunken", "tint", "tint2")),
    *(("ink2", ground) for ground in ("surface", "ground", "sunken", "tint")),
    *(("ink3", ground) for ground in ("surface", "ground", "sunken")),
    ("on-solid", "solid"),
]
MARKS = [*(("edge", ground) for ground in ("surface", "ground")), ("accent", "surface"), ("accent", "ground")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_no_brand_makes_the_page_unreadable(scheme: str) -> None:
    brands = swept()
    assert len(brands) == 504
    low: list[str] = []
    for brand in [*brands, *NAMED]:
        sheet = Sheet(scheme, brand)
        marks = list(MARKS)
        if sheet.properties["solid-line"] == "transparent":
            marks.append(("solid", "surface"))  # the fill itself shows the button; a pale one has a line of the accent
        else:
            assert sheet.properties["solid-line"] == "var(--accent)"
        found = [(f"{one} on {other}", contrast(sheet.color(one), sheet.color(other)), 4.5) for one, other in TEXT]
        found += [(f"{one} on {other}", contrast(sheet.color(one), sheet.color(other)), 3) for one, other in marks]
        found.append(("on-solid on the hovered fill", contrast(sheet.color("on-solid"), sheet.hovered()), 4.5))
        low += [f"{brand}: {pair} {ratio:.2f}" for pair, ratio, floor in found if ratio < floor]
    assert low == []


@pytest.mark.parametrize(
    ("scheme", "ratios"),
    [
        ("light", {"ink on surface": 16.8, "accent on surface": 7.1, "accent on tint": 6.4, "on-solid on solid": 6.5}),
        ("dark", {"ink on surface": 15.5, "accent on surface": 10.8, "accent on tint": 8.7, "on-solid on solid": 9.9}),
    ],
)
def test_contrast_is_worked_out_as_it_was_measured_in_a_browser(scheme: str, ratios: dict[str, float]) -> None:
    """What the arithmetic of this test says of #0f766e, which page.css has built in, was read off rendered pixels."""
    sheet = Sheet(scheme)
    for pair, measured in ratios.items():
        one, other = pair.split(" on ")
        assert contrast(sheet.color(one), sheet.color(other)) == pytest.approx(measured, abs=0.1), pair


def test_the_colour_that_the_page_has_built_in_is_derived_as_it_stands_there() -> None:
    built_in = {name: float(schemes()["light"][name]) for name in ("h", "c", "cd", "ct", "al", "sl")}
    numbers = derive_numbers("#0f766e")
    assert {name: getattr(numbers, name) for name in built_in} == pytest.approx(built_in, abs=2e-4)
    assert numbers.pale is None


@pytest.mark.parametrize("accent", ["#222222", "#808080", "#000000", "#ffffff", "#818285"])
def test_a_grey_stays_grey(accent: str) -> None:
    numbers = derive_numbers(accent)
    assert numbers.h == 250 and max(numbers.c, numbers.cd, numbers.ct) < 0.02


@pytest.mark.parametrize(
    ("accent", "is_pale"),
    [
        ("#ffd400", True),
        ("#ffffff", True),
        ("#ff00ff", True),
        ("#0000ff", False),
        ("#000000", False),
        ("#d11149", False),
    ],
)
def test_a_pale_brand_is_its_own_fill(accent: str, is_pale: bool) -> None:
    numbers = derive_numbers(accent)
    assert (numbers.pale is not None) is is_pale
    if numbers.pale is not None:
        assert 0.7 <= numbers.pale[0] <= 0.9
    channels = [int(accent[place : place + 2], 16) for place in (1, 3, 5)]
    if is_pale and accent != "#ffffff":  # white is above the most lightness of a fill
        for scheme in ("light", "dark"):
            assert Sheet(scheme, accent).color("solid") == pytest.approx(channels, abs=3)


def test_a_colour_that_is_hardly_one_is_seen_in_the_dark() -> None:
    """A chroma of .03 is no grey, and has at least .05 there."""
    assert derive_numbers("#5f6b6a").cd < 0.02
    assert derive_numbers("#566f6b").cd == 0.05


def test_no_fill_leaves_srgb() -> None:
    """A browser would clip it, and turn a blue tint sky-blue."""
    for brand in [*swept(), *NAMED]:
        for scheme, names in (("light", ("solid", "accent", "tint", "tint2")), ("dark", ("solid", "accent"))):
            sheet = Sheet(scheme, brand)
            for name in names:
                lms = tuple(value**3 for value in times(LMS_OF_OKLAB, sheet.oklab(name)))
                linear = times(RGB_OF_XYZ, times(XYZ_OF_LMS, lms))
                assert all(-0.002 <= value <= 1.002 for value in linear), (brand, scheme, name, linear)


def test_the_two_ways_over_oklab_are_inverse() -> None:
    for brand in NAMED:
        linear = tuple(
            value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4
            for value in (int(brand[place : place + 2], 16) / 255 for place in (1, 3, 5))
        )
        assert times(RGB_OF_XYZ, times(XYZ_OF_RGB, linear)) == pytest.approx(linear, abs=1e-9)


@pytest.mark.parametrize(("text", "kept"), [("#0F766E", "#0f766e"), ("#0af", "#00aaff"), ("#ABC", "#aabbcc")])
def test_every_spelling_of_a_colour_is_one(text: str, kept: str) -> None:
    assert accent_of(text) == kept


@pytest.mark.parametrize("text", ["", "0f766e", "#0f766", "#0f766e80", "#gggggg", "teal", "#0f766e\n", "#٠٠٠"])
def test_what_is_no_colour_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="#0f766e"):
        accent_of(text)
