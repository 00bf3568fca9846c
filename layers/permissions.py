"""What each role may do. One table; the API, the pages and the command line ask it and nothing else."""

from dataclasses import dataclass, field
from typing import Literal

from geo.errors import Forbidden
from layers.layer import ROLES, Role, Text

Scope = Literal["anywhere", "own"]
"""Whether a role may do something everywhere, or only in the depot or street that its account is bound to."""


@dataclass(frozen=True)
class Action:
    """Something that can be done, and who may do it."""

    id: str
    title: Text
    roles: dict[Role, Scope]
    changes: bool = True


@dataclass(frozen=True)
class Actor:
    """Who does it: an account, a device with its token, or the system itself."""

    id: str
    name: str
    role: Role
    street: str | None = None
    depot_id: str | None = None
    device_id: str | None = None
    address: str | None = None
    scopes: frozenset[str] = field(default_factory=frozenset)


SYSTEM = Actor("system", "系统", "administrator")
"""What happens by itself, such as a reservation that expires."""

ROLE_TEXTS: dict[Role, Text] = {
    "viewer": Text("查看", "viewer"),
    "dispatcher": Text("调度员", "dispatcher"),
    "keeper": Text("仓库管理员", "depot keeper"),
    "planner": Text("规划员", "planner"),
    "administrator": Text("管理员", "administrator"),
}

_DISPATCH: dict[Role, Scope] = {"dispatcher": "anywhere", "administrator": "anywhere"}
_DEPOT: dict[Role, Scope] = {"keeper": "own", **_DISPATCH}
_STOCK: dict[Role, Scope] = {"keeper": "own", "administrator": "anywhere"}
_PLAN: dict[Role, Scope] = {"planner": "anywhere", "administrator": "anywhere"}
_CLOSE: dict[Role, Scope] = {"dispatcher": "anywhere", **_PLAN}
_ADMINISTER: dict[Role, Scope] = {"administrator": "anywhere"}
_EVERYBODY: dict[Role, Scope] = dict.fromkeys(ROLES, "anywhere")
_STAFF: dict[Role, Scope] = {role: "anywhere" for role in ROLES if role != "viewer"}

ACTIONS: dict[str, Action] = {
    action.id: action
    for action in (
        Action("map.read", Text("看图和查询", "read the map"), _EVERYBODY, changes=False),
        Action("self.manage", Text("登录、退出、改自己的密码", "log in and out, change the own password"), _EVERYBODY),
        Action("supply.read", Text("看调拨单和台账", "read orders and the ledger"), _STAFF, changes=False),
        Action("supply.reserve", Text("预留物资", "reserve supplies"), _DISPATCH),
        Action("supply.order", Text("下单、取消、报失联", "order, cancel, report lost"), _DISPATCH),
        Action("supply.issue", Text("出库、发车", "issue and send off"), _DEPOT),
        Action("supply.receive", Text("签收", "receive"), _DEPOT),
        Action("supply.settle", Text("登记使用、退回、结清", "use, return and settle"), _DEPOT),
        Action("supply.reverse", Text("冲销调拨单的登记", "reverse what was booked of an order"), _DEPOT),
        Action("supply.papers", Text("补办手续", "complete the papers"), _DISPATCH),
        Action("stock.receive", Text("入库", "take goods in"), _STOCK),
        Action("stock.count", Text("盘点", "count"), _STOCK),
        Action("stock.change", Text("冻结、改状态、报废", "hold, change the state, write off"), _STOCK),
        Action("stock.recall", Text("召回或待检同一批货, 所有仓库", "recall the same goods in every depot"), _DISPATCH),
        Action("stock.reverse", Text("冲销库存登记", "reverse what was booked of the stock"), _STOCK),
        Action("register.import", Text("导入表格", "import sheets"), _PLAN),
        Action("closure.change", Text("封路、解除", "close roads and open them"), _CLOSE),
        Action("whatif.run", Text("情景推演", "ask what if"), _CLOSE),
        Action("view.save", Text("存视图、改视图、删视图", "keep, change and delete views of the map"), _PLAN),
        Action("zoning.run", Text("运行区划", "run zoning"), _PLAN),
        Action("whatif.read", Text("看情景推演", "read what-if results"), _STAFF, changes=False),
        Action("device.report", Text("上报读数(人工只限车辆位置)", "report readings (people: positions)"), _DEPOT),
        Action("account.manage", Text("管理账号和令牌", "manage accounts and tokens"), _ADMINISTER),
        Action("audit.read", Text("看操作记录", "read the audit"), _ADMINISTER, changes=False),
    )
}
"""Every action. A device does what its token's scopes name, whatever its role."""

TOKEN_SCOPES = ("device.report", "map.read", "supply.read")
"""What a token may be given: a device reports and reads, nothing else."""


def may(actor: Actor, action: str, *, depot_id: str | None = None, street: str | None = None) -> bool:
    """Whether somebody may do something, at a depot or in a street where that matters."""
    if actor.device_id is not None:
        return action in actor.scopes
    scope = ACTIONS[action].roles.get(actor.role)
    if scope is None:
        return False
    if scope == "anywhere" or (actor.depot_id is None and actor.street is None):
        return scope == "anywhere"
    if actor.depot_id is not None:
        return depot_id == actor.depot_id
    return street is not None and street == actor.street


def may_somewhere(actor: Actor, action: str) -> bool:
    """Whether somebody may do something at one place at least; where exactly is asked when it is done."""
    if actor.device_id is not None:
        return action in actor.scopes
    scope = ACTIONS[action].roles.get(actor.role)
    return scope == "anywhere" or (scope == "own" and (actor.depot_id is not None or actor.street is not None))


def require_somewhere(actor: Actor, action: str) -> None:
    """Forbidden, with a sentence that says who may, unless somebody may do it at one place at least."""
    if not may_somewhere(actor, action):
        require(actor, action)


def require(actor: Actor, action: str, *, depot_id: str | None = None, street: str | None = None) -> None:
    """Forbidden, with a sentence that says who may, unless somebody may do it."""
    if may(actor, action, depot_id=depot_id, street=street):
        return
    found = ACTIONS[action]
    if actor.device_id is not None:
        has = ", ".join(sorted(actor.scopes)) or "nothing"
        raise Forbidden(f"{action}: the token {actor.id} is for {has}; make one with this scope")
    if found.roles.get(actor.role) == "own":
        bound = actor.depot_id or actor.street
        where = f"only at {bound}" if bound else "only where the account is bound to, and it is bound to nothing"
        raise Forbidden(f"{action}: {actor.id} may do this {where}, not at {depot_id or street or 'no depot'}")
    raise Forbidden(f"{action}: the role {actor.role} may not do this; it takes {' or '.join(found.roles)}")
