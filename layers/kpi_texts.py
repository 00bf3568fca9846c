"""The rows behind a figure of found, moved, used, in words of the page."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from layers.layer import Lang, Text
from layers.listing import moment_text

_WORDS = {
    "on the map": "有坐标",
    "no place": "没有坐标",
    "given": "已填",
    "missing": "缺",
    "never": "从未",
    "fit": "合格",
    "not fit": "不合格",
    "expired": "已过期",
    "in date": "未过期",
    "neither": "两样都没有",
    "nothing arrived": "一件未到",
    "issued": "有出库",
    "received": "有签收",
    "issued, received": "出库和签收都有",
}
_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"expected (\S+), counted (\S+)"), lambda m: f"账面 {m[1]}, 实点 {m[2]}"),
    (re.compile(r"(\S+) bound of (\S+)"), lambda m: f"占用 {m[1]}, 在库 {m[2]}"),
    (re.compile(r"(\S+) min so far"), lambda m: f"至今 {m[1]} 分钟"),
    (re.compile(r"(\S+) min"), lambda m: f"{m[1]} 分钟"),
    (re.compile(r"(\S+) s, (.+)"), lambda m: f"{m[1]} 秒, {m[2]}"),
)


def proof_text(code: str, detail: str, lang: Lang, *, zone: ZoneInfo, states: Mapping[str, Text]) -> str:
    """Why a row counts or not; moments on the district's clock."""
    if re.fullmatch(r"\d{4}-\d\d-\d\dT.*", detail):
        return moment_text(datetime.fromisoformat(detail), zone)
    if code == "received" and detail in states:
        return states[detail].to(lang)
    if lang == "zh":
        for pattern, words in _PATTERNS:
            if found := pattern.fullmatch(detail):
                return words(found)
        return _WORDS.get(detail, detail)
    return detail
