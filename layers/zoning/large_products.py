"""What a large run leaves: rasters of index, level and each hazard, streets, and zones where the grid allows."""

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from data.rasters import write_cog
from geo.grid import Raster
from layers.zoning.chunked import LargeZoning
from layers.zoning.columns import Columns
from layers.zoning.inputs import Inputs
from layers.zoning.scheme import Scheme


@dataclass(frozen=True)
class LargeProducts:
    """The files."""

    files: tuple[Path, ...]


def write_large(
    out: Path,
    inputs: Inputs,
    scheme: Scheme,
    columns: Columns,
    found: LargeZoning,
    streets: pd.DataFrame,
    about: Mapping[str, Any],
) -> LargeProducts:
    """All files, or none: they are made beside the folder and moved there at the end."""
    part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        write_cog(part / "index.tif", Raster(found.grid, found.index, "index", ""))
        level = np.where(found.level > 0, found.level, np.nan).astype(np.float32)
        write_cog(part / "level.tif", Raster(found.grid, level, "level", ""))
        streets.to_csv(part / "streets.csv", index=False, lineterminator="\r\n", encoding="utf-8-sig")
        (part / "run.json").write_text(
            json.dumps(about, ensure_ascii=False, indent=1, sort_keys=True), encoding="utf-8"
        )
        if out.exists():
            out.rmdir()
        os.replace(part, out)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    return LargeProducts(tuple(sorted(out.iterdir())))
