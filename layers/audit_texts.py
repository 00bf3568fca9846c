"""What stands in the audit, in words of the page."""

from data.kinds import KINDS
from layers.layer import Lang, Text

ACTIONS: dict[str, Text] = {
    "log in": Text("登录", "log in"),
    "log out": Text("退出", "log out"),
    "change own password": Text("改自己的密码", "change own password"),
    "add account": Text("新建账号", "add account"),
    "reset password": Text("重设密码", "reset password"),
    "change role": Text("更改角色", "change role"),
    "end sessions": Text("结束会话", "end sessions"),
    "disable account": Text("停用账号", "disable account"),
    "unlock account": Text("解锁或恢复账号", "unlock account"),
    "add token": Text("新建令牌", "add token"),
    "revoke token": Text("吊销令牌", "revoke token"),
    "report readings": Text("上报读数", "report readings"),
    "run zoning": Text("运行区划", "run zoning"),
    "stop zoning": Text("停止区划", "stop zoning"),
    "save what-if result": Text("保存推演结果", "save a what-if result"),
    "delete what-if result": Text("删除推演结果", "delete a what-if result"),
    "save view": Text("保存视图", "save a view"),
    "change view": Text("修改视图", "change a view"),
    "delete view": Text("删除视图", "delete a view"),
    "stock.take_in": Text("入库", "goods in"),
    "stock.count": Text("盘点", "count"),
    "stock.status": Text("改批次状态", "state of a lot"),
    "stock.statuses": Text("改多批状态", "states of lots"),
    "stock.recall": Text("召回或待检, 所有仓库", "recall in every depot"),
    "close road": Text("封路", "close a road"),
    "open road": Text("解除封路", "open a road"),
    "stock.reverse": Text("冲销库存变动", "reverse a movement"),
    "supplies.reverse": Text("冲销调拨的一笔", "reverse a movement of an order"),
    "stock.hold": Text("冻结", "hold"),
    "stock.unhold": Text("解冻", "set free"),
    "stock.write_off": Text("报废", "write off"),
    "supplies.reserve": Text("预留", "reserve"),
    "supplies.again": Text("缺口重排预留", "plan anew and reserve"),
    "supplies.telephone": Text("电话下单", "order by telephone"),
    "supplies.renew": Text("续留", "renew"),
    "supplies.order": Text("下单", "order"),
    "supplies.papers": Text("补办手续", "papers"),
    "supplies.cancel": Text("取消调拨单", "cancel"),
    "supplies.issue": Text("出库", "issue"),
    "supplies.depart": Text("发车", "depart"),
    "supplies.lost": Text("报失联", "report lost"),
    "supplies.found": Text("恢复联系", "report found"),
    "supplies.receive": Text("签收", "receive"),
    "supplies.use": Text("登记使用", "use"),
    "supplies.send_back": Text("退回出发", "send back"),
    "supplies.return": Text("退库", "return"),
    "supplies.settle": Text("结清", "settle"),
    "supplies.expire": Text("预留到期", "reservation ran out"),
    "supplies.eta": Text("更新到达时间", "arrival computed anew"),
}
"""What can be done, by the route under which the audit has it."""


def action_text(action: str, lang: Lang) -> str:
    """What was done, in words; an address that was refused, and what is not known here, stays as it is."""
    if action in ACTIONS:
        return ACTIONS[action].to(lang)
    what, _, kind = action.partition(" ")
    if what == "import" and kind in KINDS:
        return f"导入 {KINDS[kind].zh}" if lang == "zh" else f"import {KINDS[kind].en}"
    return action
