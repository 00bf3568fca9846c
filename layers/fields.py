"""One table of a TOML file, checked field by field."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

from geo.errors import InputError


class Fields:
    """A table of the file: every field is asked for once; one that nobody asks for is an error."""

    def __init__(self, where: str, table: Any) -> None:
        if not isinstance(table, Mapping):
            raise InputError(f"{where}: expected a table")
        self.where = where
        self.left = dict(table)

    def _refuse(self, name: str, value: Any, expected: str) -> InputError:
        return InputError(f"{self.where}.{name}={value!r}: expected {expected}")

    def text(self, name: str, default: str | None = None) -> str:
        """A text; not blank where there is no default."""
        value = self.left.pop(name, default)
        if not isinstance(value, str) or (default is None and not value.strip()):
            raise self._refuse(name, value, "text")
        return value

    def one_of(self, name: str, allowed: Sequence[str], default: str | None = None) -> str:
        """One of some words."""
        value = self.left.pop(name, default)
        if value not in allowed:
            raise self._refuse(name, value, f"one of {', '.join(allowed)}")
        return cast(str, value)

    def number(self, name: str, default: float | None, low: float, high: float) -> float:
        """A number, both bounds included."""
        value = self.left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            raise self._refuse(name, value, f"a number from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number, both bounds included."""
        value = self.left.pop(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            raise self._refuse(name, value, f"a whole number from {low} to {high}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self.left.pop(name, default)
        if not isinstance(value, bool):
            raise self._refuse(name, value, "true or false")
        return value

    def numbers(self, name: str) -> tuple[float, ...]:
        """A list of numbers, empty where there is none."""
        value = self.left.pop(name, [])
        if not isinstance(value, list) or any(isinstance(v, bool) or not isinstance(v, int | float) for v in value):
            raise self._refuse(name, value, "a list of numbers")
        return tuple(float(v) for v in value)

    def end(self) -> None:
        """Refuse what nobody asked for."""
        if self.left:
            raise InputError(f"{self.where}.{next(iter(self.left))} is not known here; check the spelling")
