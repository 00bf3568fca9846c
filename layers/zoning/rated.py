"""What an enterprise holds of hazardous substances, rated by the table of critical quantities."""

import pandas as pd

from data.major_hazard_table import critical_quantity, is_cautious
from geo.major_hazard import Substance


def rated_substances(held: pd.DataFrame) -> tuple[list[Substance], list[str], list[str]]:
    """What one enterprise holds with its critical quantities, the names that have none, and those rated cautiously."""
    substances, unmatched, cautious = [], [], []
    for item in held.to_dict("records"):
        found = critical_quantity(str(item["name"]), str(item.get("cas") or ""), str(item.get("hazard_class") or ""))
        if found is None:
            unmatched.append(str(item["name"]))
            continue
        if is_cautious(str(item["name"]), found):
            cautious.append(f"{item['name']} -> {found.name}, {found.threshold_t:g} t")
        substances.append(Substance(str(item["name"]), float(item["quantity_t"]), found.threshold_t, found.beta))
    return substances, unmatched, cautious
