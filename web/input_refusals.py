"""Refusals of what an address or a request asks, said in Chinese: by the forms that their sentences share."""

import re

from web.phrases import Words, phrases, plain, said

_NUMBER = r"-?[\d.,]+(?:e[+-]?\d+)?"

_UNITS = {"minutes": "分钟", "m": "米", "metres": "米", "km": "公里", "seconds": "秒", "days": "天", "hours": "小时"}


def _span(found: re.Match[str]) -> str:
    whole, low, high, unit = found.groups()
    named = _UNITS.get(unit or "", unit or "")
    return f"{low} 到 {high}{' 的整数' if whole else ''}{f' {named}' if named else ''}"


_EXPECTED: tuple[tuple[str, Words], ...] = (
    (r"one of (.*)", plain("{0} 之一")),
    (rf"(a whole number from )?({_NUMBER}) to (?:below )?({_NUMBER})(?: (\w+))?", _span),
    (rf"a year from ({_NUMBER}) to ({_NUMBER})", plain("{0} 到 {1} 年之间")),
    (rf"({_NUMBER}) or more", plain("{0} 或更大的数")),
    (rf"({_NUMBER}) or less", plain("{0} 或更小的数")),
    (rf"more than ({_NUMBER})", plain("大于 {0} 的数")),
    (r"a quantity above 0", plain("大于 0 的数量")),
    (r"(\w+), 0 or more", lambda m: f"不小于 0 的{_UNITS.get(m[1], m[1])}数"),
    (r"LON,LAT in degrees, such as (\S+)", plain("以度计的经度,纬度, 如 {0}")),
    (
        r"longitude(?: and |,)latitude in degrees(; they look swapped)?",
        lambda m: f"以度计的经度,纬度{'; 两个数像是写反了' if m[1] else ''}",
    ),
    (
        r"(?i:min_lon, ?min_lat, ?max_lon, ?max_lat)(?: in degrees)? with min < max",
        plain("以度计的最小经度,最小纬度,最大经度,最大纬度, 小的在前"),
    ),
    (r"(?:a time|ISO 8601) such as (.*)", plain("时间, 如 {0}")),
    (r"a date such as (.*)", plain("日期, 如 {0}")),
    (r"a moment after the beginning, .*", plain("晚于开始的时间")),
    (r"a moment of the last (\d+) days", plain("最近 {0} 天内的时间")),
    (r"a view as the map writes it into its links", plain("地图写进链接里的视图")),
    (r"a layer of the view", plain("视图里的图层")),
    (r"each layer once", plain("每个图层只写一次")),
    (r"two layers, or another moment \(at\)", plain("两个图层, 或另一个时刻")),
    (r"GeoJSON with longitudes and latitudes in degrees", plain("以度计经纬度的 GeoJSON")),
    (r"at most (\d+), save the view under a name", plain("最多 {0} 字, 请存为视图")),
    (r"at most (\d+) characters", plain("最多 {0} 字")),
    (r"at least (\d+) entries", plain("至少 {0} 项")),
    (r"at most (\d+) entries", plain("最多 {0} 项")),
    (r"at most (\d+)", plain("最多 {0}")),
    (r"(\d+) to (\d+) characters", plain("{0} 到 {1} 字")),
    (r"text that is not empty", plain("不空的文字")),
    (r"text without control characters", plain("不含控制字符的文字")),
    (r"Point, LineString or Polygon", plain("Point、LineString 或 Polygon")),
    (r"(A\d) or (A\d)", plain("{0} 或 {1}")),
    (r"once", plain("只写一次")),
)
"""What was expected, without "expected"."""

_NOUNS = {
    "text": "文字",
    "a number": "数",
    "a whole number": "整数",
    "true or false": "是或否 (true、false)",
    "a list": "列表",
    "an object": "一组字段",
    "nothing": "空",
}

_FIELD = r"([^\s=:]+)"

_WHOLE: tuple[tuple[str, Words], ...] = (
    (r"there is no layer '(.*)'; the layers are: (.*)", plain("没有图层“{0}”, 或此账号不能看; 有: {1}。")),
    (r"there is no view '(.*)'; .*", plain("没有视图“{0}”; 可能已被删除。")),
    (r".* keeps (\d+) views, at most (\d+) are kept; .*", plain("已存 {0} 个视图, 最多 {1} 个; 先删除一个。")),
    (r"the view has (\d+) characters, at most (\d+) .*", plain("视图有 {0} 字, 最多存 {1} 字; 请减少标绘。")),
    (r"name=(.*): \S+ has a view of this name; .*", plain("已有名为“{0}”的视图; 换一个名称, 或改那个视图。")),
    (r"the view '(.*)' is (\S+)'s; .*", plain("视图“{0}”是 {1} 的; 打开后用自己的名称另存。")),
    (
        rf"{_FIELD}=(\S+): (\S+) has no such field; (?:its tiles hold|the fields are) (.*)",
        plain("{0}: 图层 {2} 没有此账号可用的字段“{1}”; 有: {3}。"),
    ),
    (rf"{_FIELD}=(\S+): a field of type \S+ cannot be filtered", plain("{0}: 字段“{1}”不能筛选。")),
    (rf"{_FIELD}=(\S+): a field of type \S+ gives no classes", plain("{0}: 字段“{1}”不能分级。")),
    (rf"{_FIELD}: (\S+) is filtered by (.*)", plain("{0}: 字段“{1}”只能按 {2} 筛选。")),
    (rf"{_FIELD}: from=(.*) is above to=(.*); .*", plain("{0}: 下限 {1} 大于上限 {2}, 什么也选不到。")),
    (rf"{_FIELD}=(.*): (\S+) is one of (.*) or empty", plain("{0}={1} 不对: {2} 应为 {3} 之一或空。")),
    (rf"{_FIELD}=(.*): (\S+) is classed by (.*)", plain("{0}={1} 不对: {2} 可按 {3} 分级。")),
    (r"layers: a view without layers .*", plain("没有打开的图层, 没有可打印的; 先打开一个图层。")),
    (r"bounds=.*: lies outside .*", plain("打印范围超出本区坐标系; 请把地图移近本区。")),
    (
        rf"{_FIELD}=(\S+): outside the district's extent \((.*) to (.*)\)(; they look swapped)?",
        lambda m: f"地点 {m[2]} 不在本区范围内 ({m[3]} 至 {m[4]}){'; 经度和纬度像是写反了' if m[5] else ''}。",
    ),
    (rf"{_FIELD}=(\S+): the district is empty; .*", plain("本区还没有数据; 请先导入区界、道路或村(社区)。")),
    (r"minutes=(\S+): the area is drawn up to (\S+) minutes", plain("{0} 分钟太大; 范围最多画到 {1} 分钟。")),
    (r"radius_m, minutes: .*", plain("半径和分钟填一个, 只能填一个。")),
    (r"factor=1: .*", plain("限行后的车速要低于 100%; 0 为全封。")),
    (r"need=([^=]+)=\S+: there is no such item .*", plain("物资目录里没有 {0}。")),
    (r"to_depot=(.*): there is no such depot", plain("没有仓库 {0}。")),
    (r"scheme '(\S+)' has not been run yet; .*", plain("方案 {0} 还没有运行过; 请先运行。")),
    (r"lon=\S+, lat=\S+ lies in no unit .*", plain("这个地点不在任何区划单元内。")),
    (rf"{_FIELD}=(\d*): the rows of (\S+) have no id", plain("图层 {2} 的数据没有编号, 不能按编号查。")),
    (rf"{_FIELD}: is needed(?:, such as (.*))?", lambda m: f"缺少 {m[1]}{f', 如 {m[2]}' if m[2] else ''}。"),
    (rf"{_FIELD}: is missing", plain("缺少 {0}。")),
    (rf"{_FIELD}: is empty; .*", plain("{0} 是空的; 不用就去掉, 要用就填上。")),
    (rf"{_FIELD}: \S+ has no such parameter; the parameters are: (.*)", plain("不认识参数 {0}; 可用的有 {1}。")),
    (rf"{_FIELD} is not known; expected (.*)", plain("不认识 {0}; 可用的有 {1}。")),
)
"""Sentences that have a form of their own."""

_GIVEN: tuple[tuple[str, Words], ...] = (
    (r": given (\d+) times", plain(" 写了 {0} 次")),
    (r": (\d+) characters", plain(" 有 {0} 字")),
    (r": (\d+) vertices", plain(" 有 {0} 个拐点")),
    (r"(=.*): is there twice", plain("{0} 写了两次")),
)
"""What stands between the field and what was expected, where it is no value alone."""

_KNOWN, _EXPECTED_KNOWN, _GIVEN_KNOWN = phrases(_WHOLE), phrases(_EXPECTED), phrases(_GIVEN)


def _expected(text: str) -> str | None:
    if text in _NOUNS:
        return _NOUNS[text]
    nouns = text.split(" or ")
    if all(noun in _NOUNS for noun in nouns):
        return "或".join(_NOUNS[noun] for noun in nouns)
    return said(_EXPECTED_KNOWN, text)


def input_sentence(detail: str) -> str | None:
    """What is wrong with what was asked, in Chinese; None for a sentence that is of none of the known forms."""
    known = said(_KNOWN, detail)
    if known is not None:
        return known
    found = re.fullmatch(rf"{_FIELD}(.*?)[:;] expected (.*)", detail, re.S)
    expected = found and _expected(found[3])
    if not found or not expected:
        return None
    value = said(_GIVEN_KNOWN, found[2]) or found[2]
    return f"{found[1]}{value}: 应为{' ' if expected[0].isascii() else ''}{expected}。"
