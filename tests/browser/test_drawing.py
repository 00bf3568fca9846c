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


# Whether what is shown is what the map drew, to the pixel and in its place; false where there is nothing.
SAME = """() => {
    const drawn = document.querySelector('.maplibregl-canvas');
    const shown = document.querySelector('.map-screen');
    const paper = new OffscreenCanvas(drawn.width, drawn.height).getContext('2d', { alpha: false });
    paper.drawImage(drawn, 0, 0);
    const pixels = (of) => new Uint32Array(of.getImageData(0, 0, drawn.width, drawn.height).data.buffer);
    const [a, b] = [pixels(paper), pixels(shown.getContext('2d'))];
    const moved = new DOMMatrix(getComputedStyle(shown).transform);
    if (new Set(a).size < 10 || drawn.width !== shown.width || drawn.height !== shown.height) return false;
    return a.every((pixel, k) => pixel === b[k]) && Math.hypot(moved.e, moved.f) < 0.01 && Math.abs(moved.a - 1) < 1e-6;
}"""
# Where picture and mark stand in every picture of the page, while the map is dragged from its middle.
DRAG = """async ([right, down]) => {
    const canvas = document.querySelector('.maplibregl-canvas');
    const { left, top, width, height } = canvas.getBoundingClientRect();
    const [x, y] = [left + width / 2, top + height / 2];
    const send = (node, type, k) => node.dispatchEvent(new MouseEvent(type, {
        clientX: x + right * k, clientY: y + down * k, bubbles: true, button: 0, buttons: type === 'mouseup' ? 0 : 1,
    }));
    const found = [];
    const picture = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => {
        const { e, f } = new DOMMatrix(getComputedStyle(document.querySelector('.map-screen')).transform);
        const mark = document.querySelector('.maplibregl-marker').getBoundingClientRect();
        found.push([e, f, mark.left, mark.top]);
        resolve();
    })));
    send(canvas, 'mousedown', 0);
    for (let k = 1; k <= 10; k += 1) {
        send(document, 'mousemove', k / 10);
        for (let j = 0; j < 5; j += 1) await picture();
    }
    await new Promise((resolve) => setTimeout(resolve, 300)); // no swing
    send(document, 'mousemove', 1);
    send(document, 'mouseup', 1);
    return found;
}"""


def test_the_page_shows_what_the_map_drew_and_moves_it_with_the_hand(watch: Callable[..., Watched]) -> None:
    watched = watch()
    page = watched.page
    page.add_init_script(COUNT)
    watched.open("/")
    page.evaluate(REST)
    page.wait_for_function(SAME)
    before = page.screenshot()
    page.evaluate(CLICK)
    page.evaluate(REST)
    start = page.locator(".maplibregl-marker").bounding_box()
    assert start is not None

    pictures = page.evaluate(DRAG, [-160, 90])
    page.evaluate(REST)
    end = page.locator(".maplibregl-marker").bounding_box()
    assert end is not None
    assert (end["x"] - start["x"], end["y"] - start["y"]) == pytest.approx((-160, 90), abs=2)
    moved = [(e, f, x, y) for e, f, x, y in pictures if (e, f) != (0, 0)]
    assert moved  # the picture of before went with the hand
    for e, f, x, y in moved:  # on its way, and never farther than the mark
        assert -1 <= -e <= start["x"] - x + 1
        assert -1 <= f <= y - start["y"] + 1
    page.wait_for_function(SAME)
    assert page.screenshot() != before

    for name in ("放大", "缩小"):
        page.get_by_role("button", name=name).click()
        page.evaluate(REST)
        page.wait_for_function(SAME)
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"] - 200, "height": size["height"] - 100})
    page.evaluate(REST)
    page.wait_for_function(SAME)


@pytest.mark.parametrize("ratio", [1, 2])
def test_no_more_pixels_than_the_page_has(ratio: int, watch: Callable[..., Watched]) -> None:
    """A dense screen has four times as many; the processor draws them one by one."""
    watched = watch(dense=ratio)
    watched.open("/")
    page = watched.page
    assert page.evaluate("devicePixelRatio") == ratio
    wide, told = page.eval_on_selector(".maplibregl-canvas", "({ width, clientWidth }) => [width, clientWidth]")
    assert wide == told
