"""The register of enterprises graded as major hazards, with the rows that prove each grade."""

from typing import Any

import numpy as np
import pandas as pd

from data.major_hazard_table import critical_quantities, table_hash
from data.parameters import ParameterSet
from geo.exposure import persons_within
from geo.major_hazard import GradingRule, major_hazard
from layers.zoning.indicators import persons_in_cells
from layers.zoning.inputs import Inputs
from layers.zoning.rated import rated_substances


def grading_rule(p: ParameterSet) -> GradingRule:
    """The tables of alpha and of the grades in the parameter set."""
    alpha = {float(least): value for least, value in p.prefix("major_hazard.alpha.").items()}
    grades = {int(grade): least for grade, least in p.prefix("major_hazard.r.lower.").items()}
    return GradingRule(
        tuple(sorted(alpha.items(), reverse=True)), tuple((grades[grade], grade) for grade in sorted(grades))
    )


def major_hazards(inputs: Inputs) -> pd.DataFrame:
    """One row an enterprise with substances: id, name, x, y (m), s, r, alpha, persons, level, rows, unmatched."""

    def make() -> pd.DataFrame:
        held = inputs.frame("substance")
        enterprises = inputs.frame("enterprise")
        mine = enterprises["id"].isin(set(held["enterprise_id"])).to_numpy(dtype=bool)
        xy = inputs.points("enterprise")[mine]
        persons = persons_in_cells(inputs).reshape(-1)
        cells = np.flatnonzero(persons)
        placed = np.isfinite(xy).all(axis=1)
        around = np.zeros(len(xy), dtype=np.int64)
        reach_m = inputs.parameters["major_hazard.radius_m"]
        around[placed] = persons_within(xy[placed], reach_m, inputs.grid.centres(cells), persons[cells])
        rule = grading_rule(inputs.parameters)
        by_enterprise = dict(iter(held.groupby("enterprise_id")))
        rows: list[dict[str, Any]] = []
        cautious: dict[str, str] = {}
        for k, row in enumerate(enterprises[mine][["id", "name"]].to_dict("records")):
            substances, unmatched, unsure = rated_substances(by_enterprise[row["id"]])
            if unsure:
                cautious[str(row["name"])] = unsure[-1]
            graded = major_hazard(substances, int(around[k]), rule)
            rows.append(
                {
                    "id": str(row["id"]),
                    "name": str(row["name"]),
                    "x": xy[k, 0],
                    "y": xy[k, 1],
                    "s": round(graded.s, 6),
                    "r": round(graded.r, 6),
                    "alpha": graded.alpha,
                    "persons": graded.persons,
                    "level": graded.level,
                    "rows": graded.rows,
                    "unmatched": "; ".join(unmatched),
                }
            )
        table = pd.DataFrame(
            rows, columns=["id", "name", "x", "y", "s", "r", "alpha", "persons", "level", "rows", "unmatched"]
        )
        missing = table.loc[table["unmatched"] != "", "name"]
        if len(missing):
            first = f"{missing.iloc[0]}: {table.loc[missing.index[0], 'unmatched']}"
            inputs.notice(
                f"{len(missing)} 家企业有物质查不到临界量, 未计入重大危险源分级(如 {first})",
                f"substances of {len(missing)} enterprises have no critical quantity and were not counted "
                f"(first: {first})",
            )
        if cautious:
            where, what = next(iter(cautious.items()))
            inputs.notice(
                f"{len(cautious)} 家企业有物质未写明类别, 临界量从严取值(如 {where}: {what})",
                f"substances of {len(cautious)} enterprises do not say of which kind they are; the smaller critical "
                f"quantity was taken (first: {where}: {what})",
            )
        return table

    for name in ("substance", "enterprise", "village"):
        inputs.frame(name)
    inputs.note_standard("GB 18218-2018", table_hash(), "tables 1 and 2 of the standard", len(critical_quantities()))
    return inputs.kept("major hazards", make)
