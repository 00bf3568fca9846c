"""What the map costs where the processor draws it: it never stands between a hand and its answer."""

from collections.abc import Callable

import pytest

from tests.browser.conftest import Watched

pytestmark = pytest.mark.browser

# How often the map was drawn: every frame begins by clearing the picture.
COUNT = """
    window.drawn = 0;
    const clear = WebGL2RenderingContext.prototype.clear;
    WebGL2RenderingContext.prototype.clear = function (mask) {
        if (mask & this.COLOR_BUFFER_BIT) window.drawn += 1;
        return clear.call(this, mask);
    };
"""
# Frames of the map until nothing has moved for half a second.
REST = """async () => {
    for (let before = -1; before !== window.drawn;) {
        before = window.drawn;
        await new Promise((resolve) => setTimeout(resolve, 500));
    }
}"""
CLICK = """async () => {
    const canvas = document.querySelector('.maplibregl-canvas');
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const where = { clientX: left + width / 2, clientY: top + height / 2, bubbles: true, button: 0 };
    const before = window.drawn;
    for (const type of ['mousedown', 'mouseup', 'click']) canvas.dispatchEvent(new MouseEvent(type, where));
    const painted = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
    const seen = () => [document.querySelectorAll('.maplibregl-marker').length, window.drawn - before];
    const found = [seen()];
    await painted();
    found.push(seen());
    return found;
}"""


def test_a_click_is_answered_before_the_map_is_drawn_anew(watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.add_init_script(COUNT)
    watched.open("/")
    page.evaluate(REST)
    before = page.evaluate("window.drawn")
    assert before > 0
    at_once, painted = page.evaluate(CLICK)
    assert at_once == painted == [1, 0]  # the mark of the place stands, and no frame of the map was in its way
    page.wait_for_function("before => window.drawn > before", arg=before)  # and then it is drawn
    assert page.evaluate("document.querySelectorAll('.maplibregl-marker').length") == 1


@pytest.mark.parametrize("ratio", [1, 2])
def test_no_more_pixels_than_the_page_has(ratio: int, watch: Callable[..., Watched]) -> None:
    """A dense screen has four times as many; the processor draws them one by one."""
    watched = watch(dense=ratio)
    watched.open("/")
    page = watched.page
    assert page.evaluate("devicePixelRatio") == ratio
    wide, told = page.eval_on_selector(".maplibregl-canvas", "({ width, clientWidth }) => [width, clientWidth]")
    assert wide == told
