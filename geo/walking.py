"""The road network as it is walked: in both directions of every street, not on motorways, at one speed."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from geo.errors import InputError
from geo.network import RoadNetwork
from geo.speeds import ROAD_SPEEDS, RoadSpeed, SpeedTable

_NOT_WALKED = ("motorway", "motorway_link")


def foot_network(network: RoadNetwork) -> RoadNetwork:
    """The same roads with every street open in both directions.

    Parameters
    ----------
    network : road network

    Returns
    -------
    RoadNetwork with the same edges, nodes and components, and an arc each way on every edge

    Notes
    -----
    CRS: the network's.
    Cost: O(e).
    Invariant: whoever may drive from one node to another may walk it, and back.
    Source: one-way signs do not bind who walks.
    """
    edges = np.arange(len(network.edge_tail), dtype=np.int32)
    # A loop without length leads nowhere, in either direction.
    edges = edges[(network.edge_tail != network.edge_head) | (network.edge_length_m > 0)]
    tail, head = network.edge_tail[edges], network.edge_head[edges]
    every = np.ones(len(network.edge_tail), dtype=bool)
    return replace(
        network,
        edge_forward=every,
        edge_backward=every.copy(),
        arc_tail=np.r_[tail, head].astype(np.int32),
        arc_head=np.r_[head, tail].astype(np.int32),
        arc_edge=np.r_[edges, edges].astype(np.int32),
        arc_is_forward=np.r_[np.ones(len(edges), dtype=bool), np.zeros(len(edges), dtype=bool)],
        hash=f"{network.hash}-foot",
    )


def walking_speeds(walk_m_s: float) -> SpeedTable:
    """One speed on every road at every hour.

    Parameters
    ----------
    walk_m_s : m/s, > 0

    Returns
    -------
    SpeedTable

    Raises
    ------
    InputError : a speed that is not above 0

    Notes
    -----
    CRS: none.
    Cost: O(classes).
    Invariant: time = length / speed.
    Source: none.
    """
    if not 0 < walk_m_s < np.inf:
        raise InputError(f"walk_m_s={walk_m_s}: expected metres per second above 0")
    classes = tuple(RoadSpeed(row.highway, walk_m_s * 3.6, 1.0, row.source) for row in ROAD_SPEEDS)
    return SpeedTable(classes, night_factor=1.0)


def walked_factors(network: RoadNetwork) -> NDArray[np.float64]:
    """Which roads are walked at all.

    Parameters
    ----------
    network : road network

    Returns
    -------
    (e,) 0 on motorways and their slip roads, 1 elsewhere

    Notes
    -----
    CRS: none.
    Cost: O(e).
    Invariant: 0 or 1.
    Source: motorways are closed to who walks.
    """
    closed = np.array([row.highway in _NOT_WALKED for row in ROAD_SPEEDS])
    return np.where(closed[network.edge_class], 0.0, 1.0)
