"""All that a metric sees: latents, codes, and what is known about them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float, Int

from drbench.data.codes import stray_class
from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.representation.labels import read_labels

Kind = Literal["mean", "sampled"]


@final
@dataclass(frozen=True)
class Interventions:
    """Pairs of latents of images that differ in one factor only."""

    factor: Int[np.ndarray, "pair"]
    """Column of the factor that was changed."""
    mean: Float[np.ndarray, "pair 2 latent"]
    """Mean latents before and after the change."""
    sampled: Float[np.ndarray, "pair 2 latent"] | None = None
    """Sampled latents before and after the change, for a stochastic encoder."""
    redrawn: Float[np.ndarray, "factor"] | None = None
    """Share of base rows drawn again for want of a held-out partner, per factor; NaN where no
    pair exists."""
    rows: Int[np.ndarray, "pair 2"] | None = None
    """Rows of the data set that the pairs were encoded from."""


@final
@dataclass(frozen=True)
class Representation:
    """Latents and codes of one sample of a data set.

    Examples
    --------
    >>> latents, codes = np.eye(3), np.array([[0], [1], [2]])
    >>> representation = Representation.from_arrays(latents, codes)
    >>> representation.latents.shape, representation.factors[0].size
    ((3, 3), 3)
    """

    mean: Float[np.ndarray, "n latent"]
    """Mean latents, or the latents of a deterministic encoder."""
    codes: Int[np.ndarray, "n factor"]
    """Class of each factor; -1 in the column of a continuous factor."""
    factors: tuple[Factor, ...]
    """Factors of variation, in the order of the columns of `codes`."""
    sampled: Float[np.ndarray, "n latent"] | None = None
    """Latents drawn from the posterior, for a stochastic encoder."""
    values: Float[np.ndarray, "n factor"] | None = None
    """Real values of the factors; needed for continuous factors."""
    rows: Int[np.ndarray, "n"] | None = None
    """Rows of the data set that were encoded."""
    latent_groups: Int[np.ndarray, "latent"] | None = None
    """Unit of each latent column, for vector-valued units; None if each column is a unit."""
    split_groups: Int[np.ndarray, "n"] | None = None
    """What a train/test split must not tear apart; None if rows are independent."""
    interventions: Interventions | None = None
    """Pairs that differ in one factor only, where the data set could supply them."""
    kind: Kind = "mean"
    """Which latents metrics see."""
    notes: tuple[str, ...] = ()
    """What was done on the way here that readers should know."""

    def __post_init__(self) -> None:
        _check_lengths(self)
        _check_finite(self)
        _check_codes(self)
        _check_kind(self)

    @classmethod
    def from_arrays(
        cls,
        latents: Any,
        codes: Any,
        *,
        factors: Sequence[Factor] | Sequence[str] | None = None,
        latent_groups: Any = None,
    ) -> "Representation":
        """A representation from two arrays.

        Parameters
        ----------
        latents : array-like (n, latent)
            Real numbers.
        codes : array-like (n, factor)
            Labels: integers, reals or text, as `drbench.representation.labels` reads them.
        factors : sequence of Factor or of names, optional
            Declarations, held to; or names for what is inferred from the columns.
        latent_groups : array-like (latent,), optional
            Unit of each latent column.

        Raises
        ------
        RepresentationError
            For lengths that differ, NaN or infinite entries, or labels outside their factor.
        """
        mean = latent_matrix(latents, "latents")
        labels = read_labels(codes, factors)
        return cls(
            mean=mean,
            codes=labels.codes,
            factors=labels.factors,
            values=labels.values,
            latent_groups=None if latent_groups is None else _group_numbers(latent_groups),
            notes=labels.notes,
        )

    @property
    def latents(self) -> Float[np.ndarray, "n latent"]:
        """The latents that metrics see, mean or sampled."""
        if self.kind == "sampled":
            assert self.sampled is not None  # checked on creation
            return self.sampled
        return self.mean

    @property
    def factor_names(self) -> tuple[str, ...]:
        """Names of the factors, in column order."""
        return tuple(factor.name for factor in self.factors)

    @property
    def units(self) -> Int[np.ndarray, "latent"]:
        """Unit of each latent column, numbered from 0."""
        if self.latent_groups is None:
            return np.arange(self.mean.shape[1])
        return np.unique(self.latent_groups, return_inverse=True)[1].astype(np.int64)

    @property
    def has_vector_units(self) -> bool:
        """Whether some unit has several columns."""
        return len(np.unique(self.units)) < self.mean.shape[1]

    def pairs(
        self, factor: int
    ) -> tuple[Float[np.ndarray, "pair latent"], Float[np.ndarray, "pair latent"]]:
        """Latents before and after changing one factor only; empty where there are none."""
        if self.interventions is None:
            empty = np.empty((0, self.mean.shape[1]), dtype=self.mean.dtype)
            return empty, empty
        known = self.interventions
        both = known.mean if self.kind == "mean" else known.sampled
        assert both is not None  # checked on creation
        chosen = both[known.factor == factor]
        return chosen[:, 0], chosen[:, 1]

    def with_kind(self, kind: Kind) -> "Representation":
        """The same representation, seen through its mean or its sampled latents."""
        return replace(self, kind=kind)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything a metric can see: equal fingerprints give equal scores."""
        from drbench.representation.files import header, tensors

        digest = hashlib.sha256(header(self)["drbench"].encode() + self.kind.encode())
        for name, array in sorted(tensors(self).items()):
            digest.update(f"{name}{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, folder: Path | str) -> Path:
        """Write the representation into a folder as one safetensors file, atomically."""
        from drbench.representation.files import write

        return write(self, Path(folder))

    @classmethod
    def load(cls, path: Path | str, kind: Kind = "mean") -> "Representation":
        """Read what `save` wrote, or a folder with representations.npz and classes.csv.

        Parameters
        ----------
        path : path
            The folder, or the safetensors file itself.
        kind : {"mean", "sampled"}
            Which latents metrics see.

        Raises
        ------
        RepresentationError
            If there is no representation, or a damaged one.
        """
        from drbench.representation.files import read_any

        return read_any(Path(path)).with_kind(kind)


def latent_matrix(array: Any, what: str) -> Float[np.ndarray, "n latent"]:
    """An array as real numbers, one row an image, or a RepresentationError."""
    try:
        given = np.asarray(array)
        if given.dtype.kind == "c":
            raise TypeError("they are complex")
        matrix = given.astype(np.float64)
    except (
        TypeError,
        ValueError,
        RuntimeError,
    ) as error:  # torch refuses tensors with RuntimeError
        raise RepresentationError(f"The {what} are not an array of numbers: {error}.") from error
    if matrix.ndim != 2:
        raise RepresentationError(f"The {what} have shape {matrix.shape}, expected (n, latent).")
    return matrix


def _group_numbers(groups: Any) -> Int[np.ndarray, "latent"]:
    numbers = np.asarray(groups)
    if numbers.dtype.kind not in "iu":
        raise RepresentationError(f"latent_groups must be integers, not {numbers.dtype}.")
    return numbers.astype(np.int64)


def _check_lengths(r: Representation) -> None:
    if r.mean.ndim != 2 or not r.mean.size:
        raise RepresentationError(
            f"The latents have shape {r.mean.shape}, expected (n, latent), each 1 or more."
        )
    n, latents = r.mean.shape
    if r.codes.shape != (n, len(r.factors)):
        raise RepresentationError(
            f"{n} latent vectors and {len(r.factors)} factors, but codes of shape "
            f"{r.codes.shape}: expected ({n}, {len(r.factors)})."
        )
    if len(set(r.factor_names)) < len(r.factors):
        raise RepresentationError(
            f"Factors need names, each its own: they are {', '.join(r.factor_names)}."
        )
    _check_shapes(
        r,
        {
            "sampled": (n, latents),
            "values": (n, len(r.factors)),
            "rows": (n,),
            "latent_groups": (latents,),
            "split_groups": (n,),
        },
    )
    if r.interventions is not None:
        pairs = len(r.interventions.factor)
        shape = (pairs, 2, latents)
        _check_shapes(r.interventions, {"mean": shape, "sampled": shape, "rows": (pairs, 2)})
        if pairs and not 0 <= r.interventions.factor.min() <= r.interventions.factor.max() < len(
            r.factors
        ):
            raise RepresentationError(
                f"The interventions name a factor outside 0 to {len(r.factors) - 1}."
            )


def _check_shapes(
    holder: Representation | Interventions, expected: dict[str, tuple[int, ...]]
) -> None:
    for name, shape in expected.items():
        array = getattr(holder, name)
        if array is not None and array.shape != shape:
            raise RepresentationError(f"{name} has shape {array.shape}, expected {shape}.")


def _check_kind(r: Representation) -> None:
    if r.kind == "sampled" and r.sampled is None:
        raise RepresentationError("There are no sampled latents: use kind 'mean'.")
    if r.kind == "sampled" and r.interventions and r.interventions.sampled is None:
        raise RepresentationError(
            "The interventions hold no sampled latents: encode again, or use kind 'mean'."
        )


def _check_finite(r: Representation) -> None:
    arrays = {"mean latents": r.mean, "sampled latents": r.sampled}
    if r.interventions is not None:
        arrays |= {
            "mean latents of interventions": r.interventions.mean,
            "sampled latents of interventions": r.interventions.sampled,
        }
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            bad = int((~np.isfinite(array.reshape(len(array), -1))).any(axis=1).sum())
            raise RepresentationError(
                f"The {name} hold NaN or infinite numbers in {bad} of {len(array)} rows."
            )


def _check_codes(r: Representation) -> None:
    for j, factor in enumerate(r.factors):
        lacks = r.values is None or not np.isfinite(r.values[:, j]).all()
        if factor.size is None and lacks:
            raise RepresentationError(f"The continuous factor {factor.name} lacks values.")
    if wrong := stray_class(r.codes, r.factors):
        raise RepresentationError(f"The {wrong}.")
