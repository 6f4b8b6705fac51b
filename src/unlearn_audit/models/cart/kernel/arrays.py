"""What the compiled functions work on: tuples of arrays, since numba compiles those and caches what it compiled.

A record in a node is one number, its *place*: the row, how often it was drawn, and its class, see `PLACE_ROW`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Halves = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float64]

PLACE_ROW, PLACE_WEIGHT = 32, 12
"""By how many bits a place holds its row and its weight; the class has what lies below."""

MOST_WEIGHT, MOST_CLASSES = 2**20, 2**12
"""Weights and numbers of classes stay below these."""

CELL_WEIGHT, CELL_SIZE = 32, 2**32 - 1
"""By how many bits a cell of a histogram holds a weight, and the bits that hold the number of records."""

LEAF, LEAF_SEARCHED, SPLIT = 0, 1, 2
"""Kinds of nodes: a leaf by its size or purity, a leaf since no split of it was allowed, and a split."""

FEW = 8
"""With more changes than that in a node a histogram is made anew."""

MARGIN = 4
"""By how many records a split may miss the smallest leaf and still count in the bounds on what splits can reach."""


class Table(NamedTuple):
    """All records of a world, each value as its rank among those of its feature.

    Attributes
    ----------
    codes
        (features, rows) ranks.
    values
        The distinct values of all features, feature by feature, each ascending, as float32.
    offsets
        (features + 1,) where those of a feature start.
    close
        (features,) whether two neighbouring values are so near that scikit-learn may take them for equal.
    labels
        (rows,) classes.
    near
        How far a value may be above the next lower one to be taken for equal to it.
    """

    codes: npt.NDArray[np.unsignedinteger]
    values: npt.NDArray[np.float32]
    offsets: Ints
    close: npt.NDArray[np.bool_]
    labels: Ints
    near: np.float32


class Rules(NamedTuple):
    """How trees are grown; names of scikit-learn, as numbers of records and features.

    Attributes
    ----------
    entropy
        Whether the criterion is the entropy, not Gini's.
    max_leaf_nodes
        0 for no limit.
    """

    n_classes: int
    max_features: int
    min_samples_leaf: int
    min_samples_split: int
    max_depth: int
    max_leaf_nodes: int
    entropy: bool
    min_impurity_decrease: float


NODE = np.dtype(
    [
        ("threshold", "f8"), ("state", "i8"), ("feature", "i8"), ("right", "i8"), ("start", "i8"), ("stop", "i8"),
        ("kind", "i8"), ("low", "i8"), ("high", "i8"), ("n_low", "i8"), ("n_high", "i8"), ("depth", "i8"),
        ("known", "i8"), ("searches", "i8"),
        ("gain", "f8"), ("n_left", "i8"), ("left", "i8"), ("middle", "i8"), ("place", "i8"), ("end", "i8"),
    ],
    align=True,
)  # fmt: skip
"""A node: how it splits (feature -1 for a leaf), its right child (the left one follows it), the stretch of its places,
its kind, the ranks on both sides of the threshold and how many records have them, its depth, and how things stood
before it was searched: the draws, how many features were known to be constant, and where its searches start. Then what
its split gains, how many records go left, and its place in preorder; where trees grow best-first, its left child (-1 if
it was not split in the end) and where the places of the right one start; and, in the first node, how many there are."""

SEARCH = np.dtype(
    [("value", "f8"), ("second", "f8"), ("stored", "i8"), ("feature", "i8"), ("reach", "i8"), ("level", "i8"),
     ("size", "i8")],
    align=True,
)  # fmt: skip
"""A feature that was searched for a node: the best value of its splits that are allowed, and of all but the best, those
too that a few records more would allow; where its histogram is kept (-1 for nowhere) and how many values that has; how
many records the smaller side of its most even split has, -1 of a constant feature; and the only rank of such a one."""

WAITING = np.dtype([("start", "i8"), ("stop", "i8"), ("depth", "i8"), ("known", "i8"), ("parent", "i8")])
"""A node that waits to be grown; its parent is -1 if it follows it."""

CHANGE = np.dtype([("row", "i8"), ("old", "i8"), ("new", "i8")])
"""A row whose weight in a tree differs from that in the original, and both weights."""

ROOT = np.dtype([("node", "i8"), ("fresh", "i8")])
"""A node of the original below which all was grown anew, and where that starts among the new nodes."""

MOVED = np.dtype([("threshold", "f8"), ("node", "i8")], align=True)
"""A node of the original of which only the threshold changed."""

Records = npt.NDArray[np.void]
Record = Any

Sums = tuple[int, int, int, int, int]
"""Of a node with its changes, see `kernel.verify.summed`."""


class Tree(NamedTuple):
    """A grown tree in preorder, with what its replay needs.

    Attributes
    ----------
    places
        (rows,) the records of each node, a stretch a node.
    nodes
        `NODE`, and one more after the last for where searches end.
    counts, below
        (nodes, classes) weight of each class, and of those that go left.
    order
        (nodes, features) the order of the features before a node was searched.
    searches
        `SEARCH`.
    """

    places: Ints
    nodes: Records
    counts: Halves
    below: Halves
    order: Halves
    searches: Records


class Tally(NamedTuple):
    """Room for the histogram of a feature.

    Attributes
    ----------
    histogram, present, words
        (most values * classes,) cells by rank, a bit for each rank that is there, and in `tally` one for each number
        of such bits that is not 0; zero between two calls.
    ranks, cells
        The ranks that are there, and their cells.
    """

    histogram: Ints
    present: npt.NDArray[np.uint64]
    words: npt.NDArray[np.uint64]
    ranks: Halves
    cells: Ints


class Scratch(NamedTuple):
    """Room to work in.

    Attributes
    ----------
    tally
        Of a feature.
    sums
        (6, classes) weights in a node, on the left of its split, and on both sides of any other, and what changes on
        both sides, see `ALL` and others.
    places
        (2, rows) places on their way, and those from which a node is grown anew.
    features
        (4, features) their order at a moment, and those known to be constant; their order before draws that may be
        taken back, and the turn of each in these, see `kernel.ties`.
    draws
        The state of the draws, and that before those that may be taken back.
    drawing
        How far the draws of a node are, see `kernel.drawing`.
    moves
        Changes of a node, ascending by a feature, see `kernel.kept`.
    split
        How the first node that is grown is split, if it is known, see `SPLIT_IS_KNOWN` and others.
    stack, stack_counts
        `WAITING`, and the weights of each class.
    waiting
        (nodes, 3) nodes that wait to be replayed, and which changes are in them; where trees grow best-first, the heap.
    frontier
        A tree that grows best-first, its nodes in the order in which they are made.
    """

    tally: Tally
    sums: Ints
    places: Ints
    features: Halves
    draws: Ints
    drawing: Ints
    moves: Ints
    split: Ints
    stack: Records
    stack_counts: Ints
    waiting: Ints
    frontier: Tree


ALL, BELOW, LEFT, REST, MORE_LEFT, MORE_RIGHT = range(6)
"""Rows of `Scratch.sums`."""

SPLIT_IS_KNOWN, SPLIT_FEATURE, SPLIT_LOW, SPLIT_HIGH, SPLIT_CONSTANTS = range(5)
"""Places of `Scratch.split`: whether it is known, and what `search` would return of it."""


class Versions(NamedTuple):
    """How the records of each version of a world lie in the slots that bootstraps draw, the original's being its rows.

    Attributes
    ----------
    size
        (versions,) which of the numbers of slots it has.
    slots
        (sizes,) the numbers of slots.
    starts
        (2, versions + 1) where what follows starts for each version.
    moved
        (slots, 2) slots that hold another row than in the original, and that row.
    gone
        Rows that have no slot.
    """

    size: Ints
    slots: Ints
    starts: Ints
    moved: Ints
    gone: Ints


class Changes(NamedTuple):
    """What changes in a tree.

    Attributes
    ----------
    slots
        Slots that were drawn another number of times.
    sizes
        (2, sizes + 1) where those of each number of slots start, and how many draws there are.
    rows
        `CHANGE`, of one version.
    mark
        (rows,) 1 + the weight in the version of those rows; 0 of all others.
    """

    slots: Ints
    sizes: Ints
    rows: Records
    mark: Ints


class Pool(NamedTuple):
    """Histograms of searches of the original that were asked for, one value after another.

    Attributes
    ----------
    free
        Where the next one goes.
    ranks, cells
        The values that are there, and for each class the sum of the cells of all lower ones.
    sums
        (values, 4) how many records have lower values, and their weight; the sums of the squared weights of classes of
        these, and of all others.
    """

    free: Ints
    ranks: Halves
    cells: Ints
    sums: Ints


class Found(NamedTuple):
    """In what the versions of a tree differ from the original.

    Attributes
    ----------
    ends
        (4, versions + 1) where those of the next version start, of leaves, roots, thresholds, and new nodes.
    leaves, leaf_counts
        Leaves of which only the weights of classes changed, and those.
    roots, moved
        `ROOT` and `MOVED`.
    """

    ends: Ints
    leaves: Halves
    leaf_counts: Halves
    roots: Records
    moved: Records


NEW_NODES = 3
"""A row of `Found.ends`."""


class Replay(NamedTuple):
    """All that the replay of a tree works on."""

    table: Table
    rules: Rules
    tree: Tree
    changes: Changes
    pool: Pool
    scratch: Scratch


class Grown(NamedTuple):
    """The trees of a model, one after another, as they are asked.

    Attributes
    ----------
    starts
        (trees + 1,) where the nodes of each start.
    feature, threshold
        (nodes,) how each splits; -1 for a leaf.
    right
        (nodes,) its right child, from the start of the tree; of a leaf the place of its values.
    end
        (nodes,) the first node that is not below it, from the start of the tree.
    values
        (leaves, classes) shares of the classes.
    """

    starts: Ints
    feature: Halves
    threshold: Floats
    right: Halves
    end: Halves
    values: Floats


class Overlay(NamedTuple):
    """In what the versions of a model differ from the original.

    Attributes
    ----------
    ends
        (3, trees, versions + 1) where leaves, roots and thresholds of each version of each tree start.
    leaves, leaf_values
        Leaves that stay and have other shares of the classes, and those.
    roots
        (roots, 2) nodes below which all is new, and the new node in their place.
    moved, moved_to
        Nodes that have another threshold, and that.
    feature, threshold, right, values
        The new nodes, as in `Grown`; children are places among all.
    """

    ends: Ints
    leaves: Halves
    leaf_values: Floats
    roots: Ints
    moved: Halves
    moved_to: Floats
    feature: Halves
    threshold: Floats
    right: Halves
    values: Floats
