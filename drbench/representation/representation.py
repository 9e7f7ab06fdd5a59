"""All that a metric sees: latents, codes, and what is known about them."""

import hashlib
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, final

import numpy as np
from jaxtyping import Float, Int64

from drbench.arrays import latent_matrix, to_numpy
from drbench.data.codes import stray_class
from drbench.data.labels import read_labels
from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.representation import files, npz_csv

Kind = Literal["mean", "sampled"]
_ARRAYS = ("mean", "sampled", "codes", "values", "rows", "latent_groups", "split_groups")
_PAIR_ARRAYS = ("factor", "mean", "sampled", "redrawn", "rows")
_PAIRS = "pairs."
"""What the names of the arrays of interventions begin with in a file."""
NO_CODES = "no codes: only metrics of the latents alone can score it"


@final
@dataclass(frozen=True)
class Interventions:
    """Pairs of latents of images that differ in one factor only."""

    factor: Int64[np.ndarray, "pair"]
    """Column of the factor that was changed."""
    mean: Float[np.ndarray, "pair 2 latent"]
    """Mean latents before and after the change."""
    sampled: Float[np.ndarray, "pair 2 latent"] | None = None
    """Sampled latents before and after the change, for a stochastic encoder."""
    redrawn: Float[np.ndarray, "factor"] | None = None
    """Share of base rows drawn again for want of a held-out partner, per factor; NaN where no
    pair exists."""
    rows: Int64[np.ndarray, "pair 2"] | None = None
    """Rows of the data set that the pairs were encoded from."""

    def __post_init__(self) -> None:
        _hold_int64(self, "factor", "rows")


@final
@dataclass(frozen=True, repr=False)
class Representation:
    """Latents and codes of one sample of a data set.

    Codes, rows and groups are held as int64, whatever integers they are made from.

    Examples
    --------
    >>> latents, codes = np.eye(3), np.array([[0], [1], [2]])
    >>> representation = Representation.from_arrays(latents, codes)
    >>> representation.latents.shape, representation.factors[0].size
    ((3, 3), 3)
    """

    mean: Float[np.ndarray, "n latent"]
    """Mean latents, or the latents of a deterministic encoder."""
    codes: Int64[np.ndarray, "n factor"]
    """Class of each factor; -1 in the column of a continuous factor."""
    factors: tuple[Factor, ...]
    """Factors of variation, in the order of the columns of `codes`."""
    sampled: Float[np.ndarray, "n latent"] | None = None
    """Latents drawn from the posterior, for a stochastic encoder."""
    values: Float[np.ndarray, "n factor"] | None = None
    """Real values of the factors; needed for continuous factors."""
    rows: Int64[np.ndarray, "n"] | None = None
    """Rows of the data set that were encoded."""
    latent_groups: Int64[np.ndarray, "latent"] | None = None
    """Unit of each latent column, for vector-valued units; None if each column is a unit."""
    split_groups: Int64[np.ndarray, "n"] | None = None
    """What a train/test split must not tear apart; None if rows are independent."""
    interventions: Interventions | None = None
    """Pairs that differ in one factor only, where the data set could supply them."""
    kind: Kind = "mean"
    """Which latents metrics see."""
    notes: tuple[str, ...] = ()
    """What was done on the way here that readers should know."""

    def __post_init__(self) -> None:
        _hold_int64(self, "codes", "rows", "latent_groups", "split_groups")
        _check_lengths(self)
        _check_finite(self)
        _check_codes(self)
        _check_kind(self)

    def __repr__(self) -> str:
        n, latents = self.mean.shape
        others = "" if self.sampled is None else " of mean and sampled"
        lines = [f"Representation: {n:,} rows, {latents} latents ({self.kind}{others})"]
        sizes = [f"{factor.name} ({factor.size or 'real'})" for factor in self.factors]
        lines.append(f"factors: {', '.join(sizes) or 'none'}")
        if self.interventions is not None:
            lines.append(f"pairs that differ in one factor: {len(self.interventions.factor):,}")
        lines += [f"note: {note}" for note in self.notes]
        folded = [textwrap.wrap(line, 100, subsequent_indent="    ") for line in lines]
        return "\n  ".join(line for block in folded for line in block)

    @classmethod
    def from_arrays(
        cls,
        latents: Any,
        codes: Any = None,
        *,
        factors: Sequence[Factor | str] | None = None,
        latent_groups: Any = None,
    ) -> "Representation":
        """A representation from two arrays.

        Parameters
        ----------
        latents : array-like (n, latent)
            Real numbers: an array, a list, a frame, a tensor.
        codes : array-like (n, factor), optional
            Labels: integers, reals or text, as `drbench.data.labels` reads them. Without
            them there are no factors, and only metrics of the latents alone give a score.
        factors : sequence of Factor or of names, optional
            Declarations, held to; or names for what is inferred from the columns. Default: the
            names that the columns of a frame have.
        latent_groups : array-like (latent,), optional
            Unit of each latent column.

        Raises
        ------
        RepresentationError
            For lengths that differ, NaN or infinite entries, or labels outside their factor.
        """
        mean = latent_matrix(latents, "latents")
        if codes is None:
            return cls(mean, np.empty((len(mean), 0), np.int64), (), notes=(NO_CODES,))
        labels = read_labels(codes, factors)
        return cls(
            mean=mean,
            codes=labels.codes,
            factors=labels.factors,
            values=labels.values,
            latent_groups=latent_groups,
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
    def units(self) -> Int64[np.ndarray, "latent"]:
        """Unit of each latent column, numbered from 0."""
        if self.latent_groups is None:
            return np.arange(self.mean.shape[1])
        return np.unique(self.latent_groups, return_inverse=True)[1]

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
        pairs = self.interventions
        both = pairs.mean if self.kind == "mean" else pairs.sampled
        assert both is not None  # checked on creation
        chosen = both[pairs.factor == factor]
        return chosen[:, 0], chosen[:, 1]

    def with_kind(self, kind: Kind) -> "Representation":
        """The same representation, seen through its mean or its sampled latents."""
        return replace(self, kind=kind)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of everything a metric can see: equal fingerprints give equal scores."""
        digest = hashlib.sha256(self._header.text.encode() + self.kind.encode())
        for name, array in sorted(self.to_tensors().items()):
            digest.update(f"{name}{array.shape}{array.dtype}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()

    def to_tensors(self) -> dict[str, np.ndarray]:
        """The arrays that there are, by their names in the file."""
        arrays = {name: getattr(self, name) for name in _ARRAYS}
        if self.interventions is not None:
            pairs = self.interventions
            arrays |= {_PAIRS + name: getattr(pairs, name) for name in _PAIR_ARRAYS}
        return {name: array for name, array in arrays.items() if array is not None}

    @classmethod
    def from_tensors(
        cls,
        tensors: Mapping[str, np.ndarray],
        *,
        factors: Sequence[Factor],
        notes: Sequence[str] = (),
    ) -> "Representation":
        """A representation from arrays by their names in the file, see `to_tensors`.

        Raises
        ------
        RepresentationError
            For names that are missing or are none of ours, or arrays that are no representation.
        """
        paired = any(name.startswith(_PAIRS) for name in tensors)
        needed = {"mean", "codes", *((_PAIRS + "factor", _PAIRS + "mean") if paired else ())}
        if lacking := sorted(needed - tensors.keys()):
            raise RepresentationError(f"the array {lacking[0]!r} is missing.")
        if odd := sorted(tensors.keys() - {*_ARRAYS, *(_PAIRS + name for name in _PAIR_ARRAYS)}):
            raise RepresentationError(f"there is an array {odd[0]!r}, which has no meaning.")
        pairs = {name: tensors.get(_PAIRS + name) for name in _PAIR_ARRAYS}
        own: dict[str, Any] = {name: tensors.get(name) for name in _ARRAYS}
        interventions = Interventions(**pairs) if paired else None  # type: ignore[arg-type]  # needed ones are there
        return cls(**own, factors=tuple(factors), interventions=interventions, notes=tuple(notes))

    def save(self, folder: Path | str) -> Path:
        """Write the representation into a folder as one safetensors file, atomically."""
        return files.write(Path(folder), self.to_tensors(), self._header)

    @property
    def _header(self) -> files.Header:
        return files.Header(factors=self.factors, notes=self.notes)

    @classmethod
    def load(cls, path: Path | str, kind: Kind = "mean") -> "Representation":
        """Read what `save` wrote, or a folder with representations.npz and classes.csv.

        Parameters
        ----------
        path : path
            The folder, or the safetensors file itself. Without classes.csv there are no factors.
        kind : {"mean", "sampled"}
            Which latents metrics see.

        Raises
        ------
        RepresentationError
            If there is no representation, or a damaged one.
        """
        path = Path(path)
        file = path if path.is_file() else path / files.FILE
        if file.is_file() and file.suffix == ".safetensors":
            return cls._from_file(file).with_kind(kind)
        if (path / npz_csv.NPZ).is_file():
            content = npz_csv.read(path)
            read = cls.from_arrays(content.mean, content.classes, factors=content.names)
            return replace(read, sampled=content.sampled, kind=kind)
        what = "holds no representation" if path.exists() else "does not exist"
        raise RepresentationError(
            f"{path} {what}: expected a folder with {files.FILE} (what `drbench encode` writes), "
            f"or with {npz_csv.NPZ} and {npz_csv.CSV}."
        )

    @classmethod
    def _from_file(cls, file: Path) -> "Representation":
        tensors, header = files.read(file)
        try:
            return cls.from_tensors(tensors, factors=header.factors, notes=header.notes)
        except RepresentationError as error:
            raise files.damaged(file, error) from error


def _hold_int64(holder: Representation | Interventions, *names: str) -> None:
    for name in names:
        if (array := getattr(holder, name)) is None:
            continue
        whole = to_numpy(array)
        if whole.size and whole.dtype.kind not in "iu":
            raise RepresentationError(f"{name} must be integers, not {whole.dtype}.")
        object.__setattr__(holder, name, whole.astype(np.int64, copy=False))


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
