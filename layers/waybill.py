"""The papers of supplies: waybill of an order (调拨单), count sheet of a depot, request to the next level."""

from collections.abc import Mapping, Sequence
from typing import Any

from reportlab.lib.units import mm
from reportlab.platypus import Flowable, KeepTogether, Spacer
from sqlalchemy import Connection

from data import orders
from data.kinds import DEPOT_LEVELS, ORDER_STATES, Choice
from geo.errors import Conflict
from layers import paper
from layers.analyses import dispatch
from layers.district import District
from layers.fonts import SheetFonts, register_fonts
from layers.layer import Lang, Text, choice_texts
from layers.listing import moment_text, number_text

_T = {
    "title": Text("应急物资调拨单", "Waybill of emergency supplies"),
    "number": Text("单号", "Number"),
    "request": Text("需求单", "Request"),
    "state": Text("状态", "State"),
    "unit": Text("接收单位", "Receiving unit"),
    "place": Text("送达地点", "Place"),
    "contact": Text("联系人", "Contact"),
    "deadline": Text("要求送达", "Wanted by"),
    "depot": Text("发货仓库", "From depot"),
    "vehicle": Text("车辆/驾驶员", "Vehicle, driver"),
    "departed": Text("发车时间", "Departed"),
    "eta": Text("预计到达", "Expected"),
    "line": Text("序号", "No."),
    "item": Text("物资", "Item"),
    "lot": Text("批号", "Lot"),
    "expires": Text("有效期至", "Expires"),
    "unit_of": Text("单位", "Unit"),
    "ordered": Text("应发", "Ordered"),
    "issued": Text("实发", "Issued"),
    "good": Text("完好", "Good"),
    "damaged": Text("损坏", "Damaged"),
    "missing": Text("缺失", "Missing"),
    "signs": Text("发货人 (签字)|复核人 (签字)|驾驶员 (签字)|收货人 (签字)", "Issued by|Checked by|Driver|Received by"),
    "telephone": Text("电话调拨, 手续待补", "ordered by telephone, papers to follow"),
    "route": Text("路程", "Distance"),
    "remarks": Text("备注 (异常、封条号、交接情况)", "Remarks (damage, seal number, hand-over)"),
    "receipt": Text("收货人按实收填写完好、损坏、缺失", "The receiver fills in good, damaged and missing"),
    "count": Text("盘点表", "Count sheet"),
    "count_hint": Text(
        "明数核点: 先点数再记录, 两人同时在场; 没有点到的批次留空。账面数不在表上。",
        "Count first, then write; two persons; leave a lot empty that was not counted. The book is not on the sheet.",
    ),
    "counted": Text("实点数量", "Counted"),
    "note": Text("差异原因", "Reason"),
    "count_signs": Text("盘点人 (签字)|复核人 (签字)|库管员 (签字)", "Counted by|Checked by|Keeper"),
    "level": Text("级别", "Level"),
    "upward": Text("物资支援请求", "Request for supplies"),
    "to_level": Text("请求对象", "To"),
    "incident": Text("事由", "Incident"),
    "requested": Text("总需要", "Requested"),
    "lacking": Text("请求支援", "Asked of you"),
    "specification": Text("规格", "Specification"),
    "upward_signs": Text("经办人 (签字)|审核人 (签字)|批准人 (签字、盖章)", "Drafted by|Checked by|Approved by (seal)"),
    "upward_hint": Text(
        "请求数量为本级各库调拨后仍缺的数量。", "What is asked for is what the own depots could not give."
    ),
    "lonlat": Text("经度, 纬度", "Lon, lat"),
    "emergency": Text("应急指挥机构", "emergency command"),
}


def _word(choices: Sequence[Choice], code: str | None, lang: Lang) -> str:
    return "" if code is None else choice_texts(choices, lang).get(code, "")


def _joined(*parts: Any) -> str:
    return "  ".join(str(part) for part in parts if part)


def waybill(district: District, order_id: str, *, fonts: SheetFonts, lang: Lang = "zh") -> bytes:
    """One order as a PDF; a long list goes on over several pages, the head of the table with it.

    What is not known yet is left empty for the pen. The QR code is the number of the order.
    """
    with district.store.reading() as conn:
        order = orders.order_of(conn, order_id)
        request = orders.request_of(conn, order["request_id"])
    register_fonts(fonts)
    zone = district.timezone

    def t(name: str) -> str:
        return _T[name].to(lang)

    distance = order["distance_m"]
    telephone = t("telephone") if request["by_telephone"] and not request["papers_done_utc"] else ""
    content: list[Flowable] = [
        paper.head(
            district,
            t("title"),
            [
                f"{t('number')} {order['number']}",
                f"{t('state')} {_word(ORDER_STATES, order['state'], lang)}" + (f" · {telephone}" if telephone else ""),
            ],
            code=order["number"],
        ),
        Spacer(1, 4 * mm),
        paper.facts(
            [
                (t("unit"), request["unit"], t("depot"), _joined(order["depot_name"], order["depot_id"])),
                (
                    t("place"),
                    request["place"],
                    t("vehicle"),
                    _joined(order["vehicle_name"], order["driver"], order["phone"]),
                ),
                (
                    t("contact"),
                    _joined(request["contact"], request["phone"]),
                    t("departed"),
                    moment_text(order["departed_utc"], zone),
                ),
                (
                    t("deadline"),
                    moment_text(request["deadline_utc"], zone),
                    t("eta"),
                    moment_text(order["eta_utc"], zone),
                ),
                (
                    t("request"),
                    request["number"],
                    t("route"),
                    "" if distance is None else f"{distance / 1000:.1f} km",
                ),
            ]
        ),
        Spacer(1, 4 * mm),
        _order_lines(order, lang),
        Spacer(1, 2 * mm),
        paper.text(t("receipt"), 8, soft=True),
        Spacer(1, 4 * mm),
        KeepTogether([_remarks(t("remarks")), Spacer(1, 4 * mm), paper.signatures(t("signs").split("|"), lang)]),
    ]
    return paper.document(
        district, content, title=t("title"), mark=order["number"], fonts=fonts, made=district.now(), lang=lang
    )


def _remarks(title: str) -> Flowable:
    return paper.lines([title], [1], [[""]], height=16 * mm)


def _order_lines(order: Mapping[str, Any], lang: Lang) -> Flowable:
    names = ("line", "item", "lot", "expires", "unit_of", "ordered", "issued", "good", "damaged", "missing")
    rows = []
    for k, line in enumerate(order["lines"], start=1):
        rows.append(
            [
                k,
                f"{line['item_name']}  {line['item_id']}",
                line["lot"],
                line["expires_on"],
                line["unit"],
                number_text(line["quantity"] or None),
                *(number_text(line[name] or None) for name in ("issued", "received", "damaged", "missing")),
            ]
        )
    return paper.lines(
        [_T[name].to(lang) for name in names],
        [9, 46, 24, 21, 11, 15, 15, 14, 13, 13],
        rows,
        numeric=(0, 5, 6, 7, 8, 9),
    )


def count_sheet(district: District, depot_id: str, *, fonts: SheetFonts, lang: Lang = "zh") -> bytes:
    """The sheet for counting a depot by hand: what lies there, not how much."""
    depot = dispatch.depot_of(district, depot_id)
    rows = dispatch.depot_stock(district, depot_id)
    if not rows:
        raise Conflict(f"depot {depot_id} holds nothing that could be counted")
    register_fonts(fonts)

    def t(name: str) -> str:
        return _T[name].to(lang)

    content: list[Flowable] = [
        paper.head(
            district,
            t("count"),
            [f"{depot['name']}  {depot_id}", t("count_hint")],
            code=depot_id,
        ),
        Spacer(1, 4 * mm),
        paper.lines(
            [t(name) for name in ("line", "item", "lot", "expires", "unit_of", "counted", "note")],
            [9, 50, 27, 21, 11, 24, 42],
            [
                [k, f"{row['item_name']}  {row['item_id']}", row["lot"], row["expires_on"], row["unit"], "", ""]
                for k, row in enumerate(rows, start=1)
            ],
            numeric=(0,),
        ),
        Spacer(1, 6 * mm),
        KeepTogether(paper.signatures(t("count_signs").split("|"), lang)),
    ]
    mark = f"{depot['name']} {depot_id}"
    return paper.document(district, content, title=t("count"), mark=mark, fonts=fonts, made=district.now(), lang=lang)


def upward_draft(conn: Connection, request_id: str, to_level: str | None = None) -> dict[str, Any]:
    """What to ask of the next level; a request without a level of its own is the district's."""
    if to_level is None and orders.request_of(conn, request_id)["level"] is None:
        to_level = "city"
    return orders.upward_draft(conn, request_id, to_level=to_level)


def upward_text(draft: Mapping[str, Any], district: District, lang: Lang) -> str:
    """The request to the next level as text to copy: six fields for every item, as on the telephone."""
    if not draft["lines"]:
        return ""

    def t(name: str) -> str:
        return _T[name].to(lang)

    colon, stop = ("：", "；") if lang == "zh" else (": ", "; ")
    first = [
        f"{t('upward')} ({_word(DEPOT_LEVELS, draft['to_level'], lang)}{'级' if lang == 'zh' else ' level'})",
        f"{t('unit')}{colon}{draft['unit']}",
        f"{t('place')}{colon}{draft['place']} ({draft['to'][0]:.6f}, {draft['to'][1]:.6f})",
        f"{t('contact')}{colon}{_joined(draft['contact'], draft['phone'])}",
    ]
    if draft["deadline_utc"]:
        first.append(f"{t('deadline')}{colon}{moment_text(draft['deadline_utc'], district.timezone)}")
    if draft["incident"]:
        first.append(f"{t('incident')}{colon}{draft['incident']}")
    items = [
        f"{k}. {line['item_name']}"
        + (
            f" ({line['specification']})"
            if line["specification"] and line["specification"] != line["item_name"]
            else ""
        )
        + f" {number_text(line['quantity'])} {line['unit']}{stop}"
        for k, line in enumerate(draft["lines"], start=1)
    ]
    return "\n".join([*first, f"{t('lacking')}{colon}", *items, f"{t('request')} {draft['request_id']}"])


def upward_request(
    district: District, request_id: str, *, fonts: SheetFonts, lang: Lang = "zh", to_level: str | None = None
) -> bytes:
    """The request to the next level on paper; Conflict where nothing is outstanding."""
    with district.store.reading() as conn:
        draft = upward_draft(conn, request_id, to_level)
    if not draft["lines"]:
        raise Conflict(f"request {request_id}: nothing of it is outstanding; there is nothing to ask for")
    register_fonts(fonts)
    zone, made = district.timezone, district.now()

    def t(name: str) -> str:
        return _T[name].to(lang)

    level = _word(DEPOT_LEVELS, draft["to_level"], lang)
    addressee = f"{level}{'级' if lang == 'zh' else ' '}{t('emergency')}"
    content: list[Flowable] = [
        paper.head(
            district, t("upward"), [f"{t('request')} {request_id}", f"{t('to_level')} {addressee}"], code=request_id
        ),
        Spacer(1, 4 * mm),
        paper.facts(
            [
                (t("unit"), draft["unit"], t("place"), draft["place"]),
                (
                    t("contact"),
                    _joined(draft["contact"], draft["phone"]),
                    t("deadline"),
                    moment_text(draft["deadline_utc"], zone),
                ),
                (t("incident"), draft["incident"], t("lonlat"), f"{draft['to'][0]:.6f}, {draft['to'][1]:.6f}"),
            ]
        ),
        Spacer(1, 4 * mm),
        paper.lines(
            [t(name) for name in ("line", "item", "specification", "unit_of", "requested", "lacking")],
            [9, 52, 50, 14, 24, 26],
            [
                [
                    k,
                    f"{line['item_name']}  {line['item_id']}",
                    line["specification"],
                    line["unit"],
                    number_text(line["requested"]),
                    number_text(line["quantity"]),
                ]
                for k, line in enumerate(draft["lines"], start=1)
            ],
            numeric=(0, 4, 5),
        ),
        Spacer(1, 2 * mm),
        paper.text(t("upward_hint"), 8, soft=True),
        Spacer(1, 6 * mm),
        KeepTogether(paper.signatures(t("upward_signs").split("|"), lang)),
    ]
    return paper.document(district, content, title=t("upward"), mark=request_id, fonts=fonts, made=made, lang=lang)
