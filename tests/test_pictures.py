"""The comparison that keeps the pictures of the guide fresh, on both sides of its bound; and their size."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from tests.browser import pictures
from tests.browser.pictures import COLOUR_BOUND, COLUMNS, PICTURES, ROWS, SHARE_BOUND, SIZE, share_of_other_cells

WIDTH, HEIGHT = SIZE
CELLS = COLUMNS * ROWS


def plain(colour: int = 200) -> Image.Image:
    return Image.new("RGB", SIZE, (colour, colour, colour))


def changed(cells: int, by: float) -> Image.Image:
    """A plain picture of which the first cells are darker."""
    pixels = np.full((HEIGHT, WIDTH, 3), 200.0)
    for k in range(cells):
        row, column = divmod(k, COLUMNS)
        high, wide = HEIGHT // ROWS, WIDTH // COLUMNS
        pixels[row * high : (row + 1) * high, column * wide : (column + 1) * wide] -= by
    return Image.fromarray(pixels.astype(np.uint8))


def test_a_cell_at_the_bound_is_the_same_and_one_beyond_is_another() -> None:
    assert share_of_other_cells(plain(), changed(CELLS, COLOUR_BOUND)) == 0.0
    assert share_of_other_cells(plain(), changed(CELLS, COLOUR_BOUND + 1)) == 1.0


def test_the_share_at_the_bound_is_the_same_layout_and_one_cell_more_is_another() -> None:
    most = int(SHARE_BOUND * CELLS)
    assert share_of_other_cells(plain(), changed(most, 90)) == SHARE_BOUND
    assert share_of_other_cells(plain(), changed(most + 1, 90)) > SHARE_BOUND


def test_what_moves_is_left_out_and_a_cell_beside_it_is_not() -> None:
    wide, high = WIDTH / COLUMNS, HEIGHT / ROWS
    row = changed(COLUMNS, 90)  # the first row of cells
    assert share_of_other_cells(plain(), row, (0, 0, WIDTH, high)) == 0.0
    assert share_of_other_cells(plain(), row, (0, 0, WIDTH - wide, high)) == 1 / (CELLS - COLUMNS + 1)
    assert share_of_other_cells(plain(), row, (0, high, WIDTH, 2 * high)) == COLUMNS / (CELLS - COLUMNS)
    assert share_of_other_cells(plain(), row, (0, 0, WIDTH, HEIGHT)) == 0.0


def test_another_size_is_another_layout() -> None:
    assert share_of_other_cells(plain(), plain().resize((WIDTH - 1, HEIGHT))) == 1.0
    assert share_of_other_cells(plain(), plain()) == 0.0


def page_like(text: str, size: int, *, side: int = 320) -> Image.Image:
    """A bar, a panel of lines and a map, as a page has them."""
    image = Image.new("RGB", SIZE, (225, 235, 220))
    draw = ImageDraw.Draw(image)
    draw.rectangle((WIDTH - side, 0, WIDTH, HEIGHT), fill=(255, 255, 255))
    draw.rectangle((0, 0, WIDTH, 48), fill=(18, 50, 79))
    for k in range(20):
        draw.text((WIDTH - side + 12, 60 + 30 * k), text, fill=(22, 34, 46), font=ImageFont.load_default(size))
    return image


def test_other_letters_are_the_same_layout_and_a_wider_panel_is_not() -> None:
    was = page_like("12 min ago, 384 persons", 14)
    assert share_of_other_cells(was, page_like("3 h ago, 1,207 persons in all", 16)) <= SHARE_BOUND
    moved = Image.new("RGB", SIZE)
    moved.paste(was.crop((0, 0, WIDTH, HEIGHT - 200)), (0, 200))
    assert share_of_other_cells(was, moved) > SHARE_BOUND


def test_the_pictures_are_small_and_of_one_size() -> None:
    found = sorted(PICTURES.glob("*.png"))
    assert found
    for path in found:
        with Image.open(path) as image:
            assert image.size == SIZE, path.name
        assert path.stat().st_size <= pictures.LARGEST_BYTES, path.name
    assert sum(path.stat().st_size for path in found) <= pictures.ALL_BYTES


def test_every_picture_is_taken_by_a_test() -> None:
    browser = Path(pictures.__file__).parent
    scripts = "".join(path.read_text(encoding="utf-8") for path in browser.glob("test_*.py"))
    for path in PICTURES.glob("*.png"):
        assert f'"{path.stem}"' in scripts, path.name
