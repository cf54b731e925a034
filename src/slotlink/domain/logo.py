"""Logos: a PNG whose parts are all accounted for, or an SVG that was taken apart and put together from what is allowed.

What is kept of an SVG is written anew from the parsed tree, so what was not looked at cannot be served.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Literal
from xml.etree.ElementTree import Element, ParseError, tostring

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

MAX_LOGO_BYTES = 4096
HEIGHT = 28  # CSS pixels, of every logo on the page
MAX_WIDTH = 280
_MAX_PIXELS = 2048  # along one side: what 4 KB unpack to is bounded
_PNG = b"\x89PNG\r\n\x1a\n"
_PARTS_OF_PNG = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS"),
    *(b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"cICP", b"sBIT", b"bKGD", b"pHYs", b"hIST", b"tIME"),
)

SVG = "{http://www.w3.org/2000/svg}"
_HREF = ("href", "{http://www.w3.org/1999/xlink}href")
_SHAPES = {"svg", "g", "defs", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "clipPath"}
_GRADIENTS = {"linearGradient", "radialGradient", "stop"}
_NOT_DRAWN = {"title", "desc"}  # left out: the logo has no text alternative, the name stands beside it
_PRESENTATION = {
    *("fill", "fill-opacity", "fill-rule", "stroke", "stroke-width", "stroke-opacity", "stroke-linecap"),
    *("stroke-linejoin", "stroke-miterlimit", "stroke-dasharray", "stroke-dashoffset", "opacity", "color"),
    *("clip-path", "clip-rule", "stop-color", "stop-opacity", "transform", "display", "visibility"),
}
_GEOMETRY = {
    *("id", "d", "points", "pathLength", "x", "y", "width", "height", "x1", "y1", "x2", "y2", "cx", "cy", "r", "rx"),
    *("ry", "fx", "fy", "fr", "offset", "gradientUnits", "gradientTransform", "spreadMethod", "clipPathUnits"),
    *("viewBox", "preserveAspectRatio"),
}
_ATTRIBUTES = _PRESENTATION | _GEOMETRY
_IGNORED = {"style", "version", "class", "role", "aria-hidden", "focusable"}  # `style` is read apart
_FUNCTION = re.compile(r"([A-Za-z-]*)\s*\(")
_HARMLESS = {"rgb", "rgba", "hsl", "hsla", "matrix", "translate", "scale", "rotate", "skewx", "skewy"}
_VALUE = re.compile(r"[\w\s#%.,()+-]*", re.ASCII)
_OWN_URL = re.compile(r"url\(\s*#[\w.-]+\s*\)", re.ASCII)
_OWN_REFERENCE = re.compile(r"#[\w.-]+", re.ASCII)

MediaType = Literal["image/png", "image/svg+xml"]


@dataclass(frozen=True, slots=True)
class Logo:
    """`width` in CSS pixels at a height of 28."""

    media_type: MediaType
    content: bytes
    width: int


def read_logo(content: bytes) -> Logo:
    """The logo as it is kept. Raises ValueError."""
    if len(content) > MAX_LOGO_BYTES:
        raise ValueError(f"may have at most {MAX_LOGO_BYTES} bytes; this one has {len(content)}")
    if content.startswith(_PNG):
        return Logo("image/png", content, _drawn_width(*_size_of_png(content)))
    root = _parse_svg(content)
    width = _drawn_width(*_size_of_svg(root))
    drawn = _allowed(root)
    drawn.set("xmlns", SVG[1:-1])
    written = tostring(drawn, encoding="unicode").encode()
    if len(written) > MAX_LOGO_BYTES:
        raise ValueError(f"may have at most {MAX_LOGO_BYTES} bytes; written out, this one has {len(written)}")
    return Logo("image/svg+xml", written, width)


def _drawn_width(width: float, height: float) -> int:
    drawn = round(HEIGHT * width / height)
    if not 1 <= drawn <= MAX_WIDTH:
        raise ValueError(f"may be {MAX_WIDTH // HEIGHT} times as wide as high; it is drawn {HEIGHT} pixels high")
    return drawn


def _size_of_png(content: bytes) -> tuple[int, int]:
    """Pixels. Every chunk is known, whole and in its place, and nothing follows the last (PNG, third edition, 5)."""
    place, names = len(_PNG), list[bytes]()
    while place < len(content):
        length = int.from_bytes(content[place : place + 4])
        name, end = content[place + 4 : place + 8], place + 12 + length
        if end > len(content) or zlib.crc32(content[place + 4 : end - 4]) != int.from_bytes(content[end - 4 : end]):
            raise ValueError("is a PNG that is damaged")
        if name not in _PARTS_OF_PNG:
            named = name.decode("ascii", "replace")
            raise ValueError(f"has a part {named!r}; save it as a plain PNG, without animation")
        names.append(name)
        place = end
    in_place = content[8:16] == b"\0\0\0\x0dIHDR" and names[-1] == b"IEND"
    if not in_place or b"IDAT" not in names or names.count(b"IEND") != 1:
        raise ValueError("is a PNG that is damaged")
    width, height = int.from_bytes(content[16:20]), int.from_bytes(content[20:24])
    if not (0 < width <= _MAX_PIXELS and 0 < height <= _MAX_PIXELS):
        raise ValueError(f"may be {_MAX_PIXELS} pixels wide and high")
    return width, height


def _parse_svg(content: bytes) -> Element:
    try:
        root = fromstring(content, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise ValueError("must be a PNG, or an SVG without DOCTYPE and entities") from error
    if root.tag != f"{SVG}svg":
        raise ValueError("must be a PNG, or an SVG whose root is <svg> of the SVG namespace")
    return root


def _size_of_svg(root: Element) -> tuple[float, float]:
    try:
        box = root.get("viewBox", "").strip()
        _, _, width, height = map(float, re.split(r"[\s,]+", box))
        if "_" in box:  # Python's way of writing numbers alone
            raise ValueError(box)
    except ValueError as error:
        raise ValueError("needs a viewBox of four numbers on its <svg>") from error
    if not (1e-3 < width < 1e6 and 1e-3 < height < 1e6):  # and so no NaN
        raise ValueError("needs a viewBox with a width and a height")
    return width, height


def _allowed(element: Element, depth: int = 0) -> Element:
    """The element with what is allowed in it, written without prefixes. Raises ValueError for anything else."""
    name = element.tag.removeprefix(SVG)
    if name not in _SHAPES | _GRADIENTS or not element.tag.startswith(SVG) or (name == "svg" and depth):
        raise ValueError(f"may hold shapes, paths, groups and gradients, not <{_local(element.tag)}>")
    if depth > 20:
        raise ValueError("is nested too deeply")
    kept = Element(name, _attributes(element, name))
    for child in element:
        if child.tag.removeprefix(SVG) not in _NOT_DRAWN:
            kept.append(_allowed(child, depth + 1))
    if (element.text or "").strip() or any((child.tail or "").strip() for child in element):
        raise ValueError("may hold no text; turn it into paths")
    return kept


def _attributes(element: Element, name: str) -> dict[str, str]:
    kept: dict[str, str] = {}
    for attribute, value in element.attrib.items():
        if attribute in _HREF and name in _GRADIENTS:
            if not _OWN_REFERENCE.fullmatch(value):
                raise ValueError("may refer to its own gradients only, as #name")
            kept["href"] = value
        elif attribute in _ATTRIBUTES:
            kept[attribute] = _harmless(attribute, value)
        elif attribute not in _IGNORED and not attribute.startswith("{http://www.w3.org/XML/1998/namespace}"):
            raise ValueError(f"may not have the attribute {_local(attribute)} on <{name}>")
    return kept | _declarations(element.get("style", ""))  # it wins over attributes


def _declarations(style: str) -> dict[str, str]:
    """A style attribute as the presentation attributes that say the same (SVG 2 section 6.6)."""
    found: dict[str, str] = {}
    for declaration in filter(str.strip, style.split(";")):
        name, _, value = (part.strip() for part in declaration.partition(":"))
        if name not in _PRESENTATION:
            raise ValueError(f"may not have the style {name!r}")
        found[name] = _harmless(name, value)
    return found


def _harmless(attribute: str, value: str) -> str:
    """No function but colours, transforms and a reference inside the picture."""
    rest = _OWN_URL.sub("", value) if attribute in ("fill", "stroke", "clip-path") else value
    functions = {name.lower() for name in _FUNCTION.findall(rest)}
    if not _VALUE.fullmatch(rest) or not functions <= _HARMLESS:
        raise ValueError(f"may not have the value {value[:40]!r} of {attribute}")
    return value


def _local(name: str) -> str:
    return name.rpartition("}")[2]
