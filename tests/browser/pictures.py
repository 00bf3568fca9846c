"""The pictures of the guide: taken anew by every run and held against the committed ones, so that none can go stale.

Two pictures are the same layout when few of their cells differ in colour. A cell is so large that another font, another
age or another number changes it little, and a panel that moved changes many.
"""

import io
import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page

from tests.browser.conftest import SIZES
from web.guide_pages import FOLDER

PICTURES = FOLDER / "images"
# Taken out of the environment: a variable that is no setting is an error for the program.
RENEW = os.environ.pop("ONEMAP_PICTURES", "") == "renew"
SIZE = SIZES["guide"]
COLUMNS, ROWS = 40, 25
COLOUR_BOUND = 12.0
"""Of 255 in any channel: a cell whose mean colour is further off than this is another one (the bound is the same)."""
SHARE_BOUND = 0.06
"""The most cells that may be others, bound included."""
LARGEST_BYTES, ALL_BYTES = 150_000, 2_000_000
COLOURS = 128
Box = tuple[float, float, float, float]
"""Left, top, right, bottom, in px."""
TRIES, PAUSE_MS = 6, 1500  # tiles and labels come when they come
HOW = "look at it, and renew the pictures with: ONEMAP_PICTURES=renew scripts/test tests/browser"


def cells(image: Image.Image) -> Any:
    """The mean colour of every cell: (ROWS, COLUMNS, 3), 0 to 255."""
    small = image.convert("RGB").resize((COLUMNS, ROWS), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.float64)


def share_of_other_cells(one: Image.Image, other: Image.Image, but: Box | None = None) -> float:
    """The share of cells that differ, 0 to 1; 1 for pictures of another size. What touches the box is left out."""
    if one.size != other.size:
        return 1.0
    differs = np.abs(cells(one) - cells(other)).max(axis=2) > COLOUR_BOUND
    counts = np.ones_like(differs)
    if but is not None:
        wide, high = one.size[0] / COLUMNS, one.size[1] / ROWS
        left, top, right, bottom = but
        rows = slice(max(0, int(top // high)), max(0, math.ceil(bottom / high)))
        counts[rows, max(0, int(left // wide)) : max(0, math.ceil(right / wide))] = False
    return float(differs[counts].mean()) if counts.any() else 0.0


def taken(page: Page) -> Image.Image:
    """The window as it is now, in few colours."""
    image = Image.open(io.BytesIO(page.screenshot()))
    return image.convert("RGB").quantize(COLOURS, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)


def hold_against(page: Page, path: Path, *, moving: str | None = None) -> float:
    """The share of cells of the window that differ from a picture, when the map has had time to be drawn.

    `moving` names the list whose length is not the layout's.
    """
    with Image.open(path) as wanted:
        share = 1.0
        for _ in range(TRIES):
            page.wait_for_timeout(PAUSE_MS)
            box = page.locator(moving).bounding_box() if moving else None
            but = (box["x"], box["y"], box["x"] + box["width"], SIZE[1]) if box else None
            share = share_of_other_cells(taken(page), wanted, but)
            if share <= SHARE_BOUND:
                break
        return share


def picture(page: Page, name: str, *, moving: str | None = None) -> None:
    """Take a picture of the guide anew: it must look as the committed one, or becomes it where they are renewed."""
    path = PICTURES / f"{name}.png"
    page.wait_for_function("() => !document.querySelector('.map-screen[data-drawing]')")
    if RENEW:
        page.wait_for_timeout(2 * PAUSE_MS)
        path.parent.mkdir(exist_ok=True)
        taken(page).save(path, optimize=True)
    assert path.exists(), f"the guide has no picture {path.name}: {HOW}"
    share = hold_against(page, path, moving=moving)
    print(f"{path.name}: {share:.1%} of its cells differ")  # noqa: T201 - shown where a test fails
    if share > SHARE_BOUND:
        seen = Path(tempfile.gettempdir()) / f"onemap-{path.name}"
        taken(page).save(seen)
        raise AssertionError(f"{path.name} shows another layout in {share:.0%} of its cells (now: {seen}); {HOW}")
