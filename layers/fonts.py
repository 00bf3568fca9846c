"""The type of printed pages: TrueType files with Chinese, embedded in part."""

from dataclasses import dataclass
from pathlib import Path

from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont

from geo.errors import Unavailable

REGULAR, BOLD = "OneMapSans", "OneMapSans-Bold"
"""What the fonts are called once they are registered."""


@dataclass(frozen=True)
class SheetFonts:
    """TrueType files with Chinese; they are embedded in part."""

    regular: Path
    bold: Path


def register_fonts(fonts: SheetFonts) -> None:
    """Make the fonts known to the printing library; once is enough."""
    for name, path in ((REGULAR, fonts.regular), (BOLD, fonts.bold)):
        if not path.is_file():
            raise Unavailable(f"the font {path.name} is not there; run scripts/run once to fetch it")
        if name not in pdfmetrics.getRegisteredFontNames():
            pdfmetrics.registerFont(TTFont(name, str(path)))
