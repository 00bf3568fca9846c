"""Refusals of orders and stock, said in Chinese: the sentences themselves are English, like every error's."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

from layers.boards import ACCOUNT_TEXTS, ACTS, MOVES, STATES, STATUSES
from layers.layer import Lang, Text
from layers.listing import moment_text
from web.file_refusals import expected_phrase, file_sentence
from web.input_refusals import input_sentence
from web.phrases import Words, phrases, plain, said


def _word(table: Mapping[str, Text], code: str) -> str:
    found = table.get(code)
    return code if found is None else found.zh


_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")

_LOT, _ORDER, _NUMBER = r"(\S+)", r"\S+", r"([\d.]+)"

_REMEDIES = {
    "count the lot, or import the list again": "请盘点这个批次, 或重新导入清单",
    "cancel the order": "请取消调拨单",
    "reserve again": "请重新预留",
    "take the goods back into the depot": "请把货退库",
    "book anew what should not have been undone": "请重新登记",
    "import the list again": "请重新导入清单",
}

_PAGES: tuple[tuple[str, Words], ...] = (
    (r"the request does not carry the token of this page; .*", plain("这一页已过期, 没有改动任何东西。")),
)

_WHAT_IF: tuple[tuple[str, Words], ...] = (
    (
        r"name='(.*)' is taken by a result of \S+ by .*; .*",
        plain("名称“{0}”已有别的结果; 换一个名称, 或选“替换同名结果”。"),
    ),
    (r"geometry, raster: expected one of the two", plain("地点和水深栅格要填一个, 只能填一个。")),
    (r"geometry: it meets no road; .*", plain("附近没有道路: 地点要在道路 30 m 以内, 线或面要与道路相交。")),
    (r"geometry=.*: outside the district's extent .*", plain("地点不在本区范围内。")),
    (r"to=\S+: expected a moment after .*", plain("结束时间要晚于开始时间。")),
    (r"to=\S+: it is past; .*", plain("结束时间已过, 只能现在或以后结束。")),
    (r"closure (\S+) is over since (\S+)", plain("封闭 {0} 已于 {1} 结束。")),
    (r"there is no closure '(.*)'", plain("没有找到封闭 {0}。")),
    (r"raster: no water of .*", plain("这个栅格里没有 0.15 m 以上的积水, 不影响通行。")),
    (r"\S+ '(.*)' is being run; .*", plain("正在计算“{0}”, 等它算完, 或先停止它。")),
    (r"stopped; nothing of it is kept", plain("已停止, 没有保存任何结果。")),
    (r"the solver found no plan in its time; .*", plain("限时内没有找到方案, 请放宽求解时限。")),
)

_POSITIONS: tuple[tuple[str, Words], ...] = (
    (r"there is no device (.*)", plain("没有登记终端 {0}。")),
    (r"measured_utc=.*: \S+ s in the future; .*", plain("时刻在以后, 手机的时钟不准。")),
    (r"measured_utc=.*: more than (\d+) days ago; .*", plain("时刻在 {0} 天以前, 手机的时钟不准。")),
    (r"measured_utc=.*: another reading of this moment is there", plain("这一刻已有另一个位置。")),
    (r"lon=.*: more than (\S+) degrees from the district", plain("位置离本区超过 {0} 度。")),
)

_READINGS: tuple[tuple[str, Words], ...] = (
    (
        r"lon=(\S+), lat=(\S+): longitude and latitude are swapped",
        plain("经度 {0}、纬度 {1} 填反了; 经度在前, 纬度在后。"),
    ),
    (r"lon=0, lat=0: the device has no fix", plain("经度、纬度都是 0: 终端没有定位。")),
    (r"lon=(\S+), lat=(\S+): no place on the earth", plain("经度 {0}、纬度 {1} 不在地球上。")),
    (r"expected an object, got (.*)", plain("一条读数要写成对象, 收到的是 {0}。")),
    (r"(\S+): not known; a reading has (.*)", plain("读数里没有 {0} 这一项; 可以写 {1}。")),
    (r"quantity=(.*): (\S+) reports (\w+)", plain("终端 {1} 只报 {2}, 不报 {0}。")),
    (r"value: a position has lon and lat only", plain("位置只写经度和纬度, 不写 value。")),
    (r"lon, lat: a reading of (\w+) has a value only", plain("{0} 只写 value, 不写经度和纬度。")),
    (r"value=(\S+): a door is 0 \(shut\) or 1 \(open\)", plain("门的读数 {0} 不对: 0 是关, 1 是开。")),
    (r"value=(\S+): a count has at most three digits .*", plain("计数 {0} 不对: 小数不超过三位。")),
    (
        r"value=(\S+): outside the range of (\S+), (\S+) to (\S+)",
        plain("读数 {0} 超出终端 {1} 的范围 ({2} 到 {3})。"),
    ),
    (
        r"measured_utc.*: expected (?:ISO 8601 with a time zone,|a time) such as (\S+)",
        plain("测量时刻要带时区, 如 {0}。"),
    ),
    (r"(\w+): expected a number, got (.*)", plain("{0} 要填数, 收到的是 {1}。")),
    (r"(\w+)=(\S+): expected a finite number", plain("{0} 要填有限的数, 不能是 {1}。")),
    (r"measured_utc=(.*): the batch has another reading of this moment", plain("这一批里 {0} 有两条读数。")),
)

_SITING: tuple[tuple[str, Words], ...] = (
    (r"add=\S+: expected (\d+) to (\d+)", plain("新增数量应为 {0} 到 {1}。")),
    (r"add, budget: .*", plain("数量和造价总额填一个, 只能填一个; 求覆盖全部的最少点数时都不填。")),
    (r"keep_teams: with a budget .*", plain("按造价总额选点时现有队伍不迁移, 请改填数量。")),
    (
        r"budget: some candidates have no cost; .*",
        plain("按造价总额选点时, 每个备选点都要在表里写造价。"),
    ),
    (r"candidates: name some of .*", plain("至少选一类备选点, 或上传备选点表。")),
    (r"candidates: there is none with a place .*", plain("选的备选点都没有位置。")),
    (
        r"candidates: (\d+) of them; expected at most (\d+): .*",
        plain("备选点有 {0} 个, 最多 {1} 个: 加大间距或少选几类。"),
    ),
    (r"spacing_m: a grid needs its spacing, .*", plain("选了道路上的网格点, 就要填网格间距。")),
    (r"needs: give either .*", plain("填受灾或转移比例, 或上传各村需求, 二者取一。")),
    (
        r"needs: (\S+), (\S+): expected a village .*",
        plain("需求表里的 {0}、{1}: 写本区的村编号和所选的物资编号。"),
    ),
    (r"needs: village (\S+) has needs and no persons", plain("村(社区) {0} 有需求但没有人口。")),
    (r"there are no relief standards; .*", plain("本区还没有导入救助标准; 请上传各村需求。")),
    (r"items: there is no relief standard for (.*); .*", plain("{0} 没有救助标准; 请上传各村需求。")),
    (r"items: there is no item '(.*)' in the catalogue", plain("物资目录里没有 {0}。")),
    (r"items: \d+ of them; expected 1 to (\d+), each once", plain("物资要 1 到 {0} 种, 每种一行。")),
    (r"\w+=(\S+): expected yuan, .*", plain("金额 {0}: 不小于 0, 最多两位小数。")),
    (r"depots: there is none in the district; .*", plain("本区还没有仓库, 请先导入。")),
)

_SAID: tuple[tuple[str, Words], ...] = (
    *_PAGES,
    *_WHAT_IF,
    *_POSITIONS,
    *_READINGS,
    *_SITING,
    (
        rf"(\w+) {_ORDER}: the order is (\w+); expected .*",
        lambda m: f"这张单现在是“{_word(STATES, m[2])}”, 不能再{_word(ACTS, m[1])}。",
    ),
    (
        rf"(\w+) {_ORDER}: nothing of it is reserved; .*",
        lambda m: f"这张需求单没有待下单的预留, 不能{_word(ACTS, m[1])}。",
    ),
    (rf"\w+ {_ORDER}: the reservation ended at .*", plain("预留已经到期释放, 请重新排方案预留。")),
    (
        rf"place {_ORDER}: (lot .*); cancel (.*), then reserve other lots for the request",
        lambda m: f"没有下单: {_shortages(m[1])}。先取消 {m[2]}, 再在这张需求单上另排方案预留。",
    ),
    (
        rf"(\w+) {_ORDER}: said to have happened at \S+, but (\w+) was at (\S+); .*",
        lambda m: f"“{_word(ACTS, m[1])}”的时间早于“{_word(ACTS, m[2])}” ({m[3]}), 请检查时间。",
    ),
    (r"movement (\S+) is reversed already", plain("这一笔已经冲销过了。")),
    (
        r"movement \S+ \((\w+)\)[^;]* is not reversed by hand; (.*)",
        lambda m: f"“{_word(MOVES, m[1])}”不能手工冲销; {_REMEDIES.get(m[2], m[2])}。",
    ),
    (r"movement \S+ is of order (\S+); .*", plain("这一笔属于调拨单 {0}, 请在那张单上冲销。")),
    (
        rf"movement \S+: lot {_LOT} was counted at (\S+), after it; .*",
        lambda m: f"批次 {m[1]} 在这一笔之后盘点过 ({m[2]}), 以盘点为准; 盘点有误请重新盘点。",
    ),
    (r"nothing was reserved; (.*)", lambda m: f"没有预留: {_shortages(m[1])}。别人可能先用了, 请重新排方案。"),
    (
        rf"receive {_ORDER}: {_NUMBER} of lot {_LOT}, only {_NUMBER} of it are on their way",
        plain("批次 {1}: 签收 {0}, 但在途只有 {2}。"),
    ),
    (
        rf"use {_ORDER}: {_NUMBER} of lot {_LOT}, only {_NUMBER} are at the place",
        plain("批次 {1}: 使用 {0}, 但现场只有 {2}。"),
    ),
    (
        rf"order {_ORDER}: {_NUMBER} of lot {_LOT} are to come back, only {_NUMBER} of it are out",
        plain("批次 {1}: 退回 {0}, 但在外只有 {2}。"),
    ),
    (
        rf"lot {_LOT}: {_NUMBER} of it are reserved for order {_ORDER}, {_NUMBER} are picked; .*",
        plain("批次 {0}: 本单预留 {1}, 出库 {2}; 换批次要写原因。"),
    ),
    (
        rf"issue {_ORDER}: {_NUMBER} of lot {_LOT} are not picked; .*",
        plain("批次 {1} 少发 {0}, 要写少发原因。"),
    ),
    (
        rf"issue {_ORDER}: more of (\S+) is picked than the {_NUMBER} ordered",
        plain("{0} 出库比下单的 {1} 多。"),
    ),
    (
        rf"issue {_ORDER}: lot {_LOT}: it is (\w+); .*",
        lambda m: f"批次 {m[1]} 现在是“{_word(STATUSES, m[2])}”, 不能出库; 换别的批次并写原因。",
    ),
    (rf"issue {_ORDER}: lot {_LOT}: it expired on (\S+); .*", plain("批次 {0} 已于 {1} 过期, 换别的批次并写原因。")),
    (rf"issue {_ORDER}: nothing is picked; .*", plain("没有填出库数量; 不发就取消这张单。")),
    (
        rf"lot {_LOT}: lot {_LOT} expires earlier, on ([\d-]+); .*",
        plain("批次 {1} 更早到期 ({2}), 应先用它; 要用 {0} 请写原因。"),
    ),
    (
        rf"settle {_ORDER}: .* are left; .*",
        plain("还有没有去处的物资, 先登记使用、退库或缺失, 再结清。"),
    ),
    (
        rf"lot {_LOT}: {_NUMBER} asked from (\w+)[^,]*, only {_NUMBER} .*",
        plain("批次 {0}: 要 {1}, 只有 {3}。"),
    ),
    (
        rf"lot {_LOT}: \w+=(\S+): expected (more than 0|0 or more), .*",
        lambda m: f"批次 {m[1]}: 数量 {m[2]} 不对, 要{'大于 0' if m[3] == 'more than 0' else '填 0 以上'}。",
    ),
    (
        rf"(lot|item) (.*): \w+={_NUMBER}: the unit (\S+) has no parts; .*",
        lambda m: (
            f"{'批次' if m[1] == 'lot' else '物资'} {m[2]}: 数量 {m[3]} 不对, “{m[4]}”不能拆开; "
            "请填整数, 按包装填时折算后要是整数。"
        ),
    ),
    (rf"lot {_LOT}: every quantity is 0; .*", plain("批次 {0}: 数量都是 0, 这一行不用填。")),
    (
        rf"(\S+): {_NUMBER} to be reserved, only {_NUMBER} are asked for",
        plain("{0}: 要预留 {1}, 但只缺 {2}; 别人可能先预留了, 请刷新页面。"),
    ),
    (rf"lot {_LOT} is (\w+) already", lambda m: f"批次 {m[1]} 已经是“{_word(STATUSES, m[2])}”。"),
    (
        rf"lot {_LOT}: no lot of the same goods is left to be (\w+); .*",
        lambda m: f"批次 {m[1]}: 各仓库里的同一批货没有可改为“{_word(STATUSES, m[2])}”的了。",
    ),
    (
        rf"lot {_LOT} is there: .*",
        plain("批次 {0} 已有, 但状态或有效期不一样; 请换一个批号。"),
    ),
    (r"expires_on=(\S+): the goods have expired; .*", plain("有效期 {0} 已过; 状态改为“过期”再入库, 或退回。")),
    (
        rf"lot {_LOT}: counted {_NUMBER}, but {_NUMBER} are reserved and {_NUMBER} on hold; .*",
        plain("批次 {0}: 实点 {1}, 少于预留 {2} 加冻结 {3}; 先取消预留或解冻, 再登记盘点。"),
    ),
    (
        rf"lot {_LOT} was counted at (\S+), after (\S+); .*",
        lambda m: f"批次 {m[1]} 在 {m[3]} 之后盘点过 ({m[2]}), 以盘点为准; 把时间写在盘点之后并重新盘点。",
    ),
    (rf"lot {_LOT} is there twice; .*", plain("批次 {0} 写了两次; 每个批次只写一行。")),
    (r"item (\S+) is asked for twice; .*", plain("物资 {0} 写了两次; 请把数量加在一起。")),
    (
        rf"lot {_LOT}: counted {_NUMBER}, expected {_NUMBER}; a difference needs a reason",
        plain("批次 {0}: 实点 {1}, 账面 {2}; 有差异要写原因。"),
    ),
    (r"(?:\w+ \S+: )?lines is empty; .*", plain("一行也没有填; 至少填一个批次。")),
    (r"reason is empty; .*", plain("原因没有填。")),
    (r"checker is empty; .*", plain("复核人没有填: 盘点要两个人, 一人点数, 一人复核。")),
    (r"checker=.*", plain("复核人不能是盘点人本人。")),
    (r"occurred_utc=.* lies after the time of recording.*", plain("实际发生时间晚于现在, 请检查。")),
    (
        rf"lot {_LOT}: what is said to have happened at \S+ would have left (\S+) in (\w+).* at (\S+); .*",
        lambda m: f"按这个时间补登, 批次 {m[1]} 的“{_word(ACCOUNT_TEXTS, m[3])}”在 {m[4]} 会变成 {m[2]}, 没有登记。",
    ),
    (r"no depot can give any of it now; .*", plain("现在没有仓库能给; 请向上级请求, 草稿在需求单上。")),
    (r"request \S+: nothing of it is outstanding.*", plain("这张需求单已经没有缺口。")),
    (r"request \S+: its papers were completed at .*", plain("手续已经补齐了。")),
    (r"evacuated=\d+: more than affected=\d+; .*", plain("转移人数比受灾人数多; 受灾人数包含转移人数。")),
    (r"Idempotency-Key=.*used for another request.*", plain("这张表单已经提交过; 请刷新页面后再填。")),
    (
        rf"lot {_LOT} is (\w+) by now, not (\w+); .*",
        lambda m: (
            f"批次 {m[1]} 现在是“{_word(STATUSES, m[2])}”, 不是表上的“{_word(STATUSES, m[3])}”; 请重新下载, 看过再改。"
        ),
    ),
    (r"account=(.*): expected 2 to 40 .*", plain("账号 {0}: 要 2 到 40 个字母、数字、点、横线或下划线。")),
    (r"account=(\S+): the name is used by the program itself; .*", plain("账号 {0} 由系统自己使用, 请换一个。")),
    (r"there is an account '(.*)' already; .*", plain("账号 {0} 已有, 请换一个。")),
    (r"role=keeper: a keeper is bound to .*", plain("仓库管理员要选一座仓库或一个街道。")),
    (r"role=\w+: a street or a depot belongs to a keeper only; .*", plain("仓库或街道只给仓库管理员, 请留空。")),
    (r"account=(\S+): it is the last administrator; .*", plain("{0} 是最后一个管理员; 先再加一个。")),
    (r"account=(\S+): it is \w+ already", plain("{0} 已经是这个角色和范围。")),
    (r"account=(\S+): the password of a demo account .*", plain("{0} 是演示账号, 密码不改。")),
    (r"there is no account '(.*)'; .*", plain("没有账号 {0}。")),
    (
        r"deadline=(\S+): expected a time after now, (\S+)",
        plain("要求送达时间 {0} 已过 (现在 {1}); 写现在以后的时间。"),
    ),
    (r"days=(.*): expected 1 to (\d+)", plain("有效天数 {0}: 写 1 到 {1} 的整数。")),
    (r"name: expected at most (\d+) characters.*", plain("姓名或岗位不超过 {0} 字, 不含控制字符。")),
    (r"time=.*: expected a time between .*", plain("时间看不懂, 写成 2026-07-01 08:30。")),
    (r"scope: is empty; .*", plain("至少选一项权限。")),
    (r"device=(.*): there is no such device; .*", plain("没有终端 {0}; 先在“表格进出”里登记。")),
    (r"token=(\S+): it was revoked at .*", plain("令牌 {0} 已经吊销。")),
    (r"there is no (?:request|order|lot|depot|movement|vehicle) .*", plain("没有找到这张单、这个批次或这辆车。")),
)
"""What an error says, as a pattern, and the same in Chinese; the first that fits counts."""

_PHRASES = phrases(_SAID)


def _shortages(text: str) -> str:
    """The lots that could not be reserved, and why."""
    parts = []
    for part in text.split("; "):
        if found := re.fullmatch(rf"lot {_LOT}: {_NUMBER} asked, {_NUMBER} available", part):
            parts.append(f"批次 {found[1]} 要 {found[2]}, 只剩 {found[3]}")
        elif found := re.fullmatch(rf"lot {_LOT}(?: of order {_ORDER})?: it is (\w+)", part):
            parts.append(f"批次 {found[1]} 是“{_word(STATUSES, found[2])}”")
        elif found := re.fullmatch(rf"lot {_LOT}(?: of order {_ORDER})?: it expired on (\S+)", part):
            parts.append(f"批次 {found[1]} 已于 {found[2]} 过期")
        else:
            parts.append(part)
    return "; ".join(parts)


def faults(rows: Sequence[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """Faults by row, with what was expected in the language of the page."""
    return [{**row, "expected": expected_phrase(row["expected"]) if lang == "zh" else row["expected"]} for row in rows]


def sentence(detail: str, lang: Lang, zone: ZoneInfo) -> str:
    """The sentence of an error in the language of the page, times by the district's clock.

    One that is not known stays as it is.
    """
    known = said(_PHRASES, detail) or file_sentence(detail) or input_sentence(detail) if lang == "zh" else None
    told = known or detail
    return _MOMENT.sub(lambda found: moment_text(found[0], zone, seconds=True), told)
