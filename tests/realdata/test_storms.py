"""The storms of 1945 to 2021 near Nantong: read, blown over the city, compared with what is published."""

import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from geo.storms import KNOT_M_S, annual_exceedance, maximum_wind, return_wind, storm_tracks

pytestmark = pytest.mark.realdata
NANTONG = np.array([[120.86, 32.01]])
YEARS = 77.0


def test_storms_near_nantong(realdata: Path) -> None:
    path = realdata / "nantong" / "jtwc_tracks_within500km_nantong_1945_2021.csv"
    table = pd.read_csv(path)
    named = table["Year"].astype(str) + "-" + table["CY"].astype(str)
    fixes = pd.DataFrame(
        {
            "storm_id": named,
            "time_utc": pd.to_datetime(
                table[["Year", "Month", "Day", "Hour"]].rename(columns=str.lower), utc=True
            ).dt.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "lon": table["Lon"],
            "lat": table["Lat"],
            "wind_m_s": table["VMax"] * KNOT_M_S,
            "pressure_hpa": table["MSLP"],
        }
    ).drop_duplicates(["storm_id", "time_utc"])
    tracks = storm_tracks(fixes)
    assert len(tracks.ids) == 161
    with path.open(encoding="utf-8") as file:
        near = {(r["Year"], r["CY"]) for r in csv.DictReader(file) if float(r["dist_nantong_km"]) <= 500}
    assert len(near) == 161
    wind = maximum_wind(tracks, NANTONG)
    assert wind.shape == (161, 1)
    assert 25.0 < wind.max() < 60.0
    per_year = annual_exceedance(wind, YEARS, [10.8, 17.2, 32.7])[:, 0]
    assert (np.diff(per_year) <= 0).all()
    # 2.24 storms a year influence Nantong (1949-1997, published); counting winds of 10.8 m/s is looser than that.
    assert 0.3 < per_year[0] < 3.0
    winds = [float(return_wind(wind, YEARS, period)[0]) for period in (5, 20, 50)]
    assert winds == sorted(winds)
