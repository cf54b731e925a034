"""What may stand on everybody's page: small pictures of which every part is known."""

from __future__ import annotations

import struct
import zlib
from xml.etree.ElementTree import fromstring

import pytest

from slotlink.domain.logo import MAX_LOGO_BYTES, read_logo

SHAPE = '<path d="M0 0h10v10z" fill="#0f766e"/>'


def chunk(name: bytes, content: bytes = b"") -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


def png(width: int = 84, height: int = 56, *more: bytes, end: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    drawn = zlib.compress(b"\0" * ((width + 1) * height))
    return b"\x89PNG\r\n\x1a\n" + header + b"".join(more) + chunk(b"IDAT", drawn) + chunk(b"IEND") + end


def svg(inside: str = SHAPE, root: str = 'viewBox="0 0 40 10"', before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {root}>{inside}</svg>'.encode()


def test_a_png_is_kept_as_it_is_and_drawn_28_pixels_high() -> None:
    content = png(84, 56)
    logo = read_logo(content)
    assert (logo.media_type, logo.content, logo.width) == ("image/png", content, 42)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(png()[:-1], id="cut off"),
        pytest.param(png().replace(b"IHDR\0\0\0T", b"IHDR\0\0\0U"), id="another sum"),
        pytest.param(png(end=b"<script>alert(1)</script>"), id="something behind its end"),
        pytest.param(png(end=chunk(b"IDAT", b"x")), id="a part behind its end"),
        pytest.param(png(end=chunk(b"IEND")), id="two ends"),
        pytest.param(png(84, 56, chunk(b"acTL", b"\0" * 8)), id="moving"),
        pytest.param(png(84, 56, chunk(b"tEXt", b"Comment\0<script>")), id="text in it"),
        pytest.param(png(0, 56), id="no width"),
        pytest.param(png(4096, 1)[:4096], id="a width that unpacks to much"),
        pytest.param(png(281, 28), id="drawn too wide"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + chunk(b"IEND"), id="nothing in it"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", b"\0" * 13) + chunk(b"IEND"), id="no picture"),
        pytest.param(b"\x89PNG\r\n\x1a\n", id="only its first bytes"),
        pytest.param(b"GIF89a" + bytes(30), id="a GIF"),
        pytest.param(b"\xff\xd8\xff\xe0" + bytes(30), id="a JPEG"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_what_is_no_sound_png_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"must|may|is a PNG that is damaged|has a part"):
        read_logo(content)


@pytest.mark.parametrize("more", [MAX_LOGO_BYTES, MAX_LOGO_BYTES + 1])
def test_a_logo_has_four_kilobytes_at_most(more: int) -> None:
    """Padded with a part that pictures may have."""
    padding = more - len(png()) - 12
    content = png(84, 56, chunk(b"iCCP", bytes(padding)))
    assert len(content) == more
    if more > MAX_LOGO_BYTES:
        with pytest.raises(ValueError, match="4096 bytes"):
            read_logo(content)
    else:
        assert read_logo(content).content == content


GRADIENT = (
    '<defs><linearGradient id="a" x2="1"><stop offset="0" stop-color="#fff"/><stop offset="1"/></linearGradient>'
    '<linearGradient id="b" xlink:href="#a"/></defs><circle cx="5" cy="5" r="5" fill="url(#b)"/>'
)


@pytest.mark.parametrize(
    ("content", "kept", "lost"),
    [
        pytest.param(svg(), ['d="M0 0h10v10z"', 'fill="#0f766e"', 'viewBox="0 0 40 10"'], [], id="a path"),
        pytest.param(
            svg('<g style="fill: red; opacity:.5"><rect width="9" height="9"/></g>'),
            ['fill="red"'],
            ["style"],
            id="style becomes attributes",
        ),
        pytest.param(
            svg('<g fill="blue" style="fill:red"/>'), ['fill="red"'], ["blue"], id="style wins over attributes"
        ),
        pytest.param(
            svg(GRADIENT, 'viewBox="0 0 10 10" xmlns:xlink="http://www.w3.org/1999/xlink"'),
            ['href="#a"', "url(#b)"],
            ["xlink"],
            id="gradients that refer to each other",
        ),
        pytest.param(
            svg("<title>Globex</title><desc>A logo</desc>" + SHAPE), [], ["Globex", "logo"], id="titles are left out"
        ),
        pytest.param(
            svg(SHAPE, before="<?xml version='1.0'?><?xml-stylesheet href='https://evil.test/a.css'?><!-- x -->"),
            [],
            ["evil", "<?", "<!--"],
            id="instructions and comments are left out",
        ),
        pytest.param(
            svg(
                '<clipPath id="c"><rect width="1" height="1"/></clipPath><g clip-path="url(#c)" transform="rotate(3)"/>'
            ),
            ["clip-path", "rotate(3)"],
            [],
            id="clips and transforms",
        ),
        pytest.param(
            svg('<s:path xmlns:s="http://www.w3.org/2000/svg" d="M0 0"/>'), ["<path"], ["s:path"], id="prefixes go"
        ),
    ],
)
def test_an_svg_is_written_anew_from_what_may_be_in_it(content: bytes, kept: list[str], lost: list[str]) -> None:
    logo = read_logo(content)
    written = logo.content.decode()
    assert logo.media_type == "image/svg+xml"
    assert all(text in written for text in kept) and not any(text in written for text in lost), written
    assert fromstring(written).tag == "{http://www.w3.org/2000/svg}svg"
    assert read_logo(logo.content) == logo, "what was kept is kept as it is"


ENTITIES = '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(svg("<script>alert(1)</script>"), id="script"),
        pytest.param(svg('<g onload="alert(1)"/>'), id="a handler"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 1 1" onload="alert(1)"'), id="a handler on the root"),
        pytest.param(svg('<image href="https://evil.test/a.png"/>'), id="a picture from elsewhere"),
        pytest.param(svg('<use href="#a"/>'), id="use"),
        pytest.param(svg('<a href="https://evil.test"><path d="M0 0"/></a>'), id="a link"),
        pytest.param(svg('<path d="M0 0" href="#a"/>'), id="an address where none belongs"),
        pytest.param(svg('<linearGradient href="https://evil.test/a.svg#b"/>'), id="a gradient from elsewhere"),
        pytest.param(svg('<linearGradient href="javascript:alert(1)"/>'), id="a gradient that runs"),
        pytest.param(svg("<style>@import url(https://evil.test/a.css)</style>"), id="a style sheet"),
        pytest.param(svg('<g style="fill:url(https://evil.test/a.svg#b)"/>'), id="an address in a style"),
        pytest.param(svg('<g style="background-image:url(https://evil.test)"/>'), id="a background"),
        pytest.param(svg('<g fill="url(https://evil.test/a.svg#b)"/>'), id="an address in an attribute"),
        pytest.param(svg('<g fill="URL(//evil.test)"/>'), id="an address in capitals"),
        pytest.param(svg('<g fill="u\\72l(//evil.test)"/>'), id="an address in escapes"),
        pytest.param(svg('<g opacity="url(#a)"/>'), id="a reference where none belongs"),
        pytest.param(svg('<g fill="image-set(#a)"/>'), id="a function that loads"),
        pytest.param(svg("<text>Globex</text>"), id="a text"),
        pytest.param(svg("Globex"), id="a text without element"),
        pytest.param(svg(SHAPE + "Globex"), id="a text behind an element"),
        pytest.param(svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>'), id="HTML"),
        pytest.param(svg('<script xmlns="http://www.w3.org/1999/xhtml">alert(1)</script>'), id="a script of HTML"),
        pytest.param(svg('<path xmlns="http://www.w3.org/1999/xhtml" d="M0 0"/>'), id="a path of HTML"),
        pytest.param(svg('<path xmlns="" d="M0 0"/>'), id="a path of nothing"),
        pytest.param(svg('<animate attributeName="fill" to="red"/>'), id="an animation"),
        pytest.param(svg('<set attributeName="onload" to="alert(1)"/>'), id="set"),
        pytest.param(svg('<svg viewBox="0 0 1 1"/>'), id="an SVG in it"),
        pytest.param(
            svg('<g xml:base="https://evil.test/"/>').replace(b"xml:base", b"data-x"), id="an attribute nobody knows"
        ),
        pytest.param(svg(before=ENTITIES), id="entities"),
        pytest.param(svg(before='<!DOCTYPE svg SYSTEM "https://evil.test/a.dtd">'), id="a DTD"),
        pytest.param(svg("<g>" * 30 + "</g>" * 30), id="nested deeply"),
        pytest.param(svg(SHAPE, ""), id="without viewBox"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 nan 10"'), id="a width that is no number"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 10 0"'), id="without height"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 999999 1e-320"'), id="hardly any height"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 4_0 10"'), id="a number as Python alone writes it"),
        pytest.param(svg(SHAPE, 'viewBox="0 0 101 10"'), id="drawn too wide"),
        pytest.param(svg("<path d='&quot;'/>"), id="quotes in a value"),
        pytest.param(b"<html><script>alert(1)</script></html>", id="a page"),
        pytest.param(b"<svg viewBox='0 0 1 1'></svg>", id="of no namespace"),
        pytest.param(b"<svg xmlns='http://www.w3.org/2000/svg'", id="cut off"),
        pytest.param(b"<?xml version='1.0' encoding='no-such'?><svg/>", id="an encoding that is none"),
    ],
)
def test_an_svg_with_anything_else_in_it_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"must|may|needs|is nested"):
        read_logo(content)


def test_xml_base_is_left_out() -> None:
    assert b"evil" not in read_logo(svg('<g xml:base="https://evil.test/" fill="url(#a)"/>')).content
