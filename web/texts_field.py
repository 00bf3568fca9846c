"""The texts of the scripts of the phone in the field."""

from collections.abc import Mapping

from flask_babel import gettext as _

_SHARED = ("again", "age.", "close", "error.", "loading", "login", "orders.eta", "place.here", "problem.", "remedy.")
_SHARED_TOO = ("no", "readings.", "unit.", "yes")


def chosen(texts: Mapping[str, str]) -> dict[str, str]:
    """The texts of the map's scripts that these have in common with it, and their own."""
    shared = {key: text for key, text in texts.items() if key.startswith((*_SHARED, *_SHARED_TOO))}
    return {**shared, **for_scripts()}


def for_scripts() -> dict[str, str]:
    """Every text by key, in the language of the request."""
    return {
        "field.as_of": _("数据截至 {time} ({age})"),
        "field.back": _("返回"),
        "field.entered": _("已记下, 有网络就发送。"),
        "field.fix.denied": _("浏览器没有允许定位。"),
        "field.fix.insecure": _("这个地址不是 https, 浏览器不给定位。"),
        "field.fix.instead": _("也可以在地图上点一下, 或用地图中心。"),
        "field.fix.late": _("20 秒内没有定到位。"),
        "field.fix.none": _("这部手机定不了位。"),
        "field.full": _("手机存储已满: 新的数据没有留下, 离线时看到的会旧。清理存储后再打开这一页。"),
        "field.full.entry": _("手机存储已满, 没有记下。清理存储后再记一次, 或用纸笔记下。"),
        "field.login.needed": _("登录后才能发送, 记下的都还在。"),
        "field.logout.sure": _("仍然退出"),
        "field.logout.waits": _(
            "还有 {n} 条没有发出或被退回。退出后留在这部手机里, 同一账号登录后再发; 其他数据会清除。"
        ),
        "field.map.nearest": _("最近有什么"),
        "field.map.report": _("上报这个位置"),
        "field.nearest.any_item": _("任何物资"),
        "field.nearest.beds": _("床位 {n} 张"),
        "field.nearest.choose": _("先定位, 或在地图上点一下。"),
        "field.nearest.depots": _("仓库"),
        "field.nearest.duty": _("在岗"),
        "field.nearest.hospitals": _("医院"),
        "field.nearest.item": _("要找的物资"),
        "field.nearest.items": _("可用物资 {n} 种"),
        "field.nearest.kept": _("服务器没有回答: 按直线距离, 不是路程。数据截至 {time} ({age})"),
        "field.nearest.kind": _("找什么"),
        "field.nearest.no_duty": _("不在岗"),
        "field.nearest.none": _("180 分钟内没有。"),
        "field.nearest.out": _("不可用: {reason}"),
        "field.nearest.places": _("可收 {n} 人 (按空置计, 在住人数没有登记)"),
        "field.nearest.road": _("按现在的路况行车时间, 含下车步行; 算于 {time}"),
        "field.nearest.shelters": _("避难"),
        "field.nearest.straight": _("直线 {m}"),
        "field.nearest.teams": _("队伍"),
        "field.nearest.updated": _("登记更新于{age}"),
        "field.not_entered": _("没有记下: {why}"),
        "field.not_permitted": _("这一项要有权限的账号。"),
        "field.offline": _("离线"),
        "field.online": _("已连接"),
        "field.place.accuracy": _("误差 {m}"),
        "field.place.centre": _("用地图中心"),
        "field.place.locate": _("手机定位"),
        "field.place.map": _("地图上选的"),
        "field.place.none": _("还没有选地方"),
        "field.place.phone": _("手机定位"),
        "field.place.poor": _("定位误差大, 请在地图上核对。"),
        "field.position.hint": _("时刻记为按下的那一刻, 晚发也不变。"),
        "field.position.last": _("上一次定位在{age}"),
        "field.position.never": _("还没有定位过"),
        "field.position.none": _("没有可上报的车辆。车辆要先登记一个“定位”类终端。"),
        "field.position.send": _("上报车辆位置"),
        "field.position.title": _("位置 {vehicle}: {place}"),
        "field.position.vehicle": _("车辆"),
        "field.queue.again": _("再发一次"),
        "field.queue.count": _("待发 {waiting} · 退回 {refused}"),
        "field.queue.discard": _("丢弃"),
        "field.queue.discard.sure": _("确定丢弃"),
        "field.queue.empty": _("这里还没有记下什么。"),
        "field.queue.entered": _("记于 {time}"),
        "field.queue.keep": _("留着"),
        "field.queue.mend": _("改一改"),
        "field.queue.nothing": _("都已发出"),
        "field.queue.others": _("账号 {account} 在这部手机里还有 {n} 条没有发出; 要该账号登录才发。"),
        "field.queue.sent": _("登记于 {time}"),
        "field.receive.damaged": _("损坏"),
        "field.receive.entry": _("签收 {number}: {goods}"),
        "field.receive.heading": _("在途、可以签收的调拨单"),
        "field.receive.mended": _("改好, 重新发送"),
        "field.receive.missing": _("缺失"),
        "field.receive.no_number": _("{field} {value}: 应为数字, 最多三位小数"),
        "field.receive.none": _("没有在途、可由本账号签收的调拨单。"),
        "field.receive.note": _("备注"),
        "field.receive.nothing": _("没有填数量。"),
        "field.receive.on_way": _("在途 {n} {unit}"),
        "field.receive.open": _("签收"),
        "field.receive.received": _("完好"),
        "field.receive.send": _("确认签收"),
        "field.receive.title": _("签收 {number}"),
        "field.receive.too_much": _("合计 {n}, 在途只有 {most} {unit}"),
        "field.receive.waits": _("已记下 {n} 次签收, 还没有发出"),
        "field.receive.when": _("到货时间 (空白为现在)"),
        "field.receive.wrong": _("有几处要改, 见上面。"),
        "field.refused.key": _("很久以前发过一次, 没有收到回答; 服务器已不记得这一次, 再发可能登记两遍。"),
        "field.remedy.again": _("服务器出错, 过一会儿再发一次。"),
        "field.remedy.forbidden": _("这个账号无权登记。请有权限的同事登记, 或丢弃。"),
        "field.remedy.key": _("请先在完整地图里核对这张单, 没有登记的再记一次, 然后丢弃这一条。"),
        "field.remedy.mend": _("没有登记。改一改再发, 或丢弃。"),
        "field.state.refused": _("退回"),
        "field.state.sent": _("已登记"),
        "field.state.waiting": _("待发"),
        "field.worker.failed": _("这个浏览器不能离线保存 ({why}); 没有网络时打不开这一页。"),
        "field.worker.insecure": _("这个地址不是 https, 没有网络时打不开这一页。"),
        "field.worker.none": _("这个浏览器不能离线保存; 没有网络时打不开这一页。"),
    }
