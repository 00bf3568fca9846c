"""Two coverages of the same places compared: who gained, who lost, by how many minutes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from geo.coverage import TIME_DIGITS, Coverage
from geo.errors import InputError

CHANGES = ("lost", "gained", "slower", "quicker")
"""What can become of a place: it leaves or enters the limit, or is reached later or sooner on the same side of it."""


@dataclass(frozen=True)
class CoverageChange:
    """Every place that differs, and what that adds up to.

    `table` has id, name, street, persons, change (one of `CHANGES`), team_old, team_new, total_old_s, total_new_s
    (inf: never reached), change_s (new - old, inf or -inf where one of them is never), reason_new.
    """

    limit_s: float
    table: pd.DataFrame

    def totals(self) -> dict[str, Any]:
        """Places and persons by change, places cut off, the greatest delay (None where there is none, or no end)."""
        counts: dict[str, Any] = {}
        for name in CHANGES:
            rows = self.table[self.table["change"] == name]
            counts[f"{name}_places"], counts[f"{name}_persons"] = len(rows), int(rows["persons"].sum())
        delay = self.table["change_s"].max() if len(self.table) else 0.0
        counts["cut_off_places"] = int(
            (np.isinf(self.table["total_new_s"]) & np.isfinite(self.table["total_old_s"])).sum()
        )
        counts["greatest_delay_s"] = float(delay) if np.isfinite(delay) and delay > 0 else None
        return counts

    def to_json(self) -> dict[str, Any]:
        """The change as plain values; never is null."""
        table = self.table.replace([np.inf, -np.inf], np.nan).astype(object)
        rows = table.where(table.notna(), None).to_dict("records")
        return {"limit_s": self.limit_s, "totals": self.totals(), "places": rows}


def coverage_change(old: Coverage, new: Coverage) -> CoverageChange:
    """What becomes of every place from one coverage to another.

    Parameters
    ----------
    old, new : coverages of the same places within the same limit, in any order of rows

    Returns
    -------
    CoverageChange, worst first: lost, gained, slower, quicker, each by persons; no rows where nothing differs

    Raises
    ------
    InputError : other places or another limit

    Notes
    -----
    CRS: none.
    Cost: O(n log n).
    Invariant: compared with itself nothing differs; the other way round lost and gained, slower and quicker
    change places; covered persons of the new are those of the old less lost and more gained.
    Source: none.
    """
    if old.limit_s != new.limit_s:
        raise InputError(f"limit_s={old.limit_s:g} and {new.limit_s:g}: only coverages within one limit compare")
    left, right = (side.table.set_index("id") for side in (old, new))
    if len(left) != len(right) or set(left.index) != set(right.index):
        raise InputError("the coverages are of other places; compare the same places")
    right = right.loc[left.index]
    before, after = (side["total_s"].fillna(np.inf).to_numpy(dtype=np.float64) for side in (left, right))
    with np.errstate(invalid="ignore"):
        change_s = np.round(np.where(before == after, 0.0, after - before), TIME_DIGITS)
    was, will = left["covered"].to_numpy(dtype=bool), right["covered"].to_numpy(dtype=bool)
    change = np.select([was & ~will, will & ~was, after > before, after < before], CHANGES, "")
    table = pd.DataFrame(
        {
            "id": pd.Series(left.index.to_numpy(dtype=object), dtype=object),
            "name": pd.Series(right["name"].to_numpy(dtype=object), dtype=object),
            "street": pd.Series(right["street"].to_numpy(dtype=object), dtype=object),
            "persons": right["persons"].to_numpy(dtype=np.int64),
            "change": pd.Series(change, dtype=object),
            "team_old": pd.Series(left["team_id"].to_numpy(dtype=object), dtype=object),
            "team_new": pd.Series(right["team_id"].to_numpy(dtype=object), dtype=object),
            "total_old_s": before,
            "total_new_s": after,
            "change_s": change_s,
            "reason_new": pd.Series(right["reason"].to_numpy(dtype=object), dtype=object),
        }
    )
    table = table[table["change"] != ""].assign(_rank=lambda rows: rows["change"].map(CHANGES.index))
    table = table.sort_values(["_rank", "persons", "id"], ascending=[True, False, True], kind="stable")
    return CoverageChange(old.limit_s, table.drop(columns="_rank").reset_index(drop=True))
