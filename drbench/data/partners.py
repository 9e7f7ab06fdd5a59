"""Partners among some of the rows of a set: rows that differ from another in one factor only."""

from dataclasses import dataclass
from typing import final

import numpy as np
from jaxtyping import Bool, Int

from drbench.data.codes import CodeIndex
from drbench.data.ground_truth import GroundTruth


@final
@dataclass(frozen=True)
class Part:
    """The allowed rows of a set, and an index in which each of their partners is found."""

    index: CodeIndex
    allowed: Bool[np.ndarray, "m"]
    """Which rows of the index may appear."""
    rows: Int[np.ndarray, "m"] | None
    """What the rows of the index are in the set; None if they are the same."""

    @property
    def bases(self) -> Int[np.ndarray, "k"]:
        """Rows of the index that may appear."""
        return np.flatnonzero(self.allowed)

    def in_set(self, rows: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Rows of the set that are these rows of the index."""
        return rows if self.rows is None else self.rows[rows]

    def neighbours(
        self, rows: Int[np.ndarray, "k"], factor: int
    ) -> tuple[Int[np.ndarray, "k level"], Bool[np.ndarray, "k level"]]:
        """As `CodeIndex.neighbours`, of allowed rows only."""
        partners, exists = self.index.neighbours(rows, factor)
        return partners, exists & self.allowed[partners]


def part_of(truth: GroundTruth, allowed: Bool[np.ndarray, "n"]) -> Part:
    """The allowed rows as a part of a set."""
    # A grid has no two rows of the same classes, and its index costs nothing.
    if truth.index.is_grid or allowed.all() or not allowed.any():
        return Part(truth.index, allowed, None)
    # Of rows that share their classes an index finds the first: it must be an allowed one.
    rows = np.flatnonzero(allowed)
    return Part(truth.select(rows).index, np.ones(len(rows), dtype=bool), rows)


def drawn_partners(
    part: Part,
    bases: Int[np.ndarray, "base"],
    factor: int,
    pairs: int,
    rng: np.random.Generator,
) -> tuple[Int[np.ndarray, "pair 2"], int]:
    """Pairs that differ in one factor, and how many base rows were tried for them.

    Parameters
    ----------
    part : Part
    bases : (base,) int
        Rows of its index, in the order in which they are tried.
    factor : int
        Column that differs.
    pairs : int
        How many are wanted; fewer are returned if fewer of the base rows have a partner.
    rng : numpy Generator

    Returns
    -------
    rows : (pair, 2) int
        Rows of the index: base and partner.
    tried : int
        In 0 to base.
    """
    drawn, missing, tried = [np.empty((0, 2), dtype=np.int64)], pairs, 0
    chunk = max(pairs, 1024)
    for start in range(0, len(bases), chunk):
        base = bases[start : start + chunk]
        partners, exists = part.neighbours(base, factor)
        # The largest of independent random numbers falls on each existing class equally often.
        choice = np.argmax(np.where(exists, rng.random(exists.shape), -1), axis=1)
        good = np.flatnonzero(exists.any(axis=1))[:missing]
        partner = part.index.rows(part.index.row_keys(partners[good, choice[good]]), rng)
        drawn.append(np.stack([base[good], partner], axis=1))
        missing -= len(good)
        if not missing:
            return np.concatenate(drawn), tried + (int(good[-1]) + 1 if len(good) else 0)
        tried += len(base)
    return np.concatenate(drawn), tried
