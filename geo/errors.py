"""The one family of errors; each class carries a stable code, a title and its HTTP status.

``detail`` (the exception's text) is one sentence that is safe to show: the argument, the value,
what was expected and the remedy.
"""


class OneMapError(Exception):
    """Base of every error that this software raises on purpose."""

    code = "error"
    title = "Error"
    status = 500
    recorded = False
    """Whether the audit has it already."""

    @property
    def detail(self) -> str:
        """The sentence that is safe to show."""
        return str(self.args[0]) if self.args else self.title


class InputError(OneMapError, ValueError):
    """The caller sent something that can be mended by the caller."""

    code = "input"
    title = "Input not accepted"
    status = 422


class CrsError(InputError):
    """A coordinate reference system is missing, wrong or not fit for measuring."""

    code = "crs"
    title = "Coordinate reference system not accepted"


class ImportRefused(InputError):
    """A file was refused whole; ``rows`` lists what is wrong, row by row.

    Each row is ``{"row": int | None, "column": str | None, "value": str, "expected": str}``;
    ``row`` counts data rows from 1, headers excluded.
    """

    code = "import-refused"
    title = "File refused, nothing written"

    def __init__(self, detail: str, rows: list[dict[str, object]] | None = None) -> None:
        super().__init__(detail)
        self.rows = rows or []


class Infeasible(InputError):
    """No plan meets the constraints; the text names the one that binds."""

    code = "infeasible"
    title = "No feasible plan"


class Unauthenticated(OneMapError, PermissionError):
    """Nobody is logged in and the resource needs somebody."""

    code = "unauthenticated"
    title = "Log in first"
    status = 401


class Forbidden(OneMapError, PermissionError):
    """The role may know of the resource but may not do this with it."""

    code = "forbidden"
    title = "Not permitted"
    status = 403


class NotFound(OneMapError, LookupError):
    """There is no such thing, or the role may not know of it."""

    code = "not-found"
    title = "Not found"
    status = 404


class Conflict(OneMapError, RuntimeError):
    """The state changed in the meantime, or the constraint of somebody else's write holds."""

    code = "conflict"
    title = "Conflict"
    status = 409


class Cancelled(OneMapError, RuntimeError):
    """Whoever asked for the work stopped it; nothing of it was kept."""

    code = "cancelled"
    title = "Cancelled"
    status = 409


class TooLarge(InputError):
    """The request asks for more than is served at once; the text names the limit."""

    code = "too-large"
    title = "Too large"
    status = 413


class Unavailable(OneMapError, RuntimeError):
    """A needed part is not there: disk full, database locked, engine missing."""

    code = "unavailable"
    title = "Unavailable"
    status = 503
