"""`onemap bench`: coverage and nearest depots beside other engines, in one run, as ratios.

Every engine runs in a process of its own, so that its peak memory is its own, on the same graph
with the same weights; its results are compared with SciPy's before anything is timed.
"""

import importlib
import importlib.metadata
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError, NotFound, Unavailable
from layers.bench_closures import closure_line

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

TEAMS, PLACES, DEPOTS, QUESTIONS = 30, 10_000, 1_000, 40
_TOLERANCE_S = 0.01
_CHECKED = 3  # questions whose answers are compared
_LONGEST_S = 1_800.0  # of one engine in all
_OURS = "onemap"


@dataclass(frozen=True)
class Problem:
    """One graph and what is asked of it; arcs are simple, times are whole milliseconds."""

    nodes: int
    xy_m: Floats
    tail: Ints
    head: Ints
    ms: Ints
    teams: Ints
    places: Ints
    depots: Ints
    questions: Ints
    order: Ints

    @classmethod
    def read(cls, folder: Path) -> "Problem":
        """The problem that `_prepare` wrote."""
        with np.load(folder / "problem.npz", allow_pickle=False) as kept:
            return cls(nodes=int(kept["nodes"]), **{name: kept[name] for name in kept.files if name != "nodes"})


class Solver(Protocol):
    """An engine that has taken in the graph."""

    def coverage(self) -> Floats:
        """(teams, places) s."""
        ...

    def nearest(self, place: int) -> Floats:
        """(depots,) s, from every depot to one place."""
        ...


# -- the engines ----------------------------------------------------------------------------------


class _Ours:
    """What the server runs: snapping within edges, matrices, and the whole answers on top."""

    def __init__(self, problem: Problem, folder: Path) -> None:
        from geo.times import TravelTimes

        self.network = _network(folder)
        self.times = TravelTimes(self.network, order=problem.order.tolist() or None)
        xy = self.network.node_xy_m
        self.teams = self.network.snap(xy[problem.teams])
        self.places = self.network.snap(xy[problem.places])
        self.depots = self.network.snap(xy[problem.depots])
        self._whole = _Whole(problem)

    def coverage(self) -> Floats:
        return self.times.matrix_s(self.teams, self.places)

    def nearest(self, place: int) -> Floats:
        return self.times.matrix_s(self.depots, self.network.snap(self.network.node_xy_m[[place]]))[:, 0]

    def extras(self, problem: Problem) -> dict[str, Callable[[], Any]]:
        """The whole answers: the proof table of coverage, one plan with its reasons as JSON, a closure."""
        turn = iter(range(10**9))

        def plan() -> Any:
            place = int(problem.questions[next(turn) % len(problem.questions)])
            return self._whole.plan(self, place)

        from layers.bench_closures import closure_tasks

        tasks = closure_tasks(self.times, self.teams, self.places, partial(self._whole.covered, self))
        return {"proof_table_ms": lambda: self._whole.proof(self), "supply_plan_ms": plan, **tasks}


class _Whole:
    """Villages, teams and stock for whole answers, made by the seed."""

    def __init__(self, problem: Problem) -> None:
        import pandas as pd

        from geo.coverage import team_table
        from geo.supply import stock_table

        rng = np.random.default_rng(1)
        n, m, d = len(problem.places), len(problem.teams), len(problem.depots)
        self.places = pd.DataFrame(
            {
                "id": [f"v{i}" for i in range(n)],
                "name": [f"village {i}" for i in range(n)],
                "street": [f"street {i % 19}" for i in range(n)],
                "persons": rng.integers(0, 2_000, n),
            }
        )
        every = np.ones(m, dtype=bool)
        ids = [f"t{j}" for j in range(m)]
        self.teams = team_table(ids, ["street"] * m, np.full(m, np.nan), hour=8, has_skill=every, on_duty=every)
        self.depots = [f"d{j:04d}" for j in range(d)]
        lots = max(10, 10 * d)
        on_hand = rng.integers(0, 500, lots) * 1000
        self.stock = stock_table(
            pd.DataFrame(
                {
                    "depot_id": [self.depots[j] for j in rng.integers(0, d, lots)],
                    "item_id": [f"item {j}" for j in rng.integers(0, 62, lots)],
                    "lot": [f"l{j}" for j in range(lots)],
                    "on_hand_e3": on_hand,
                    "reserved_e3": np.minimum(on_hand, rng.integers(0, 100, lots) * 1000),
                    "on_hold_e3": 0,
                    "status": np.where(rng.random(lots) < 0.9, "usable", "quarantined"),
                    "expires_on": [f"{y}-06-30" for y in rng.integers(2025, 2030, lots)],
                }
            ),
            items=[f"item {j}" for j in range(62)],
        )
        self.at = datetime(2026, 7, 1, tzinfo=UTC)

    def proof(self, ours: _Ours) -> Any:
        return self.covered(ours, ours.times.matrix_s(ours.teams, ours.places)).totals()

    def covered(self, ours: _Ours, travel_s: Floats, open_s: Floats | None = None) -> Any:
        from geo.coverage import coverage
        from geo.times import last_leg_s

        legs_s = last_leg_s(ours.places.access_m)[:, None] + last_leg_s(ours.teams.access_m)[None, :]
        return coverage(
            self.places,
            self.teams,
            travel_s=travel_s.T,
            last_leg_s=legs_s,
            has_road=ours.places.edge >= 0,
            open_travel_s=None if open_s is None else open_s.T,
        )

    def plan(self, ours: _Ours, place: int) -> Any:
        from geo.supply import arrivals, plan_supply
        from geo.times import last_leg_s

        there = ours.network.snap(ours.network.node_xy_m[[place]])
        travel_s = ours.times.matrix_s(ours.depots, there)[:, 0]
        legs_s = last_leg_s(ours.depots.access_m) + last_leg_s(there.access_m)[0]
        found = plan_supply(
            self.stock, arrivals(self.depots, travel_s, legs_s), {"item 0": 500}, at=self.at, within_s=3600.0
        )
        return found.to_json()


class _RawEngine:
    """routingkit-cch as it comes, on one thread: the floor under ours."""

    def __init__(self, problem: Problem, folder: Path) -> None:
        self.engine = importlib.import_module("routingkit_cch")
        self.problem = problem
        hierarchy = self.engine.CCH(problem.order.tolist(), problem.tail.tolist(), problem.head.tolist(), False)
        self.metric = self.engine.CCHMetric(hierarchy, problem.ms.tolist())
        self.pinned = self.engine.CCHManyToOne(self.metric, problem.depots.tolist())

    def coverage(self) -> Floats:
        return self._rows(self.problem.places.tolist())

    def nearest(self, place: int) -> Floats:
        return _seconds(self.pinned.distances_to(place))

    def extras(self, problem: Problem) -> dict[str, Callable[[], Any]]:
        """The same teams to every node of the graph."""
        return {"one_to_all_ms": lambda: self._rows(list(range(problem.nodes)))}

    def _rows(self, targets: list[int]) -> Floats:
        query = self.engine.CCHOneToMany(self.metric, targets)
        return np.array([_seconds(query.distances_from(team)) for team in self.problem.teams.tolist()])


class _SciPy:
    def __init__(self, problem: Problem, folder: Path) -> None:
        sparse = importlib.import_module("scipy.sparse")
        self.dijkstra = importlib.import_module("scipy.sparse.csgraph").dijkstra
        self.problem = problem
        shape = (problem.nodes, problem.nodes)
        weights = problem.ms.astype(np.float64)
        self.graph = sparse.coo_array((weights, (problem.tail, problem.head)), shape=shape).tocsr()
        self.reverse = sparse.coo_array((weights, (problem.head, problem.tail)), shape=shape).tocsr()

    def coverage(self) -> Floats:
        found: Floats = self.dijkstra(self.graph, indices=self.problem.teams)
        return found[:, self.problem.places] / 1000.0

    def nearest(self, place: int) -> Floats:
        found: Floats = self.dijkstra(self.reverse, indices=place)
        return found[self.problem.depots] / 1000.0


class _NetworkX:
    def __init__(self, problem: Problem, folder: Path) -> None:
        nx = importlib.import_module("networkx")
        self.problem = problem
        self.lengths = nx.single_source_dijkstra_path_length
        self.graph = nx.DiGraph()
        self.graph.add_nodes_from(range(problem.nodes))
        arcs = zip(problem.tail.tolist(), problem.head.tolist(), problem.ms.tolist(), strict=True)
        self.graph.add_weighted_edges_from(arcs)
        self.reverse = self.graph.reverse(copy=False)

    def coverage(self) -> Floats:
        return np.array([self._row(self.graph, team, self.problem.places) for team in self.problem.teams])

    def nearest(self, place: int) -> Floats:
        return self._row(self.reverse, place, self.problem.depots)

    def _row(self, graph: Any, source: int, targets: Ints) -> Floats:
        found = self.lengths(graph, int(source))
        return np.array([found.get(target, np.inf) for target in targets.tolist()]) / 1000.0


class _NetworKit:
    def __init__(self, problem: Problem, folder: Path) -> None:
        self.nk = importlib.import_module("networkit")
        self.problem = problem
        self.graph = self._graph(problem, problem.tail, problem.head)
        self.reverse = self._graph(problem, problem.head, problem.tail)

    def _graph(self, problem: Problem, tail: Ints, head: Ints) -> Any:
        arcs = (problem.ms.astype(np.float64), (tail.astype(np.uint64), head.astype(np.uint64)))
        return self.nk.GraphFromCoo(arcs, n=problem.nodes, weighted=True, directed=True)

    def coverage(self) -> Floats:
        return np.array([self._row(self.graph, team)[self.problem.places] for team in self.problem.teams])

    def nearest(self, place: int) -> Floats:
        return self._row(self.reverse, place)[self.problem.depots]

    def _row(self, graph: Any, source: int) -> Floats:
        search = self.nk.distance.Dijkstra(graph, int(source), storePaths=False)
        search.run()
        found = np.asarray(search.getDistances(asarray=True), dtype=np.float64)
        return np.where(found < 1e300, found, np.inf) / 1000.0


class _Igraph:
    def __init__(self, problem: Problem, folder: Path) -> None:
        igraph = importlib.import_module("igraph")
        self.problem = problem
        arcs = np.column_stack([problem.tail, problem.head])
        self.graph = igraph.Graph(n=problem.nodes, edges=arcs, directed=True)
        self.weights = problem.ms.tolist()

    def coverage(self) -> Floats:
        teams, places = self.problem.teams.tolist(), self.problem.places.tolist()
        return np.array(self.graph.distances(teams, places, weights=self.weights, mode="out")) / 1000.0

    def nearest(self, place: int) -> Floats:
        depots = self.problem.depots.tolist()
        return np.array(self.graph.distances([place], depots, weights=self.weights, mode="in")[0]) / 1000.0


class _Rustworkx:
    def __init__(self, problem: Problem, folder: Path) -> None:
        rustworkx = importlib.import_module("rustworkx")
        self.problem = problem
        self.lengths = rustworkx.digraph_dijkstra_shortest_path_lengths
        self.graph = rustworkx.PyDiGraph(multigraph=False)
        self.graph.add_nodes_from(range(problem.nodes))
        weights = problem.ms.astype(np.float64).tolist()
        self.graph.add_edges_from(list(zip(problem.tail.tolist(), problem.head.tolist(), weights, strict=True)))
        self.reverse = self.graph.copy()
        self.reverse.reverse()

    def coverage(self) -> Floats:
        return np.array([self._row(self.graph, team, self.problem.places) for team in self.problem.teams])

    def nearest(self, place: int) -> Floats:
        return self._row(self.reverse, place, self.problem.depots)

    def _row(self, graph: Any, source: int, targets: Ints) -> Floats:
        found = dict(self.lengths(graph, int(source), float))
        found[int(source)] = 0.0
        return np.array([found.get(target, np.inf) for target in targets.tolist()]) / 1000.0


class _Pandana:
    def __init__(self, problem: Problem, folder: Path) -> None:
        pandas = importlib.import_module("pandas")
        pandana = importlib.import_module("pandana")
        self.problem = problem
        # It keeps whole thousandths and cuts what is behind them off.
        weights = pandas.DataFrame({"s": (problem.ms + 0.5) / 1000.0})
        x, y = pandas.Series(problem.xy_m[:, 0]), pandas.Series(problem.xy_m[:, 1])
        tail, head = pandas.Series(problem.tail), pandas.Series(problem.head)
        self.network = pandana.Network(x, y, tail, head, weights, twoway=False)

    def coverage(self) -> Floats:
        shape = (len(self.problem.teams), len(self.problem.places))
        pairs = np.repeat(self.problem.teams, shape[1]), np.tile(self.problem.places, shape[0])
        return self._lengths(*pairs).reshape(shape)

    def nearest(self, place: int) -> Floats:
        return self._lengths(self.problem.depots, np.full(len(self.problem.depots), place))

    def _lengths(self, a: Ints, b: Ints) -> Floats:
        found = np.array(self.network.shortest_path_lengths(a.tolist(), b.tolist(), imp_name="s"))
        return np.where(found < 4e6, found, np.inf)  # its number for no route is 4294967.295


@dataclass(frozen=True)
class Engine:
    """An engine of the comparison: its name, the module that must be there, and how it is made."""

    name: str
    module: str
    distribution: str
    make: Callable[[Problem, Path], Any]


ENGINES: tuple[Engine, ...] = (
    Engine(_OURS, "geo.times", "district-onemap", _Ours),
    Engine("routingkit-cch", "routingkit_cch", "routingkit-cch", _RawEngine),
    Engine("scipy", "scipy", "scipy", _SciPy),
    Engine("networkit", "networkit", "networkit", _NetworKit),
    Engine("igraph", "igraph", "igraph", _Igraph),
    Engine("rustworkx", "rustworkx", "rustworkx", _Rustworkx),
    Engine("networkx", "networkx", "networkx", _NetworkX),
    Engine("pandana", "pandana", "pandana", _Pandana),
)
"""Ours first, then the engine under it, then the peers."""


# -- in the processes of the engines --------------------------------------------------------------


def _network(folder: Path) -> Any:
    import geopandas as gpd

    from geo.network import road_network

    told = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    roads = gpd.read_parquet(told["roads"])
    if roads.crs is None:
        raise InputError(f"{told['roads']}: the file names no CRS; write one into it")
    roads = roads.to_crs(4326)
    return road_network(roads, epsg=int(roads.estimate_utm_crs().to_epsg()))


def _prepare(folder: Path) -> None:
    """Write the problem and SciPy's answers to it."""
    from geo.times import TravelTimes, contraction_order

    told = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    network = _network(folder)
    if len(network.arc_tail) == 0:
        raise InputError(f"{told['roads']}: there is no road in it")
    begun = time.perf_counter()
    order = contraction_order(network)
    order_s = time.perf_counter() - begun
    times = TravelTimes(network, engine="scipy")
    n = len(network.node_xy_m)
    tail, head, ms = _simple(n, network.arc_tail, network.arc_head, times._arc_weight)
    rng = np.random.default_rng(told["seed"])
    main = np.flatnonzero(network.is_main)
    counts = {name: min(len(main), told[name]) for name in ("teams", "places", "depots", "questions")}
    chosen = {name: rng.choice(main, count, replace=False) for name, count in counts.items()}
    np.savez(
        folder / "problem.npz",
        nodes=n,
        xy_m=network.node_xy_m,
        tail=tail,
        head=head,
        ms=ms,
        order=np.array(order, dtype=np.int64),
        **chosen,
    )
    solver = _SciPy(Problem.read(folder), folder)
    answers = [solver.nearest(int(q)) for q in chosen["questions"][:_CHECKED]]
    np.savez(folder / "reference.npz", coverage=solver.coverage(), nearest=np.array(answers))
    told |= {"nodes": n, "arcs": len(network.arc_tail), "order_s": round(order_s, 3), **counts}
    (folder / "problem.json").write_text(json.dumps(told), encoding="utf-8")


def _simple(nodes: int, tail: Any, head: Any, ms: Any) -> tuple[Ints, Ints, Ints]:
    """Arcs without self loops, the quickest of parallel ones: what every engine understands alike."""
    keep = np.flatnonzero(tail != head)
    keep = keep[np.lexsort((ms[keep], head[keep], tail[keep]))]
    pair = tail[keep].astype(np.int64) * nodes + head[keep]
    keep = keep[np.append(True, pair[1:] != pair[:-1])] if len(keep) else keep
    return tail[keep].astype(np.int64), head[keep].astype(np.int64), ms[keep].astype(np.int64)


def _measure(engine: Engine, folder: Path) -> dict[str, Any]:
    """Make one engine, compare its answers with the reference, then time it."""
    problem = Problem.read(folder)
    told = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
    before_mb = _peak_mb()
    begun = time.perf_counter()
    solver = engine.make(problem, folder)
    prepare_s = time.perf_counter() - begun
    questions = problem.questions.tolist()
    with np.load(folder / "reference.npz", allow_pickle=False) as reference:
        difference_s = _difference(solver.coverage(), reference["coverage"])
        for question, expected in zip(questions, reference["nearest"], strict=False):
            difference_s = max(difference_s, _difference(solver.nearest(question), expected))
    result: dict[str, Any] = {"prepare_s": round(prepare_s, 3), "difference_s": difference_s}
    if difference_s > _TOLERANCE_S:
        return {**result, "difference_s": min(difference_s, 1e9), "failed": "its results differ; not timed"}
    budget_s = float(told["budget_s"])
    result["coverage_ms"] = _timed(solver.coverage, budget_s)
    rest = iter(questions * 1000)
    result["nearest_ms"] = _timed(lambda: solver.nearest(next(rest)), budget_s, most=len(questions))
    extras = solver.extras(problem) if hasattr(solver, "extras") else {}
    for name, task in extras.items():
        result[name] = _timed(task, budget_s, most=len(questions))
    return {**result, "start_mb": before_mb, "peak_mb": _peak_mb()}


def _difference(found: Floats, expected: Floats) -> float:
    """The largest difference in seconds; infinite where one has a route and the other none."""
    if found.shape != expected.shape or not np.array_equal(np.isfinite(found), np.isfinite(expected)):
        return float("inf")
    finite = np.isfinite(expected)
    return float(np.abs(found[finite] - expected[finite]).max(initial=0.0))


def _timed(task: Callable[[], Any], budget_s: float, *, most: int = 9) -> float:
    """Median milliseconds of up to `most` runs within the budget, three at least, after one to warm up."""
    task()
    taken: list[float] = []
    begun = time.perf_counter()
    while len(taken) < 3 or (len(taken) < most and time.perf_counter() - begun < budget_s):
        start = time.perf_counter()
        task()
        taken.append((time.perf_counter() - start) * 1000.0)
    return round(statistics.median(taken), 4)


def _peak_mb() -> float | None:
    """Peak resident memory of this process alone, where the system tells."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not getrusage: there a child inherits the peak of the process that started it.
        for line in status.read_text(encoding="ascii", errors="replace").splitlines():
            if line.startswith("VmHWM:"):
                return round(int(line.split()[1]) / 1024.0, 1)
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024.0**2 if sys.platform == "darwin" else 1024.0), 1)


def _seconds(values: Any) -> Floats:
    found = np.array([np.inf if value is None else value for value in values], dtype=np.float64)
    return found / 1000.0


# -- the run --------------------------------------------------------------------------------------


def run_bench(
    roads: Path | None,
    *,
    output: Path | None = None,
    say: Callable[[str], Any],
    seed: int = 1,
    budget_s: float = 3.0,
    sizes: tuple[int, int, int, int] = (TEAMS, PLACES, DEPOTS, QUESTIONS),
) -> dict[str, Any]:
    """Measure every engine on one road network (GeoParquet) and say the table; saved as JSON on demand.

    `sizes` are teams, places, depots and places asked about. An engine that is not installed is
    said to be absent; one whose results differ is not timed.
    """
    path = roads or default_roads()
    if not path.is_file():
        raise NotFound(f"roads={path}: there is no such file; name a road network in GeoParquet with --roads")
    with tempfile.TemporaryDirectory(prefix="onemap-bench-") as name:
        folder = Path(name)
        counts = dict(zip(("teams", "places", "depots", "questions"), sizes, strict=True))
        told = {"roads": str(path.resolve()), "seed": seed, "budget_s": budget_s, **counts}
        (folder / "problem.json").write_text(json.dumps(told), encoding="utf-8")
        say(f"preparing {path.name}")
        failure = _in_own_process("prepare", folder)
        if failure:
            raise Unavailable(f"the bench could not be prepared: {failure}")
        told = json.loads((folder / "problem.json").read_text(encoding="utf-8"))
        rows = []
        for engine in ENGINES:
            say(f"measuring {engine.name}")
            rows.append(_row(engine, folder))
    report = {
        "measured_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "platform": platform.platform(),
            "python": platform.python_version(),
            "processors": os.cpu_count(),
        },
        **{key: value for key, value in told.items() if key != "roads"},
        "roads": path.name,
        "engines": rows,
    }
    for line in bench_lines(report):
        say(line)
    if output is not None:
        output.write_text(json.dumps(report, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return report


def bench_lines(report: dict[str, Any]) -> Iterator[str]:
    """The table of a run, as ratios to ours: 10 means that ours is ten times as fast."""
    rows: list[dict[str, Any]] = report["engines"]
    ours = next((row for row in rows if row["engine"] == _OURS), {})
    yield (
        f"{report['roads']}: {report['nodes']:,} nodes, {report['arcs']:,} arcs; "
        f"{report['teams']} teams x {report['places']:,} places; nearest of {report['depots']:,} depots; "
        f"seed {report['seed']}, {report['machine']['processors']} processors"
    )
    yield (
        f"{'engine':<16}{'version':<10}{'prepare s':>10}{'coverage ms':>13}{'ratio':>8}"
        f"{'nearest ms':>12}{'ratio':>9}{'peak MB':>9}"
    )
    for row in rows:
        head = f"{row['engine']:<16}{row.get('version') or '-':<10}"
        if "coverage_ms" not in row:
            yield head + (f"absent: {row['absent']}" if "absent" in row else f"failed: {row['failed']}")
            continue
        yield (
            f"{head}{row['prepare_s']:>10.2f}{row['coverage_ms']:>13.1f}{_ratio(row, ours, 'coverage_ms'):>8}"
            f"{row['nearest_ms']:>12.3f}{_ratio(row, ours, 'nearest_ms'):>9}{row['peak_mb'] or 0:>9.0f}"
        )
    if "proof_table_ms" in ours:
        raw = next((row for row in rows if "one_to_all_ms" in row), None)
        times = ""
        if raw is not None:
            all_, pinned = (
                ours["proof_table_ms"] / raw["one_to_all_ms"],
                ours["proof_table_ms"] / raw["coverage_ms"],
            )
            times = (
                f": {all_:.2f} times the raw engine's one-to-all ({raw['one_to_all_ms']:.0f} ms), "
                f"{pinned:.2f} times its one-to-many to the same places"
            )
        yield f"coverage with its proof table {ours['proof_table_ms']:.1f} ms{times}"
        yield f"supply plan with its reasons, as JSON, {ours['supply_plan_ms']:.2f} ms"
        yield closure_line(ours)


def _ratio(row: dict[str, Any], ours: dict[str, Any], name: str) -> str:
    return f"{row[name] / ours[name]:.2f}" if name in ours else "-"


def _row(engine: Engine, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"engine": engine.name}
    try:
        row["version"] = importlib.metadata.version(engine.distribution)
    except importlib.metadata.PackageNotFoundError:
        row["version"] = None
    if importlib.util.find_spec(engine.module) is None:
        return {**row, "absent": "not installed; the extra [bench] brings it"}
    failure = _in_own_process(engine.name, folder)
    if failure:
        return {**row, "failed": failure}
    result: dict[str, Any] = json.loads((folder / f"{engine.name}.json").read_text(encoding="utf-8"))
    return {**row, **result}


def _in_own_process(what: str, folder: Path) -> str:
    """Run one step in a fresh interpreter; its last words where it failed, else nothing."""
    home = str(Path(__file__).resolve().parents[1])
    paths = [home, *(p for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p)]
    try:
        done = subprocess.run(
            [sys.executable, "-m", "layers.bench", what, str(folder)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=_LONGEST_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"not ready after {_LONGEST_S:.0f} s"
    if done.returncode == 0:
        return ""
    said = [line for line in done.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return said[-1].strip() if said else f"ended with {done.returncode}"


def default_roads() -> Path:
    """Nanjing, in the folder of real cities."""
    named = os.environ.get("ONEMAP_REALDATA")
    folder = Path(named) if named else Path(__file__).resolve().parents[2] / "shared" / "realdata"
    return folder / "nanjing" / "roads.parquet"


def _main(what: str, folder: Path) -> None:
    if what == "prepare":
        _prepare(folder)
        return
    engine = next(e for e in ENGINES if e.name == what)
    result = _measure(engine, folder)
    (folder / f"{what}.json").write_text(json.dumps(result), encoding="utf-8")


if __name__ == "__main__":
    _main(sys.argv[1], Path(sys.argv[2]))
