"""Make the fonts in this folder from released ones: `python make.py FOLDER`, with requirements/fonts.txt.

README.md names the released fonts. The results are committed, so a statement looks the same on every machine, and
servers do not run this program.
"""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path

import uharfbuzz
from fontTools import fontBuilder, subset, ttLib
from fontTools.feaLib.builder import addOpenTypeFeaturesFromString
from fontTools.pens.ttGlyphPen import TTGlyphPen
from fontTools.ttLib.tables._c_m_a_p import CmapSubtable
from fontTools.varLib import instancer

HERE = Path(__file__).resolve().parent
LATIN = (
    "20-7E A0-24F 250-2AF 2B0-2FF 300-36F 370-3FF 400-45F 1E00-1EFF 2010-2027 202F-205E 2070-209C 20A0-20C0 "
    "2100-2122 2190-2193 2212 25CC A78B-A78C FFFD"
)
ARABIC = "600-6FF 750-77F 8A0-8FF 200C-200F 25CC FB50-FDFF FE70-FEFC"
HEBREW = "590-5FF FB1D-FB4F 200C-200F 25CC"
EMOJI = "200D 20E3 2194-21AA 231A-23FF 25AA-27BF 2934-2B55 3030 303D 3297 3299 FE0F 1F000-1FAFF"
# Letters of West African languages, and the tone marks with which some of them have no composed character in Unicode.
LETTERS = "abcdefghijklmnopqrstuvwxyzẹịọụṣạɛɔəɩʊɣŋɓɗƙƴ"
TONES = "\u0300\u0301\u0302\u0303\u0304\u030c"


def main() -> None:
    folder = Path(sys.argv[1])
    for weight in (400, 600):
        sans = instance(folder / "NotoSans[wdth,wght].ttf", wght=weight, wdth=100)
        join_tones(sans)
        save(sans, LATIN, f"NotoSans-{weight}.ttf", features=["ccmp", "kern", "mark", "mkmk"])
        save(instance(folder / "Heebo[wght].ttf", wght=weight), HEBREW, f"Heebo-{weight}.ttf")
    for name in ("Regular", "Bold"):
        save(ttLib.TTFont(folder / f"Almarai-{name}.ttf"), ARABIC, f"Almarai-{name}.ttf")
    save(instance(folder / "NotoEmoji[wght].ttf", wght=400), EMOJI, "NotoEmoji-400.ttf", features=[])
    make_box()


def instance(path: Path, **axes: float) -> ttLib.TTFont:
    return instancer.instantiateVariableFont(ttLib.TTFont(path), axes, updateFontNames=True)


def save(font: ttLib.TTFont, ranges: str, name: str, features: list[str] | None = None) -> None:
    options = subset.Options(hinting=False, notdef_outline=True)
    if features is not None:
        options.layout_features = features
    subsetter = subset.Subsetter(options)
    subsetter.populate(unicodes=[code for part in ranges.split() for code in span(part)])
    subsetter.subset(font)
    font.save(HERE / name)


def span(part: str) -> range:
    first, _, last = part.partition("-")
    return range(int(first, 16), int(last or first, 16) + 1)


def join_tones(font: ttLib.TTFont) -> None:
    """Make one glyph for each letter with a tone, instead of the font's own rules, which split letters into parts.

    A PDF stores a text for each glyph. Each part of a split letter would have the text of the whole letter.
    """
    font.save(HERE / "whole.ttf")
    face = uharfbuzz.Font(uharfbuzz.Face((HERE / "whole.ttf").read_bytes()))
    (HERE / "whole.ttf").unlink()
    codes, order, rules = font.getBestCmap(), list(font.getGlyphOrder()), []
    for letter in LETTERS + LETTERS.upper():
        for tone in TONES:
            if len(unicodedata.normalize("NFC", letter + tone)) == 1 or ord(letter) not in codes:
                continue
            buffer = uharfbuzz.Buffer()
            buffer.add_str(letter + tone)
            buffer.guess_segment_properties()
            uharfbuzz.shape(face, buffer)
            name = f"{codes[ord(letter)]}_{codes[ord(tone)]}"
            draw(
                font,
                name,
                [
                    (order[info.codepoint], at)
                    for info, at in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
                ],
            )
            rules.append(f"sub {codes[ord(letter)]} {codes[ord(tone)]} by {name};")
    font.setGlyphOrder(list(font["glyf"].glyphOrder))
    del font["GSUB"]
    systems = "languagesystem DFLT dflt; languagesystem latn dflt;"
    addOpenTypeFeaturesFromString(
        font, f"{systems} feature ccmp {{ {' '.join(rules)} }} ccmp;", tables=["GSUB"]
    )


def draw(font: ttLib.TTFont, name: str, parts: list[tuple[str, uharfbuzz.GlyphPosition]]) -> None:
    pen, across = TTGlyphPen(font.getGlyphSet()), 0
    for part, at in parts:
        pen.addComponent(part, (1, 0, 0, 1, across + at.x_offset, at.y_offset))
        across += at.x_advance
    glyph = pen.glyph()
    font["glyf"][name] = glyph
    glyph.recalcBounds(font["glyf"])
    font["hmtx"][name] = (across, glyph.xMin)


def make_box() -> None:
    """Make a font in which every character is a box, because PDF/UA allows no character without a glyph."""
    pen = TTGlyphPen(None)
    for corners in (
        [(60, 0), (60, 700), (540, 700), (540, 0)],
        [(110, 50), (490, 50), (490, 650), (110, 650)],
    ):
        pen.moveTo(corners[0])
        for corner in corners[1:]:
            pen.lineTo(corner)
        pen.closePath()
    box = pen.glyph()
    builder = fontBuilder.FontBuilder(1000, isTTF=True)
    builder.setupGlyphOrder([".notdef", "box"])
    builder.setupCharacterMap({})
    table = CmapSubtable.newSubtable(13)
    table.platformID, table.platEncID, table.language = 3, 10, 0
    table.cmap = dict.fromkeys([*range(0x20, 0xD800), *range(0xE000, 0x110000)], "box")
    builder.font["cmap"].tables = [table]
    builder.setupGlyf({".notdef": box, "box": box})
    builder.setupHorizontalMetrics({".notdef": (600, 60), "box": (600, 60)})
    builder.setupHorizontalHeader(ascent=900, descent=-200)
    names = {"familyName": "Asusu Box", "styleName": "Regular", "fullName": "Asusu Box", "psName": "AsusuBox"}
    builder.setupNameTable(names | {"uniqueFontIdentifier": "Asusu Box", "version": "1"})
    builder.setupOS2(sTypoAscender=900, sTypoDescender=-200, usWeightClass=400)
    builder.setupPost()
    builder.save(HERE / "AsusuBox.ttf")


if __name__ == "__main__":
    main()
