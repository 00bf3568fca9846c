"""The comparison with other engines: equal results, absent peers, the saved figures."""

import json
import math
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import InputError, NotFound, Unavailable
from layers import bench, bench_zoning
from layers.bench import Engine, bench_lines, run_bench
from layers.bench_criticality import run_bench_criticality
from layers.bench_zoning import run_bench_zoning


@pytest.fixture(scope="module")
def roads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A street grid of 9 x 9 junctions, two-way, with a street apart from it."""
    at = 118.7 + np.arange(9) * 0.002, 32.0 + np.arange(9) * 0.002
    lines = [[(x, at[1][j]), (x, at[1][j + 1])] for x in at[0] for j in range(8)]
    lines += [[(at[0][i], y), (at[0][i + 1], y)] for y in at[1] for i in range(8)]
    lines += [[(118.9, 32.0), (118.901, 32.0)]]
    frame = gpd.GeoDataFrame({"highway": ["residential"] * len(lines)}, geometry=shapely.linestrings(lines), crs=4326)
    path = tmp_path_factory.mktemp("bench") / "grid.parquet"
    frame.to_parquet(path)
    return path


@pytest.fixture(scope="module")
def report(roads: Path) -> tuple[dict[str, Any], list[str], Any]:
    """One run without slow peers; one that is not installed, one that breaks, one that is wrong."""
    said: list[str] = []
    saved = roads.parent / "bench.json"
    with pytest.MonkeyPatch.context() as patch:
        kept = [e for e in bench.ENGINES if e.name in ("onemap", "routingkit-cch", "scipy")]
        absent = Engine("nowhere", "a_module_that_is_not_there", "nowhere", bench._SciPy)
        unknown = Engine("unknown to the process", "json", "nowhere", bench._SciPy)
        patch.setattr(bench, "ENGINES", (*kept, absent, unknown))
        result = run_bench(roads, output=saved, say=said.append, budget_s=0.0, sizes=(5, 30, 12, 4))
    return result, said, json.loads(saved.read_text(encoding="utf-8"))


def test_every_engine_gives_the_same_answers_and_is_timed(report: Any) -> None:
    rows = {row["engine"]: row for row in report[0]["engines"]}
    for name in ("onemap", "routingkit-cch", "scipy"):
        if "absent" in rows[name]:  # no wheel of the engine on this platform
            continue
        assert rows[name]["difference_s"] <= bench._TOLERANCE_S
        assert min(rows[name]["coverage_ms"], rows[name]["nearest_ms"]) > 0
        assert rows[name]["peak_mb"] >= rows[name]["start_mb"] > 0
    whole = {"proof_table_ms", "supply_plan_ms", "closure_ms", "closure_all_pairs_ms", "closure_recount_ms"}
    assert whole <= rows["onemap"].keys()


def test_absent_and_broken_peers_are_said(report: Any) -> None:
    result, said, _ = report
    rows = {row["engine"]: row for row in result["engines"]}
    assert "not installed" in rows["nowhere"]["absent"]
    assert rows["unknown to the process"]["failed"]
    table = "\n".join(said)
    assert "nowhere         -         absent: not installed" in table
    assert "9 teams" not in table
    assert "5 teams x 30 places; nearest of 12 depots" in table


def test_the_saved_file_is_what_was_reported(report: Any) -> None:
    result, _, saved = report
    assert saved == result
    assert (saved["roads"], saved["nodes"], saved["teams"]) == ("grid.parquet", 83, 5)


def test_an_engine_whose_results_differ_is_not_timed(roads: Path, tmp_path: Path) -> None:
    told = {
        "roads": str(roads),
        "seed": 3,
        "budget_s": 0.0,
        "teams": 2,
        "places": 9,
        "depots": 4,
        "questions": 3,
    }
    (tmp_path / "problem.json").write_text(json.dumps(told), encoding="utf-8")
    bench._prepare(tmp_path)

    class Late(bench._SciPy):
        def nearest(self, place: int) -> Any:
            return super().nearest(place) + 1.0

    right = bench._measure(Engine("right", "scipy", "scipy", bench._SciPy), tmp_path)
    wrong = bench._measure(Engine("late", "scipy", "scipy", Late), tmp_path)
    assert right["difference_s"] == 0.0
    assert wrong["difference_s"] == pytest.approx(1.0)
    assert "coverage_ms" not in wrong


@pytest.mark.parametrize("name", ["networkit", "igraph", "rustworkx", "networkx", "pandana"])
def test_a_peer_agrees_where_it_is_installed(name: str, roads: Path, tmp_path: Path) -> None:
    engine = next(e for e in bench.ENGINES if e.name == name)
    pytest.importorskip(engine.module)
    told = {
        "roads": str(roads),
        "seed": 3,
        "budget_s": 0.0,
        "teams": 4,
        "places": 40,
        "depots": 9,
        "questions": 3,
    }
    (tmp_path / "problem.json").write_text(json.dumps(told), encoding="utf-8")
    bench._prepare(tmp_path)
    assert bench._measure(engine, tmp_path)["difference_s"] <= bench._TOLERANCE_S


def test_parallel_arcs_are_reduced_to_the_quickest_and_loops_dropped() -> None:
    tail, head = np.array([0, 0, 1, 1, 2, 0]), np.array([1, 1, 0, 1, 0, 2])
    found = bench._simple(3, tail, head, np.array([9, 4, 7, 1, 5, 8]))
    assert list(zip(*(column.tolist() for column in found), strict=True)) == [
        (0, 1, 4),
        (0, 2, 8),
        (1, 0, 7),
        (2, 0, 5),
    ]


def test_differences_see_missing_routes() -> None:
    assert bench._difference(np.array([1.0, math.inf]), np.array([1.5, math.inf])) == 0.5
    assert bench._difference(np.array([1.0, 2.0]), np.array([1.0, math.inf])) == math.inf
    assert bench._difference(np.array([math.inf]), np.array([math.inf])) == 0.0
    assert bench._difference(np.array([1.0]), np.array([1.0, 2.0])) == math.inf


def test_ratios_are_to_ours() -> None:
    row = {"version": "1", "prepare_s": 1.0, "peak_mb": 100.0}
    lines = list(
        bench_lines(
            {
                "roads": "r",
                "nodes": 1,
                "arcs": 2,
                "teams": 1,
                "places": 1,
                "depots": 1,
                "seed": 1,
                "machine": {"processors": 2},
                "engines": [
                    {**row, "engine": "onemap", "coverage_ms": 2.0, "nearest_ms": 0.5},
                    {**row, "engine": "slow", "coverage_ms": 50.0, "nearest_ms": 2.0},
                ],
            }
        )
    )
    assert lines[3].split()[-5:] == ["50.0", "25.00", "2.000", "4.00", "100"]


def test_roads_that_are_not_there_or_empty_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="--roads"):
        run_bench(tmp_path / "no.parquet", say=str)
    (tmp_path / "bad.parquet").write_bytes(b"nonsense")
    with pytest.raises(Unavailable, match="prepared"):
        run_bench(tmp_path / "bad.parquet", say=str)


def test_the_n_minus_1_bench_compares_what_it_times(roads: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = run_bench_criticality(roads, busiest=20, sizes=(3, 60), output=tmp_path / "n.json", say=said.append)
    assert json.loads((tmp_path / "n.json").read_text(encoding="utf-8")) == found
    assert (found["teams"], found["places"], found["busiest"]) == (3, 60, 20)
    assert found["busiest"] < found["links_in_use"] <= found["links"]
    assert found["compared_links"] == 12
    assert min(found[name] for name in ("busiest_s", "all_in_use_s", "naive_busiest_s")) > 0
    assert any("the naive loop about" in line and line.endswith("x)") for line in said)
    with pytest.raises(NotFound, match="--roads"):
        run_bench_criticality(tmp_path / "no.parquet", say=str)


def test_the_zoning_bench_compares_what_it_times(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        rows = bench_zoning._ROWS
        patch.setattr(bench_zoning, "_ROWS", {k: rows[k] for k in ("province", "zonal_small", "zonal_geopandas")})
        found = run_bench_zoning(scale=1e-5, output=tmp_path / "z.json", say=said.append)
    assert json.loads((tmp_path / "z.json").read_text(encoding="utf-8")) == found
    assert found["province"]["cells"] >= 3_600
    assert all(row["seconds"] > 0 and row["peak_gb"] > 0 for row in found.values())
    np.testing.assert_allclose(found["zonal_small"]["result"], found["zonal_geopandas"]["result"], atol=1e-9)
    assert any("means differ by at most" in line for line in said)


def test_plain_numpy_does_the_same_work(tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        rows = bench_zoning._ROWS
        patch.setattr(bench_zoning, "_ROWS", {k: rows[k] for k in ("middle", "middle_numpy")})
        found = run_bench_zoning(scale=0.01, say=said.append)
    assert found["middle"]["cells"] == found["middle_numpy"]["cells"]
    np.testing.assert_allclose(found["middle"]["result"], found["middle_numpy"]["result"], atol=5e-3)
    assert any(line.startswith("middle_numpy: ") for line in said)


@pytest.mark.parametrize("scale", [0.0, -1.0, 1.5, math.nan])
def test_a_senseless_scale_is_refused(scale: float) -> None:
    with pytest.raises(InputError, match="scale="):
        run_bench_zoning(scale=scale, say=print)
