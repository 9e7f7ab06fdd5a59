"""All that a metric sees: latents, codes, and what is known about them."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Self, final

import numpy as np
from jaxtyping import Float, Int
from pydantic import TypeAdapter, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from drbench.data.codes import NO_CLASS
from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.files import replacing

Kind = Literal["mean", "sampled"]
FILE = "representation.safetensors"
FORMAT_VERSION = "1"
_ARRAYS = ("mean", "sampled", "codes", "values", "rows", "latent_groups", "split_groups")
_PAIR_ARRAYS = ("factor", "mean", "sampled", "redrawn", "rows")


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
        if self.kind == "sampled" and self.sampled is None:
            raise RepresentationError("There are no sampled latents: use kind 'mean'.")

    @classmethod
    def from_arrays(
        cls,
        latents: Any,
        codes: Any,
        *,
        factors: Sequence[Factor] | Sequence[str] | None = None,
        latent_groups: Any = None,
    ) -> Self:
        """A representation from two arrays.

        Parameters
        ----------
        latents : array-like (n, latent)
            Real numbers.
        codes : array-like (n, factor)
            Classes: integers, or whole numbers as floats, or text. Classes are numbered by rank
            where they are not 0 to size - 1 already; columns of other reals become continuous.
        factors : sequence of Factor or of names, optional
            Declarations, taken as they are; or names for what is inferred from the columns.
        latent_groups : array-like (latent,), optional
            Unit of each latent column.

        Raises
        ------
        RepresentationError
            For lengths that differ, NaN or infinite entries, or labels outside their factor.
        """
        mean = _matrix(latents, "latents")
        table = np.asarray(codes)
        if table.ndim == 1:
            table = table[:, None]
        if table.ndim != 2:
            raise RepresentationError(f"codes have shape {table.shape}, expected (n, factor).")
        groups = None if latent_groups is None else np.asarray(latent_groups, dtype=np.int64)
        if factors and isinstance(factors[0], Factor):
            declared = TypeAdapter(tuple[Factor, ...]).validate_python(tuple(factors))
            whole = _whole_numbers(table)
            return cls(mean=mean, codes=whole, factors=declared, latent_groups=groups)
        names = [str(name) for name in factors or [f"factor_{j}" for j in range(table.shape[1])]]
        if len(names) != table.shape[1]:
            raise RepresentationError(f"{len(names)} factor names, {table.shape[1]} columns.")
        columns = [_column(table[:, j], name) for j, name in enumerate(names)]
        values = np.stack([column.values for column in columns], axis=1)
        return cls(
            mean=mean,
            codes=np.stack([column.codes for column in columns], axis=1),
            factors=tuple(column.factor for column in columns),
            values=values if np.isfinite(values).all() else None,
            latent_groups=groups,
            notes=tuple(column.note for column in columns if column.note),
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
        both = known.mean if self.kind == "mean" or known.sampled is None else known.sampled
        chosen = both[known.factor == factor]
        return chosen[:, 0], chosen[:, 1]

    def with_kind(self, kind: Kind) -> "Representation":
        """The same representation, seen through its mean or its sampled latents."""
        return replace(self, kind=kind)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything a metric can see: equal fingerprints give equal scores."""
        digest = hashlib.sha256(self._header()["drbench"].encode() + self.kind.encode())
        for name, array in sorted(self._tensors().items()):
            digest.update(f"{name}{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def save(self, folder: Path | str) -> Path:
        """Write the representation into a folder as one safetensors file, atomically."""
        path = Path(folder) / FILE
        tensors = {name: np.ascontiguousarray(array) for name, array in self._tensors().items()}
        with replacing(path) as partial:
            save_file(tensors, partial, metadata=self._header())
        return path

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
        from drbench.outsiders import load_npz_csv

        path = Path(path)
        file = path if path.is_file() else path / FILE
        if file.is_file() and file.suffix == ".safetensors":
            return _read(file).with_kind(kind)
        if (path / "representations.npz").is_file():
            return load_npz_csv(path).with_kind(kind)
        raise RepresentationError(
            f"{path} holds no representation: expected {FILE} (what `drbench encode` writes), or "
            "representations.npz and classes.csv."
        )

    def _header(self) -> dict[str, str]:
        about = {
            "version": FORMAT_VERSION,
            "factors": [factor.model_dump(mode="json") for factor in self.factors],
            "notes": self.notes,
        }
        return {"drbench": json.dumps(about, sort_keys=True)}

    def _tensors(self) -> dict[str, np.ndarray]:
        tensors = {name: getattr(self, name) for name in _ARRAYS}
        if self.interventions is not None:
            tensors |= {f"pairs.{name}": getattr(self.interventions, name) for name in _PAIR_ARRAYS}
        return {name: array for name, array in tensors.items() if array is not None}


@final
@dataclass(frozen=True)
class _Column:
    factor: Factor
    codes: Int[np.ndarray, "n"]
    values: Float[np.ndarray, "n"]
    note: str = ""


def _column(column: np.ndarray, name: str) -> _Column:
    """Infer a factor from a column of labels."""
    if column.dtype.kind in "fc" and not np.isfinite(column.astype(float)).all():
        raise RepresentationError(f"The classes of factor {name} hold NaN or infinite entries.")
    if column.dtype.kind not in "iufb":  # text
        levels, codes = np.unique(column.astype(str), return_inverse=True)
        factor = Factor(name=name, kind="categorical", values=tuple(levels.tolist()))
        note = f"factor {name}: text classes numbered in alphabetical order"
        return _Column(factor, codes.astype(np.int64), codes.astype(float), note)
    values = column.astype(float)
    if not np.array_equal(values, np.rint(values)):
        factor = Factor(name=name, kind="continuous")
        codes = np.full(len(values), NO_CLASS, dtype=np.int64)
        return _Column(factor, codes, values, f"factor {name}: real values, taken as continuous")
    levels, codes = np.unique(values, return_inverse=True)
    size = int(levels[-1]) + 1 if len(levels) else 0
    if len(levels) and levels[0] >= 0 and size <= 2 * len(levels):
        # Already classes, some of which the sample may lack.
        return _Column(
            Factor(name=name, kind="ordinal", size=size), values.astype(np.int64), values
        )
    factor = Factor(name=name, kind="ordinal", values=tuple(levels.tolist()))
    note = f"factor {name}: {len(levels)} distinct numbers, numbered by rank"
    return _Column(factor, codes.astype(np.int64), values, note)


def _matrix(array: Any, what: str) -> Float[np.ndarray, "n latent"]:
    try:
        matrix = np.asarray(array, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise RepresentationError(f"The {what} are not an array of numbers: {error}.") from error
    if matrix.ndim != 2:
        raise RepresentationError(f"The {what} have shape {matrix.shape}, expected (n, latent).")
    return matrix


def _whole_numbers(table: np.ndarray) -> Int[np.ndarray, "n factor"]:
    if table.dtype.kind not in "iufb" or not np.array_equal(table, np.rint(table)):
        raise RepresentationError("codes must be whole numbers where factors are declared.")
    return table.astype(np.int64)


def _check_lengths(r: Representation) -> None:
    n, latents = r.mean.shape
    if n == 0 or latents == 0:
        raise RepresentationError(f"The latents have shape {r.mean.shape}: there is nothing in it.")
    if r.codes.shape != (n, len(r.factors)):
        raise RepresentationError(
            f"{n} latent vectors and {len(r.factors)} factors, but codes of shape "
            f"{r.codes.shape}: expected ({n}, {len(r.factors)})."
        )
    expected = {
        "sampled": (n, latents),
        "values": (n, len(r.factors)),
        "rows": (n,),
        "latent_groups": (latents,),
        "split_groups": (n,),
    }
    for name, shape in expected.items():
        array = getattr(r, name)
        if array is not None and array.shape != shape:
            raise RepresentationError(f"{name} has shape {array.shape}, expected {shape}.")


def _check_finite(r: Representation) -> None:
    arrays = {"mean latents": r.mean, "sampled latents": r.sampled}
    if r.interventions is not None:
        arrays |= {"latents of interventions": r.interventions.mean}
    for name, array in arrays.items():
        if array is not None and not np.isfinite(array).all():
            bad = int((~np.isfinite(array.reshape(len(array), -1))).any(axis=1).sum())
            raise RepresentationError(
                f"The {name} hold NaN or infinite numbers in {bad} of {len(array)} rows."
            )


def _check_codes(r: Representation) -> None:
    for j, factor in enumerate(r.factors):
        column = r.codes[:, j]
        if factor.size is None:
            if r.values is None or not np.isfinite(r.values[:, j]).all():
                raise RepresentationError(f"The continuous factor {factor.name} lacks values.")
        elif column.min() < 0 or column.max() >= factor.size:
            wrong = int(column.min() if column.min() < 0 else column.max())
            raise RepresentationError(
                f"Factor {factor.name} has a label {wrong}, outside 0 to {factor.size - 1}."
            )


def _read(file: Path) -> Representation:
    try:
        with safe_open(file, framework="np") as opened:
            header = opened.metadata() or {}
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        about = json.loads(header["drbench"])
        if about["version"] != FORMAT_VERSION:
            raise RepresentationError(
                f"{file} has format version {about['version']}, this drbench reads "
                f"{FORMAT_VERSION}: upgrade drbench, or encode again."
            )
        factors = TypeAdapter(tuple[Factor, ...]).validate_python(about["factors"])
        pairs = {
            name: tensors.pop(f"pairs.{name}")
            for name in _PAIR_ARRAYS
            if f"pairs.{name}" in tensors
        }
        interventions = Interventions(**pairs) if pairs else None
        notes = tuple(about["notes"])
        return Representation(**tensors, factors=factors, interventions=interventions, notes=notes)
    except (SafetensorError, KeyError, TypeError, ValueError, ValidationError) as error:
        raise RepresentationError(
            f"{file} is no representation of drbench, or damaged ({error}): encode again."
        ) from error
