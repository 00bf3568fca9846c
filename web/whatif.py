"""The API of saved what-if results: the list, one of them, the difference of two."""

from typing import Any

from layers.whatif import answers
from web import parameters as p
from web import schemas as s
from web.endpoint import Endpoint, Question
from web.parameters import Param

_KIND = Param("kind", p.text, "kind of result, such as n_minus_1", required=True, example="n_minus_1")
_LIMIT = Param(
    "limit",
    p.whole(0, answers.MAX_ROWS),
    "rows of the table at most",
    {"type": "integer", "minimum": 0, "maximum": answers.MAX_ROWS},
    default=1_000,
)


def result_list(q: Question, *, kind: str | None) -> Any:
    """The saved results, the newest first."""
    return answers.result_list(q.district, kind)


def saved_result(q: Question, *, kind: str, name: str, table: str | None, limit: int) -> Any:
    """One saved result."""
    return answers.saved_result(q.district, kind, name, table=table, limit=limit)


def difference(q: Question, *, kind: str, old: str, new: str, table: str, limit: int) -> Any:
    """The difference of two saved results."""
    return answers.compared_results(q.district, kind, old, new, table=table, limit=limit)


ENDPOINTS: tuple[Endpoint, ...] = (
    Endpoint(
        "/whatif/results",
        "The saved what-if results, the newest first, with what changed in the district since",
        result_list,
        (Param("kind", p.text, "only this kind, such as n_minus_1", example="n_minus_1"),),
        s.array(s.WHATIF_RECORD),
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/result",
        "A saved what-if result: question, figures, and the first rows of one of its proof tables",
        saved_result,
        (
            _KIND,
            Param("name", p.text, "name of the result", required=True),
            Param("table", p.text, "the table whose rows are wanted (default: none)"),
            _LIMIT,
        ),
        s.WHATIF_RECORD,
        action="whatif.read",
    ),
    Endpoint(
        "/whatif/difference",
        "What differs between two saved what-if results of a kind, row by row",
        difference,
        (
            _KIND,
            Param("old", p.text, "name of the earlier result", required=True),
            Param("new", p.text, "name of the later result", required=True),
            Param("table", p.text, "the table that is compared", required=True, example="links"),
            _LIMIT,
        ),
        s.WHATIF_DIFFERENCE,
        action="whatif.read",
    ),
)
