"""The rows behind a figure are said in the language of the page."""

from zoneinfo import ZoneInfo

import pytest

from layers.boards import STATES
from layers.kpi_texts import proof_text
from layers.layer import Lang

ZONE = ZoneInfo("Asia/Shanghai")


@pytest.mark.parametrize(
    ("code", "detail", "zh", "en"),
    [
        ("geocoded", "no place", "没有坐标", "no place"),
        ("fresh", "2026-07-01T02:00:00+00:00", "2026-07-01 10:00", "2026-07-01 10:00"),
        ("fresh", "never", "从未", "never"),
        ("count_match", "expected 10, counted 9.5", "账面 10, 实点 9.5", "expected 10, counted 9.5"),
        ("over_allocated", "3 bound of 2", "占用 3, 在库 2", "3 bound of 2"),
        ("issued_in_time", "31.0 min so far", "至今 31.0 分钟", "31.0 min so far"),
        ("issued_in_time", "29.9 min", "29.9 分钟", "29.9 min"),
        ("plan_p95", "0.120 s, 李", "0.120 秒, 李", "0.120 s, 李"),
        ("received", "in_transit", "在途", "in transit"),
        ("received", "received", "已签收", "received"),
        ("traced", "received", "有签收", "received"),
        ("difference", "5 %", "5 %", "5 %"),
    ],
)
def test_details(code: str, detail: str, zh: str, en: str) -> None:
    said: dict[Lang, str] = {"zh": zh, "en": en}
    for lang, words in said.items():
        assert proof_text(code, detail, lang, zone=ZONE, states=STATES) == words
