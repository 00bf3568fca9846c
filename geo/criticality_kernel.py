"""Shortest path trees and their repair when arcs go out, compiled: the loops under `geo.criticality`."""

from typing import Any

import numba
import numpy as np

FAR = np.iinfo(np.int64).max // 4
"""The distance of what cannot be reached."""


@numba.njit(cache=True, nogil=True)
def _push(keys: Any, nodes: Any, count: int, key: int, node: int) -> int:
    at = count
    while at > 0:
        above = (at - 1) >> 1
        if keys[above] <= key:
            break
        keys[at], nodes[at] = keys[above], nodes[above]
        at = above
    keys[at], nodes[at] = key, node
    return count + 1


@numba.njit(cache=True, nogil=True)
def _pop(keys: Any, nodes: Any, count: int) -> int:
    """Take the first off the heap; what it was must be read before."""
    count -= 1
    key, node = keys[count], nodes[count]
    at = 0
    while True:
        below = 2 * at + 1
        if below >= count:
            break
        if below + 1 < count and keys[below + 1] < keys[below]:
            below += 1
        if keys[below] >= key:
            break
        keys[at], nodes[at] = keys[below], nodes[below]
        at = below
    keys[at], nodes[at] = key, node
    return count


@numba.njit(cache=True, nogil=True)
def spread(start: Any, head: Any, cost: Any, source: int) -> Any:
    """Dijkstra's shortest path tree from one node, numbered so that everything below a node is one range.

    Parameters
    ----------
    start : (n + 1,) int64, where the arcs out of each node begin
    head : (a,) int64
    cost : (a,) int64, >= 0
    source : node

    Returns
    -------
    (n,) distance, `FAR` where there is no path; (n,) arc by which the tree comes, -1 for none; (n,)
    place in the order of descent; (n,) size of what hangs below, itself included; (r,) the nodes reached
    in the order of descent

    Notes
    -----
    CRS: none.
    Cost: O(a log n).
    Invariant: a node comes after the node that leads to it.
    Source: Dijkstra (1959), doi:10.1007/BF01386390.
    """
    n = len(start) - 1
    distance = np.full(n, FAR, dtype=np.int64)
    by = np.full(n, -1, dtype=np.int64)
    origin = np.full(n, -1, dtype=np.int64)
    settled = np.empty(n, dtype=np.int64)
    done = np.zeros(n, dtype=np.bool_)
    keys = np.empty(len(head) + 1, dtype=np.int64)
    nodes = np.empty(len(head) + 1, dtype=np.int64)
    distance[source] = 0
    count = _push(keys, nodes, 0, 0, source)
    reached = 0
    while count > 0:
        here = nodes[0]
        count = _pop(keys, nodes, count)
        if done[here]:
            continue
        done[here] = True
        settled[reached] = here
        reached += 1
        for arc in range(start[here], start[here + 1]):
            there, far = head[arc], distance[here] + cost[arc]
            if far < distance[there]:
                distance[there], by[there], origin[there] = far, arc, here
                count = _push(keys, nodes, count, far, there)
    settled = settled[:reached]
    size = np.zeros(n, dtype=np.int64)
    for k in range(reached - 1, -1, -1):
        here = settled[k]
        size[here] += 1
        if origin[here] >= 0:
            size[origin[here]] += size[here]
    place = np.full(n, -1, dtype=np.int64)
    free = np.zeros(n, dtype=np.int64)  # the next place below each node
    descent = np.empty(reached, dtype=np.int64)
    for k in range(reached):
        here = settled[k]
        if origin[here] >= 0:
            place[here] = free[origin[here]]
            free[origin[here]] += size[here]
        else:
            place[here] = 0
        free[here] = place[here] + 1
        descent[place[here]] = here
    return distance, by, place, size, descent


@numba.njit(cache=True, nogil=True)
def loads(descent: Any, size: Any, place: Any, owner: Any, weight: Any, owners: int) -> Any:
    """What travels over each owner of arcs: the weight of all nodes whose path in the tree uses it, each once.

    Parameters
    ----------
    descent, size, place : of the tree, see `spread`
    owner : (n,) int64, the owner of the arc by which the tree comes to each node, -1 for none
    weight : (n,) int64
    owners : how many there are

    Returns
    -------
    (owners,) int64

    Notes
    -----
    CRS: none.
    Cost: O(n).
    Invariant: no owner carries more than all weight.
    Source: none.
    """
    total = np.zeros(owners, dtype=np.int64)
    upto = np.zeros(len(descent) + 1, dtype=np.int64)
    for k in range(len(descent)):
        upto[k + 1] = upto[k] + weight[descent[k]]
    on_path = np.zeros(owners, dtype=np.int64)
    stack = np.empty(len(descent), dtype=np.int64)
    depth = 0
    for k in range(len(descent)):
        while depth > 0 and place[stack[depth - 1]] + size[stack[depth - 1]] <= k:
            depth -= 1
            if owner[stack[depth]] >= 0:
                on_path[owner[stack[depth]]] -= 1
        here = descent[k]
        stack[depth] = here
        depth += 1
        own = owner[here]
        if own >= 0:
            if on_path[own] == 0:
                total[own] += upto[k + size[here]] - upto[k]
            on_path[own] += 1
    return total


@numba.njit(cache=True, nogil=True)
def repair(
    out: Any,
    first_root: Any,
    root: Any,
    distance: Any,
    place: Any,
    size: Any,
    descent: Any,
    start: Any,
    head: Any,
    cost: Any,
    owner: Any,
    in_start: Any,
    in_tail: Any,
    in_cost: Any,
    in_owner: Any,
    first_leaf: int,
) -> Any:
    """The new distances of the leaves below the arcs of each owner when that owner is out, one owner at a time.

    What does not hang below an arc of the owner keeps its distance: its path in the tree is still there,
    and no path becomes shorter. What does hang below is settled anew from its neighbours that
    keep theirs.

    Parameters
    ----------
    out : (k,) int64, the owners
    first_root : (owners + 1,) int64, where the roots of each owner begin
    root : (t,) int64, the nodes to which the tree comes by an arc of the owner, by `place`
    distance, place, size, descent : of the tree, see `spread`
    start, head, cost, owner : arcs out of each node; owner -1 never goes out
    in_start, in_tail, in_cost, in_owner : arcs into each node
    first_leaf : nodes from here on are leaves

    Returns
    -------
    (3, c) int64: position in `out`; leaf, counted from 0; its new distance, `FAR` for none

    Notes
    -----
    CRS: none.
    Cost: O(h log h) an owner, h the arcs of what hangs below it.
    Invariant: equal to a search from the start without the owner's arcs.
    Source: Ramalingam & Reps (1996), doi:10.1006/jagm.1996.0046, for the deletion of arcs.
    """
    n = len(distance)
    mark = np.full(n, -1, dtype=np.int64)
    new = np.empty(n, dtype=np.int64)
    below = np.empty(n, dtype=np.int64)
    keys = np.empty(len(head) + n + 1, dtype=np.int64)
    nodes = np.empty(len(head) + n + 1, dtype=np.int64)
    found = np.empty((3, 1024), dtype=np.int64)
    rows = 0
    for k in range(len(out)):
        gone = out[k]
        hanging, leaves, end = 0, 0, -1
        for r in range(first_root[gone], first_root[gone + 1]):
            top = root[r]
            if place[top] < end:
                continue  # below another root
            end = place[top] + size[top]
            for at in range(place[top], end):
                here = descent[at]
                below[hanging], mark[here], new[here] = here, k, FAR
                hanging += 1
                leaves += here >= first_leaf
        count = 0
        for at in range(hanging):
            here, best = below[at], FAR
            for arc in range(in_start[here], in_start[here + 1]):
                tail = in_tail[arc]
                if in_owner[arc] != gone and mark[tail] != k and distance[tail] < FAR:
                    best = min(best, distance[tail] + in_cost[arc])
            if best < FAR:
                new[here] = best
                count = _push(keys, nodes, count, best, here)
        while count > 0:
            key, here = keys[0], nodes[0]
            count = _pop(keys, nodes, count)
            if key > new[here]:
                continue
            for arc in range(start[here], start[here + 1]):
                there = head[arc]
                if owner[arc] != gone and mark[there] == k and key + cost[arc] < new[there]:
                    new[there] = key + cost[arc]
                    count = _push(keys, nodes, count, new[there], there)
        if rows + leaves > found.shape[1]:
            room = np.empty((3, max(2 * found.shape[1], rows + leaves)), dtype=np.int64)
            room[:, :rows] = found[:, :rows]
            found = room
        for at in range(hanging):
            here = below[at]
            if here >= first_leaf:
                found[0, rows], found[1, rows], found[2, rows] = k, here - first_leaf, new[here]
                rows += 1
    return found[:, :rows]
