"""What lists and figures say in words."""

import pytest

from layers.listing import share_text


@pytest.mark.parametrize(
    ("share", "text"),
    [(1.0, "100.00%"), (0.99999, "99.99%"), (0.99996, "99.99%"), (0.99936, "99.94%"), (0.5, "50.00%"), (0.0, "0.00%")],
)
def test_what_is_not_the_whole_is_never_the_whole(share: float, text: str) -> None:
    assert share_text(share) == text
    assert (text == "100.00%") == (share == 1.0)


def test_every_hundredth_of_a_percent_is_itself() -> None:
    """The oracle: whole hundredths of a percent lose none of themselves to the floating point."""
    for k in range(10_001):
        assert share_text(k / 10_000) == f"{k // 100}.{k % 100:02d}%"
