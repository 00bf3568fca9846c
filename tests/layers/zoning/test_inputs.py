"""What a zoning run reads is kept with the view: each CRS for itself."""

from pathlib import Path

import numpy as np

from data.parameters import parameters
from data.store import Store
from geo.crs import to_metric
from geo.grid import Grid
from layers.district import District, metric_points
from layers.zoning.inputs import Inputs
from tests.layers.conftest import EPSG, NOW, fill

OTHER = 32651  # UTM zone 51N
"""Another metric CRS that holds the town."""


def test_places_in_another_crs_do_not_take_the_place_of_the_districts(tmp_path: Path) -> None:
    assert OTHER != EPSG
    with Store.create(str(tmp_path / "town.gpkg"), name="小镇", epsg=EPSG) as store:
        fill(store)
        view = District(store, clock=lambda: NOW).view()
        points = np.array([[120.8, 32.0], [120.9, 32.1]])
        for epsg in (OTHER, EPSG):
            low, high = to_metric(points, epsg=epsg)
            grid = Grid.covering((*low, *high), cell=100.0, epsg=epsg)
            mine = Inputs(view, parameters(on=NOW.date(), store=store), grid, NOW)
            expected = metric_points(view.frame("team"), epsg)
            assert np.array_equal(mine.points("team"), expected)
            assert np.array_equal([(p.x, p.y) for p in mine.shapes("team")], expected)
            assert np.array_equal(view.points_m("team"), metric_points(view.frame("team"), EPSG))
        assert not np.array_equal(metric_points(view.frame("team"), OTHER), view.points_m("team"))
