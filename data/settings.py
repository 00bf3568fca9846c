"""The settings: one frozen value, built from ``ONEMAP_*`` at the edge and passed down."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from geo.errors import InputError

PREFIX = "ONEMAP_"


def _setting(
    default: Any,
    help_zh: str,
    help_en: str,
    *,
    minimum: float | None = None,
    maximum: float | None = None,
    secret: bool = False,
) -> Any:
    return dataclasses.field(
        default=default,
        metadata={
            "help_zh": help_zh,
            "help_en": help_en,
            "minimum": minimum,
            "maximum": maximum,
            "secret": secret,
        },
    )


@dataclass(frozen=True, repr=False)
class Settings:
    """Every setting; the variable of `limit_s` is ``ONEMAP_LIMIT_S``."""

    database: str = _setting(
        "var/district.gpkg",
        "数据库: 文件路径或数据库网址",
        "the database: path of a file or a database URL",
    )
    host: str = _setting("127.0.0.1", "服务地址", "address to serve on")
    port: int = _setting(8000, "服务端口", "port to serve on", minimum=0, maximum=65_535)
    limit_s: float = _setting(
        3600.0,
        "响应时限, 秒, 含界",
        "response time limit in seconds, bound included",
        minimum=1,
        maximum=86_400,
    )
    snap_m: float = _setting(
        500.0,
        "地点到道路的最大距离, 米",
        "farthest distance from a place to a road, in metres",
        minimum=1,
        maximum=5000,
    )
    busy_timeout_s: float = _setting(
        10.0,
        "数据库被占用时的最长等待, 秒",
        "longest wait for the database while another writes, in seconds",
        minimum=0,
        maximum=600,
    )
    listeners: int = _setting(
        1000,
        "同时打开的地图(事件流)数上限",
        "open maps (event streams) held at once",
        minimum=1,
        maximum=20_000,
    )
    keep_changes_days: int = _setting(
        40,
        "变更日志保留天数; 交接班最多回看 31 天",
        "days for which the change log is kept; a hand-over looks back 31 days at most",
        minimum=31,
        maximum=3_650,
    )
    keep_readings_days: int = _setting(
        90, "终端读数保留天数", "days for which readings of devices are kept", minimum=1, maximum=3_650
    )
    keep_keys_days: int = _setting(
        7,
        "重复提交的辨认天数: 同一请求在这期间只做一次",
        "days for which the same request twice happens once",
        minimum=1,
        maximum=365,
    )
    keep_times_days: int = _setting(
        90,
        "查询和方案用时的保留天数",
        "days for which the times of searches and plans are kept",
        minimum=1,
        maximum=3_650,
    )
    realdata: str = _setting("", "测试用真实城市数据的目录", "folder of the real cities that tests read")

    def __post_init__(self) -> None:
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            name = PREFIX + field.name.upper()
            low, high = field.metadata["minimum"], field.metadata["maximum"]
            if low is not None and not low <= value <= high:
                raise InputError(f"{name}={value}: expected {low} to {high}")
        if not self.database:
            raise InputError(f"{PREFIX}DATABASE is empty; give the path of a file or a database URL")

    def shown(self, name: str) -> str:
        """The value as it may be shown: secrets and passwords in URLs are hidden."""
        value = getattr(self, name)
        field = next(field for field in dataclasses.fields(self) if field.name == name)
        if field.metadata["secret"]:
            return "***" if value else ""
        if name == "database" and "://" in value:
            try:
                return make_url(value).render_as_string(hide_password=True)
            except ArgumentError:
                return "***"
        return str(value)

    def __repr__(self) -> str:
        parts = (f"{field.name}={self.shown(field.name)!r}" for field in dataclasses.fields(self))
        return f"Settings({', '.join(parts)})"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Settings":
        """Read ``ONEMAP_*``; a name that is not a setting is an error, not a guess."""
        fields = {PREFIX + field.name.upper(): field for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, text in environment.items():
            if not name.startswith(PREFIX):
                continue
            field = fields.get(name)
            if field is None:
                raise InputError(f"{name} is not a setting; there are {', '.join(sorted(fields))}")
            values[field.name] = _parsed(name, text.strip(), type(field.default))
        return cls(**values)


def _parsed(name: str, text: str, wanted: type) -> Any:
    if wanted is str:
        return text
    try:
        value = wanted(text)
    except ValueError:
        noun = "a whole number" if wanted is int else "a number"
        raise InputError(f"{name}={text!r}: expected {noun}") from None
    if value != value or value in (float("inf"), float("-inf")):
        raise InputError(f"{name}={text!r}: expected a finite number")
    return value


@dataclass(frozen=True)
class SettingRow:
    """One line of the settings table."""

    name: str
    value: str
    default: str
    help_zh: str
    help_en: str


def settings_table(settings: Settings | None = None) -> list[SettingRow]:
    """Every setting with its variable, value, default and help, for the command and the docs page."""
    shown, plain = settings or Settings(), Settings()
    return [
        SettingRow(
            PREFIX + field.name.upper(),
            shown.shown(field.name),
            plain.shown(field.name),
            field.metadata["help_zh"],
            field.metadata["help_en"],
        )
        for field in dataclasses.fields(Settings)
    ]
