"""The texts of the scripts of the wall."""

from flask_babel import gettext as _


def for_scripts() -> dict[str, str]:
    """Every text by key, in the language of the request."""
    return {
        "wall.as_of": _("截至 {time} ({age}) · 数据版本 {revision}"),
        "wall.from": _("自 {time}"),
        "wall.live": _("已连接"),
        "wall.lost": _("中断于 {time}"),
        "wall.more": _("另有 {n} 条"),
        "wall.polled": _("已连接, 每 10 秒更新一次"),
        "wall.since": _("自 {time} ({age})"),
        "wall.withheld": _("此角色不能看: {names}"),
        "wall.withheld_visitor": _("未登录, 不显示: {names}"),
    }
