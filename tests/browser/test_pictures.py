"""A page that looks as its picture is let through in another type, and is not when its layout was changed."""

from collections.abc import Callable

import pytest
from PIL import Image

from tests.browser.conftest import Watched
from tests.browser.pictures import PAUSE_MS, PICTURES, SHARE_BOUND, hold_against, share_of_other_cells, taken

pytestmark = pytest.mark.browser

PLANTED = {
    "the panels have changed sides": "document.querySelector('.workplace').style.direction = 'rtl'",
    "a panel is wider": "document.querySelector('.workplace').style.gridTemplateColumns = '27rem 1fr 23rem'",
    "the layers are gone": "document.getElementById('panel-layers').style.visibility = 'hidden'",
    "all is lower": "document.querySelector('.bar').style.minHeight = '10rem'",
}
UNDONE = """() => {
    for (const node of document.querySelectorAll('.workplace, .bar, #panel-layers')) node.removeAttribute('style');
}"""


def test_another_type_passes_and_a_planted_layout_does_not(watch: Callable[..., Watched]) -> None:
    watched = watch("guide")
    watched.log_in("demo-dispatcher")
    page = watched.page
    committed = PICTURES / "map.png"
    assert hold_against(page, committed) <= SHARE_BOUND
    page.evaluate("document.body.style.fontFamily = 'serif'")
    assert hold_against(page, committed) <= SHARE_BOUND
    with Image.open(committed) as wanted:
        found = {}
        for what, script in PLANTED.items():
            page.evaluate(script)
            page.wait_for_timeout(PAUSE_MS)
            found[what] = share_of_other_cells(taken(page), wanted)
            page.evaluate(UNDONE)
    assert {what: share for what, share in found.items() if share <= SHARE_BOUND} == {}
