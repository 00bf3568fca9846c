"""The boards of supplies: every list declared once, with its rows, for the page and the spreadsheet."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from data.kinds import DEPOT_LEVELS, LOT_STATUSES, ORDER_STATES, Choice
from layers import analyses
from layers.analyses import dispatch
from layers.catalogue import ALARMS
from layers.district import District
from layers.kpi_texts import proof_text
from layers.layer import Lang, Text
from layers.listing import Column, Listing, moment_text
from layers.permissions import ROLE_TEXTS


def _texts(choices: Sequence[Choice]) -> dict[str, Text]:
    return {choice.code: Text(choice.zh, choice.en) for choice in choices}


STATES = _texts(ORDER_STATES)
STATUSES = _texts(LOT_STATUSES)
LEVELS = _texts(DEPOT_LEVELS)

ACTS: dict[str, Text] = {
    "reserve": Text("预留", "reserve"),
    "renew": Text("续留 30 分钟", "renew for 30 min"),
    "place": Text("下单", "order"),
    "cancel": Text("取消", "cancel"),
    "expire": Text("预留到期释放", "reservation ran out"),
    "issue": Text("出库", "issue"),
    "depart": Text("发车", "send off"),
    "eta": Text("更新到达时间", "new time of arrival"),
    "lose": Text("报失联", "report lost"),
    "find": Text("恢复联系", "found again"),
    "receive": Text("签收", "receive"),
    "use": Text("登记使用", "note use"),
    "send_back": Text("返程", "send back"),
    "take_back": Text("退库", "take back"),
    "reverse": Text("冲销", "reverse"),
    "settle": Text("结清", "settle"),
    "papers": Text("补办手续", "complete the papers"),
    "request": Text("提出需求", "request made"),
    "count": Text("盘点", "count"),
    "status": Text("改状态", "change of state"),
}
"""What happens to an order, a request or a lot."""

MOVES: dict[str, Text] = {
    "opening": Text("期初", "opening balance"),
    "count_difference": Text("盘点差异", "count difference"),
    "reserve": Text("预留", "reserved"),
    "release": Text("释放预留", "released"),
    "hold": Text("冻结", "put on hold"),
    "unhold": Text("解冻", "hold lifted"),
    "receipt": Text("入库", "goods in"),
    "issue": Text("出库", "issued"),
    "delivery": Text("签收", "delivered"),
    "use": Text("使用", "used"),
    "return": Text("退回", "sent back"),
    "restock": Text("退库入账", "taken back"),
    "write_off": Text("报废", "written off"),
    "reversal": Text("冲销", "reversed"),
}

ACCOUNT_TEXTS: dict[str, Text] = {
    "opening": Text("期初", "opening"),
    "supplier": Text("供应商", "supplier"),
    "depot": Text("库内可用", "free in the depot"),
    "reserved": Text("已预留", "reserved"),
    "hold": Text("冻结", "on hold"),
    "in_transit": Text("在途", "in transit"),
    "incident": Text("现场", "at the place"),
    "consumed": Text("已使用", "used"),
    "returned": Text("退回途中", "on its way back"),
    "written_off": Text("已报废", "written off"),
    "count_difference": Text("盘点差异", "count difference"),
}

LINE_STATES: dict[str, Text] = {
    "minimum": Text("低于下限", "below minimum"),
    "red": Text("红线以下", "below the red line"),
    "yellow": Text("黄线以下", "below the yellow line"),
    "ok": Text("正常", "enough"),
}
MODES: dict[str, Text] = {
    "goods": Text("实物", "goods"),
    "contract": Text("协议储备", "contract stock"),
    "production": Text("产能储备", "production capacity"),
}
NEXT: dict[str, Text] = {
    "place": Text("待下单", "to be ordered"),
    "issue": Text("待出库", "to be issued"),
    "depart": Text("待发车", "to be sent off"),
    "receive": Text("待签收", "to be received"),
    "find": Text("待查找", "to be found"),
    "use": Text("登记使用或退回", "note use or return"),
    "settle": Text("可结清", "may be settled"),
}
OPERATIONS: dict[str, Text] = {
    "insert": Text("新增", "entered"),
    "update": Text("更改", "changed"),
    "delete": Text("解除", "lifted"),
}

EXPIRY_CLASSES: dict[str, Text] = {
    "-1": Text("已过期", "expired"),
    **{str(days): Text(f"{days} 天内", f"within {days} d") for days in (15, 30, 90, 180)},
}

_ORDER = Column("number", Text("调拨单", "Order"), link="/supplies/orders/{id}", main=True)
_REQUEST = Column("number", Text("需求单", "Request"), link="/supplies/requests/{id}", main=True)
_DEPOT = Column("depot_name", Text("仓库", "Depot"), link="/supplies/depots/{depot_id}")
_ITEM = Column("item_name", Text("物资", "Item"))
_CODE = Column("item_id", Text("编码", "Code"))
_UNIT = Column("unit", Text("单位", "Unit"))
_LOT = Column("lot", Text("批号", "Lot"), link="/supplies/lots?lot={lot_id}")
_ACTOR = Column("actor", Text("经办", "By"))
_REASON = Column("reason", Text("原因", "Reason"))
_RECORDED = Column("recorded_utc", Text("登记时间", "Recorded"), "moment")
_OCCURRED = Column("occurred_utc", Text("发生时间", "Happened"), "moment")
_PLACE = Column("place", Text("送达地点", "Place"))
_EXPIRES = Column("expires_on", Text("有效期至", "Expires"), "date")
_ON_HAND = Column("on_hand", Text("在库", "On hand"), "number")
_AVAILABLE = Column("available", Text("可用", "Available"), "number")
_DUE = Column("due_utc", Text("要求送达", "Due"), "moment")


_ORDERS = ("supply_order", "supply_request", "depot", "item")
_REQUESTS = ("supply_order", "supply_request", "item")


def _number(name: str, zh: str, en: str, *, detail: bool = False) -> Column:
    return Column(name, Text(zh, en), "number", detail=detail)


def _low(district: District, **query: str) -> list[dict[str, Any]]:
    found = analyses.low_stock(district, item=query.get("item"), depot=query.get("depot"))["rows"]
    return [
        {
            **row,
            "item_name": row["name"],
            "line": "minimum" if row["is_below_minimum"] else row["state"],
            "tone": "bad" if row["is_below_minimum"] or row["state"] == "red" else "warn",
        }
        for row in found
    ]


def _expiring(district: District, **query: str) -> list[dict[str, Any]]:
    found = analyses.expiring(district, item=query.get("item"))["rows"]
    return [
        {**row, "item_name": row["name"], "tone": "bad" if row["is_expired"] or row["days_left"] <= 30 else "warn"}
        for row in found
    ]


def _uncounted(district: District, **query: str) -> list[dict[str, Any]]:
    zone = district.timezone
    return [
        {**row, "counted_utc": moment_text(row["counted_utc"], zone)[:10], "tone": "warn"}
        for row in analyses.uncounted(district)["rows"]
    ]


def _alarms(district: District, **query: str) -> list[dict[str, Any]]:
    frame = district.view().frame("depot")
    names = dict(zip(frame["id"], frame["name"], strict=True))
    return [
        {**row, "depot_name": names.get(row.get("depot_id"), ""), "tone": "bad"} for row in analyses.alarms(district)
    ]


def _changed(part: str) -> Any:
    def read(district: District, *, since: datetime, until: datetime | None = None, **query: Any) -> Any:
        return dispatch.handover(district, since, until)[part]

    return read


def _without_query(function: Any) -> Any:
    return lambda district, **query: function(district)


LISTINGS: dict[str, Listing] = {
    listing.id: listing
    for listing in (
        Listing(
            "orders",
            Text("未结调拨单", "Open orders"),
            (
                _ORDER,
                Column("state", Text("状态", "State"), "choice", STATES),
                Column("depot_name", Text("发货仓库", "From depot"), link="/supplies/depots/{depot_id}"),
                _PLACE,
                Column("goods", Text("物资", "Goods")),
                Column("eta_utc", Text("预计到达", "Expected"), "moment"),
                _DUE,
                Column("late_min", Text("晚点", "Late by"), "minutes"),
                Column("next", Text("下一步", "Next step"), "choice", NEXT),
            ),
            _without_query(dispatch.open_orders),
            Text("没有未结的调拨单。", "There are no open orders."),
            tables=_ORDERS,
        ),
        Listing(
            "reservations",
            Text("待下单的预留", "Reservations not yet ordered"),
            (
                replace(_ORDER, link="/supplies/requests/{request_id}"),
                Column("depot_name", Text("仓库", "Depot")),
                _PLACE,
                Column("goods", Text("物资", "Goods")),
                Column("expires_utc", Text("保留至", "Held until"), "moment"),
                Column("left_min", Text("剩余", "Left"), "minutes"),
            ),
            _without_query(dispatch.reservations),
            Text("没有待下单的预留。", "Nothing is reserved and not yet ordered."),
            Text("到时未下单即自动释放", "released by itself when the time is over"),
            tables=_ORDERS,
        ),
        Listing(
            "papers",
            Text("待补手续", "Papers to complete"),
            (
                _REQUEST,
                Column("unit", Text("接收单位", "Receiving unit")),
                _PLACE,
                Column("created_by", Text("经办", "By")),
                Column("created_utc", Text("电话下单", "Ordered"), "moment"),
                Column("papers_due_utc", Text("补办期限", "Due"), "moment"),
                Column("left_min", Text("剩余", "Left"), "minutes"),
                Column("overdue_min", Text("超期", "Overdue"), "minutes"),
            ),
            _without_query(dispatch.papers),
            Text("电话调拨的手续都已补齐。", "All papers of orders by telephone are there."),
            Text("电话调拨后 48 小时内补齐", "within 48 hours of the order by telephone"),
            tables=("supply_request",),
        ),
        Listing(
            "outstanding",
            Text("未满足的需求", "Outstanding"),
            (
                _REQUEST,
                Column("unit", Text("接收单位", "Receiving unit"), detail=True),
                _PLACE,
                _ITEM,
                _number("requested", "需要", "Requested"),
                _number("bound", "在办", "On its way"),
                _number("received", "已到", "Received", detail=True),
                _number("lost", "失联", "Lost", detail=True),
                _number("outstanding", "缺口", "Outstanding"),
                Column("item_unit", Text("单位", "Unit")),
                Column("deadline_utc", Text("要求送达", "Due"), "moment", detail=True),
            ),
            _without_query(dispatch.requests_outstanding),
            Text("没有未满足的需求。", "Nothing is outstanding."),
            Text("缺口 = 需要 - 完好签收 - 在办", "outstanding = requested - received usable - on its way"),
            tables=_REQUESTS,
        ),
        Listing(
            "requests",
            Text("未结需求单", "Open requests"),
            (
                _REQUEST,
                Column("unit", Text("接收单位", "Receiving unit")),
                _PLACE,
                _ITEM,
                _number("requested", "需要", "Requested"),
                _number("bound", "在办", "On its way"),
                _number("received", "已到", "Received"),
                _number("outstanding", "缺口", "Outstanding"),
                Column("item_unit", Text("单位", "Unit")),
                Column("deadline_utc", Text("要求送达", "Due"), "moment"),
            ),
            _without_query(dispatch.open_requests),
            Text("没有未结的需求单。", "There are no open requests."),
            tables=_REQUESTS,
        ),
        Listing(
            "low",
            Text("库存不足", "Low stock"),
            (
                Column("item_name", Text("物资", "Item"), link="/supplies?item={item_id}", main=True),
                _DEPOT,
                Column("line", Text("程度", "How low"), "choice", LINE_STATES),
                _AVAILABLE,
                _number("minimum", "下限", "Minimum"),
                _number("target", "目标", "Target"),
                Column("share", Text("占目标", "Share of target"), "share", detail=True),
                _number("to_target", "差额", "To target", detail=True),
                _UNIT,
            ),
            _low,
            Text("各库都在下限和黄线以上。", "Every depot is above its minimum and the yellow line."),
            Text("红线: 目标的 60%; 黄线: 80%", "red: 60% of the target, yellow: 80%"),
            Text("库存下限和目标表, 台账", "table of stock levels, ledger"),
            tables=("lot", "stock_level", "depot", "item", "parameter"),
        ),
        Listing(
            "expiring",
            Text("临期和过期", "Expiring"),
            (
                Column("item_name", Text("物资", "Item"), main=True),
                _LOT,
                _DEPOT,
                _EXPIRES,
                _number("days_left", "剩余天数", "Days left"),
                Column("class", Text("档次", "Class"), "choice", EXPIRY_CLASSES),
                _ON_HAND,
                replace(_AVAILABLE, detail=True),
                _UNIT,
                Column("status", Text("状态", "State"), "choice", STATUSES, detail=True),
            ),
            _expiring,
            Text("没有 180 天内到期的批次。", "No lot expires within 180 days."),
            Text("档次 30/90/180 天, 食品另有 15 天; 当日仍可用", "30, 90, 180 days; food 15; usable on the day"),
            tables=("lot", "depot", "item", "parameter"),
        ),
        Listing(
            "uncounted",
            Text("该盘点的仓库", "Depots to be counted"),
            (
                Column("depot_name", Text("仓库", "Depot"), link="/supplies/depots/{depot_id}/count", main=True),
                Column("depot_level", Text("级别", "Level"), "choice", LEVELS, detail=True),
                Column("counted_utc", Text("最早一批盘点于", "Oldest count"), "date"),
                _number("age_days", "天数", "Days ago"),
                _number("lots_uncounted", "超期批次", "Lots overdue"),
                _number("lots", "全部批次", "All lots", detail=True),
            ),
            _uncounted,
            Text("各库都按期盘点了。", "Every depot was counted in time."),
            Text("没有盘点时间的批次从未盘点", "without a time: never counted"),
            tables=("lot", "depot", "parameter"),
        ),
        Listing(
            "alarms",
            Text("监测告警", "Alarms of devices"),
            (
                Column("name", Text("终端", "Device"), main=True),
                Column("kind", Text("告警", "Alarm"), "choice", ALARMS),
                Column("depot_name", Text("仓库", "Depot"), link="/supplies/depots/{depot_id}"),
                _number("value", "读数", "Reading"),
                Column("since_utc", Text("自", "Since"), "moment"),
            ),
            _alarms,
            Text("没有告警。", "No alarm."),
            Text("盘点核对只提醒, 不改台账", "a count that differs never changes the ledger by itself"),
            tables=("reading", "device", "movement", "stock_count", "depot"),
        ),
        Listing(
            "events",
            Text("调拨单动态", "Steps of orders"),
            (
                replace(_RECORDED, main=True),
                Column("number", Text("调拨单", "Order"), link="/supplies/orders/{order_id}"),
                Column("action", Text("动作", "Step"), "choice", ACTS),
                Column("to_state", Text("变为", "Now"), "choice", STATES),
                Column("depot_name", Text("仓库", "Depot")),
                _PLACE,
                _OCCURRED,
                _ACTOR,
                _REASON,
            ),
            _changed("events"),
            Text("没有动态。", "Nothing happened."),
            tables=("order_event", "depot"),
        ),
        Listing(
            "moved",
            Text("调拨动用", "Moved by orders"),
            (
                replace(_ITEM, main=True),
                _number("reserved", "预留", "Reserved"),
                _number("released", "释放", "Released"),
                _number("issued", "出库", "Issued"),
                _number("received", "签收", "Received"),
                _number("used", "使用", "Used"),
                _number("restocked", "退库", "Back"),
                _number("written_off", "报废", "Written off"),
                _UNIT,
            ),
            _changed("moved"),
            Text("调拨没有动用物资。", "Orders moved nothing."),
            tables=("movement", "item"),
        ),
        Listing(
            "movements",
            Text("其他库存变动", "Other stock movements"),
            (
                replace(_RECORDED, main=True),
                Column("kind", Text("类型", "Kind"), "choice", MOVES),
                _DEPOT,
                _ITEM,
                _LOT,
                _number("quantity", "数量", "Quantity"),
                _UNIT,
                _number("movements", "导入笔数", "Imported"),
                Column("from_account", Text("从", "From"), "choice", ACCOUNT_TEXTS),
                Column("to_account", Text("到", "To"), "choice", ACCOUNT_TEXTS),
                _OCCURRED,
                _ACTOR,
                _REASON,
            ),
            _changed("movements"),
            Text("调拨以外库存没有变动。", "Apart from orders no stock moved."),
            tables=("movement", "depot", "item"),
        ),
        Listing(
            "counts",
            Text("盘点", "Counts"),
            (
                replace(_RECORDED, main=True),
                _DEPOT,
                _ITEM,
                _LOT,
                _number("expected", "账面", "Expected"),
                _number("counted", "实点", "Counted"),
                _number("difference", "差异", "Difference"),
                _UNIT,
                _ACTOR,
                Column("checker", Text("复核", "Checked by")),
                _REASON,
            ),
            _changed("counts"),
            Text("没有盘点。", "Nothing was counted."),
            tables=("stock_count", "depot", "item"),
        ),
        Listing(
            "states",
            Text("批次状态更改", "Changes of state"),
            (
                replace(_RECORDED, main=True),
                _DEPOT,
                _ITEM,
                _LOT,
                Column("from_status", Text("原状态", "Before"), "choice", STATUSES),
                Column("to_status", Text("现状态", "Now"), "choice", STATUSES),
                _ACTOR,
                _REASON,
            ),
            _changed("states"),
            Text("没有批次改状态。", "No lot changed its state."),
            tables=("lot_status_change", "depot", "item"),
        ),
        Listing(
            "closures",
            Text("道路封闭", "Road closures"),
            (
                Column("recorded_utc", Text("登记时间", "Recorded"), "moment", main=True),
                Column("id", Text("编号", "Id")),
                Column("operation", Text("变化", "What"), "choice", OPERATIONS),
                _REASON,
                Column("from_utc", Text("起", "From"), "moment"),
                Column("to_utc", Text("止", "To"), "moment"),
            ),
            _changed("closures"),
            Text("封闭没有变化。", "No closure changed."),
            source=Text("封闭登记", "register of closures"),
            tables=("closure",),
        ),
    )
}
"""The lists of the board and of the hand-over sheet."""

BOARD = ("orders", "reservations", "papers", "outstanding", "low", "expiring", "uncounted", "alarms")
HANDOVER = ("events", "moved", "movements", "counts", "states", "closures")

STOCK = Listing(
    "stock",
    Text("库存", "Stock"),
    (
        Column("item_name", Text("物资", "Item"), main=True),
        _CODE,
        _LOT,
        _ON_HAND,
        _number("reserved", "预留", "Reserved"),
        _number("on_hold", "冻结", "On hold"),
        _AVAILABLE,
        _UNIT,
        Column("status", Text("状态", "State"), "choice", STATUSES),
        _EXPIRES,
        Column("counted_utc", Text("盘点于", "Counted"), "moment"),
    ),
    dispatch.depot_stock,
    Text("这座仓库没有库存。", "This depot holds nothing."),
    Text(
        "可用 = 在库 - 预留 - 冻结; 非可用状态和过期的批次可用数为 0",
        "available = on hand - reserved - on hold; 0 for lots that are not usable or expired",
    ),
    tables=("lot", "item"),
)

RECALLS = Listing(
    "recalls",
    Text("召回或待检的货在哪里", "Where recalled or quarantined goods are"),
    (
        replace(_LOT, main=True),
        _ITEM,
        _DEPOT,
        Column("status", Text("状态", "State"), "choice", STATUSES),
        _ON_HAND,
        _number("reserved", "预留", "Reserved"),
        _number("on_the_way", "在途", "On the way"),
        _number("at_place", "现场", "At the place"),
        _number("coming_back", "退回途中", "Coming back"),
        _UNIT,
        Column("orders_text", Text("调拨单", "Orders")),
        Column("because_text", Text("召回或待检的批次", "Recalled or quarantined lots")),
    ),
    dispatch.recalled_goods,
    Text("没有召回或待检的货。", "Nothing is recalled or quarantined."),
    Text(
        "同一批货: 调拨过来或过去的批次, 以及物资和批号相同的批次; 标红的还在可用状态",
        "the same goods: lots that they came from or went to, and lots of one item and number; red ones are usable",
    ),
    tables=("lot", "movement", "item", "depot"),
)

BALANCES = Listing(
    "balances",
    Text("按时点查库存", "Stock at a moment"),
    (
        replace(_ITEM, main=True),
        _LOT,
        _DEPOT,
        Column("account", Text("账户", "Account"), "choice", ACCOUNT_TEXTS),
        Column("order", Text("调拨单", "Order"), link="/supplies/orders/{order}"),
        _number("quantity", "数量", "Quantity"),
        _UNIT,
    ),
    lambda district, **query: analyses.balances(district, **query)["rows"],
    Text("那时这里没有库存。", "Nothing was there at that moment."),
    Text(
        "已发生和已登记到这一刻为止, 含这一刻; 补登和冲销按发生时间计入“已发生”, 按登记时间计入“已登记”",
        "what had happened and what was recorded until then, that moment included",
    ),
    tables=("lot", "movement", "item", "depot"),
)

DEPOTS = Listing(
    "depots",
    Text("仓库", "Depots"),
    (
        Column("name", Text("仓库", "Depot"), link="/supplies/depots/{id}", main=True),
        Column("level", Text("级别", "Level"), "choice", LEVELS),
        _number("lots", "在库批次", "Lots on hand"),
        Column("counted_utc", Text("最早一批盘点于", "Oldest count"), "moment"),
        Column("contact", Text("联系人", "Contact")),
        Column("phone", Text("电话", "Phone")),
    ),
    _without_query(dispatch.depots),
    Text("还没有仓库。", "There are no depots yet."),
    source=Text("仓库登记表", "register of depots"),
    tables=("depot", "lot"),
)

FOUND_LOTS = Listing(
    "lots",
    Text("批次", "Lots"),
    (
        replace(_LOT, main=True),
        _ITEM,
        _DEPOT,
        _ON_HAND,
        _UNIT,
        _EXPIRES,
        Column("status", Text("状态", "State"), "choice", STATUSES),
    ),
    dispatch.lots_like,
    Text("没有这样的批次。", "There is no such lot."),
    tables=("lot", "depot", "item"),
)

NEEDS = Listing(
    "needs",
    Text("需求测算", "Needs"),
    (
        Column("name", Text("物资", "Item"), main=True),
        _CODE,
        _number("needed", "需要", "Needed"),
        _number("there", "区内可用", "Available"),
        _number("draft", "建议申请", "To request"),
        _UNIT,
        Column("to_confirm", Text("标准待核实", "Standard to be confirmed"), "boolean"),
    ),
    lambda district, **query: analyses.needs_draft(district, **query)["rows"],
    Text("按标准不需要物资。", "Nothing is needed by the standards."),
    Text("需要 = 人数 x 标准 x 天数; 建议申请 = 需要 - 区内可用", "needed = persons x standard x days"),
    Text("救助标准表, 台账", "table of relief standards, ledger"),
    tables=("lot", "item", "relief_standard", "depot", "parameter"),
)


def rows_of(district: District, name: str, **query: Any) -> list[Mapping[str, Any]]:
    """The rows of one list."""
    return list(LISTINGS[name].read(district, **query))


UNKNOWN_ITEM = Text("物资目录里的编码", "a code of the item catalogue")
NOT_HERE = Text("本库的批次", "a lot of this depot")

_CAUSES: dict[str, Text] = {
    "damaged": Text("损坏", "damaged"),
    "missing": Text("缺失", "missing"),
    "expired": Text("过期", "expired"),
    "recalled": Text("召回", "recalled"),
    "other": Text("其他", "other"),
}


def cause_texts(lang: Lang) -> dict[str, str]:
    """Why something is written off, by code."""
    return {code: found.to(lang) for code, found in _CAUSES.items()}


def _kpi_rows(district: District, *, lang: Lang = "zh") -> list[dict[str, Any]]:
    return [
        {
            **row,
            "result": "none" if row["no_data"] else "met" if row["is_met"] else "missed",
            "bound": f"{'≥' if row['at_least'] else '≤'} {kpi_text(row['target'], row['unit'], lang)}",
            "shown": "" if row["no_data"] else kpi_text(row["value"], row["unit"], lang),
            "proof": [
                {
                    **proof,
                    "detail": proof_text(row["code"], proof["detail"], lang, zone=district.timezone, states=STATES),
                }
                for proof in row["proof"]
            ],
        }
        for row in analyses.kpis(district)["rows"]
    ]


_KPI_UNITS: dict[str, Text] = {"s": Text("秒", "s"), "lots": Text("批", "lots")}


def kpi_text(value: float, unit: str, lang: Lang) -> str:
    """A figure with its unit, a share in percent."""
    if unit == "share":
        return f"{100 * value:.4g}%"
    found = _KPI_UNITS.get(unit)
    return f"{value:.4g} {unit if found is None else found.to(lang)}"


KPI_RESULTS = {
    "met": Text("达标", "met"),
    "missed": Text("未达标", "not met"),
    "none": Text("无数据", "no data"),
}

KPIS = Listing(
    "kpis",
    Text("指标", "Indicators"),
    (
        Column("title_zh", Text("指标", "Indicator"), main=True),
        Column("title", Text("英文", "English")),
        Column("shown", Text("数值", "Value")),
        Column("bound", Text("目标", "Target")),
        Column("result", Text("结果", "Result"), "choice", KPI_RESULTS),
        _number("numerator", "分子", "Numerator"),
        _number("denominator", "分母", "Denominator"),
    ),
    _kpi_rows,
    Text("没有指标。", "There are no indicators."),
    tables=(
        "supply_order",
        "supply_request",
        "order_event",
        "movement",
        "lot",
        "stock_count",
        "stock_level",
        "depot",
        "item",
        "parameter",
    ),
)

TRACE = Listing(
    "trace",
    Text("全程追溯", "Trace"),
    (
        replace(_OCCURRED, main=True),
        _RECORDED,
        Column("step", Text("事项", "What")),
        _ITEM,
        Column("lot", Text("批号", "Lot")),
        _DEPOT,
        _number("quantity", "数量", "Quantity"),
        _UNIT,
        Column("from", Text("从", "From")),
        Column("to", Text("到", "To")),
        _ACTOR,
        _REASON,
        Column("order_id", Text("调拨单", "Order")),
    ),
    lambda district, **query: (),
    Text("没有记录。", "Nothing is recorded."),
)


AUDIT_OUTCOMES: dict[str, Text] = {
    "done": Text("完成", "done"),
    "refused": Text("拒绝", "refused"),
    "failed": Text("未通过", "failed"),
}

AUDIT = Listing(
    "audit",
    Text("操作记录", "Audit"),
    (
        Column("recorded_utc", Text("时间", "Time"), "moment", main=True),
        Column("actor", Text("谁", "Who")),
        Column("role", Text("角色", "Role"), "choice", {str(role): text for role, text in ROLE_TEXTS.items()}),
        Column("address", Text("地址", "Address")),
        Column("action", Text("做了什么", "What")),
        Column("subject", Text("对象", "Subject"), link="/admin/audit?subject={subject}"),
        Column("outcome", Text("结果", "Outcome"), "choice", AUDIT_OUTCOMES),
        _number("seq", "序号", "Number"),
    ),
    lambda district, **query: (),
    Text("没有记录。", "Nothing is recorded."),
    source=Text("操作记录 (逐行加密链接)", "audit, each row chained to the one before"),
)


def step_text(row: Mapping[str, Any], lang: Lang) -> str:
    """What happened in a row of a trace, in words."""
    table = MOVES if row["what"] == "movement" else ACTS
    code = row.get("action") or row["what"]
    text = str(code) if code not in table else table[code].to(lang)
    undone = MOVES.get(str(row.get("reversed_kind")))
    return text if undone is None else f"{text} ({undone.to(lang)})"


def trace_rows(trace: Sequence[Mapping[str, Any]], lang: Lang) -> list[dict[str, Any]]:
    """A trace with its codes in words."""
    words = {**ACCOUNT_TEXTS, **STATES, **STATUSES}

    def word(code: Any) -> str:
        found = words.get(str(code))
        return "" if code is None else str(code) if found is None else found.to(lang)

    return [
        {
            **row,
            "step": step_text(row, lang),
            "from": word(row.get("from")),
            "to": word(row.get("to")),
            "actor": row.get("actor") or row.get("source"),
        }
        for row in trace
    ]


def named_places(district: District) -> dict[str, list[float]]:
    """Where supplies may be sent to by name: shelters, villages, depots; the first of a name counts."""
    view = district.view()

    def make() -> dict[str, list[float]]:
        found: dict[str, list[float]] = {}
        for table in ("shelter", "village", "depot", "hospital"):
            frame = view.frame(table)
            for name, shape in zip(frame["name"], frame.geometry.array, strict=True):
                if shape is not None and not shape.is_empty:
                    point = shape.representative_point()
                    found.setdefault(str(name), [round(point.x, 6), round(point.y, 6)])
        return found

    return view.kept("named places", make)
