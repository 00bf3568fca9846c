"""Text on paper wraps where a reader expects it."""

from typing import Any

from reportlab.lib.units import mm

from layers.fonts import SheetFonts, register_fonts
from layers.paper import text


def lines(words: str, width_mm: float) -> list[str]:
    piece: Any = text(words)
    piece.wrap(width_mm * mm, 100 * mm)
    return ["".join(line[1]) if isinstance(line[1], str) else " ".join(line[1]) for line in piece.blPara.lines]


def test_latin_words_are_kept_whole_and_what_has_no_blank_is_cut(fonts: SheetFonts) -> None:
    register_fonts(fonts)
    assert lines("minutes inspected", 17) == ["minutes", "inspected"]
    assert len(lines("DB-20260701-001-1-" * 3, 17)) > 2


def test_chinese_wraps_between_characters(fonts: SheetFonts) -> None:
    register_fonts(fonts)
    assert "".join(lines("最近一次检查的时间和检查人", 17)) == "最近一次检查的时间和检查人"
    assert len(lines("最近一次检查的时间和检查人", 17)) > 1
