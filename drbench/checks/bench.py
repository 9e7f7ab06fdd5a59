"""The small analytic bench that metrics are tried on, and the changes that may not move a score."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from drbench.data.codes import grid_codes
from drbench.data.spec import Factor
from drbench.metrics.metric import Invariance
from drbench.representation.representation import Interventions, Representation

SIZES = (3, 3, 4)
_REPEATS = 2
_PAIRS = 64

Change = Callable[[Representation, np.random.Generator], Representation]


def perfect() -> Representation:
    """A code with one latent a factor, no noise, on a full grid seen twice, with interventions."""
    codes = np.tile(grid_codes(SIZES).astype(np.int64), (_REPEATS, 1))
    factors = tuple(
        Factor(name=f"factor_{j}", kind="ordinal", size=size) for j, size in enumerate(SIZES)
    )
    return Representation(
        mean=_latents(codes),
        codes=codes,
        factors=factors,
        rows=np.arange(len(codes)),
        interventions=_interventions(codes),
    )


def noise() -> Representation:
    """Latents that know nothing of the factors, with as many rows, factors and pairs."""
    rng = np.random.default_rng(1)
    known = perfect()
    assert known.interventions is not None
    pairs = replace(known.interventions, mean=rng.standard_normal(known.interventions.mean.shape))
    return replace(known, mean=rng.standard_normal(known.mean.shape), interventions=pairs)


def continuous() -> Representation:
    """The perfect code, its first factor given as real values without classes."""
    known = perfect()
    codes = known.codes.copy()
    codes[:, 0] = -1
    factor = Factor(name=known.factors[0].name, kind="continuous")
    return replace(
        known,
        codes=codes,
        values=known.codes.astype(np.float64),
        factors=(factor, *known.factors[1:]),
    )


def vector_units() -> Representation:
    """The perfect code, its first unit of two columns."""
    known = perfect()
    return replace(
        _with_latents(known, lambda latents: np.concatenate([latents[..., :1], latents], axis=-1)),
        latent_groups=np.array([0, 0, 1, 2]),
    )


def degenerate() -> dict[str, Representation]:
    """Representations that have little to say."""
    known = perfect()
    return {
        "constant latents": _with_latents(known, np.zeros_like),
        "a single latent": _with_latents(known, lambda latents: latents[..., :1]),
        "a single factor": Representation(known.mean, known.codes[:, :1], known.factors[:1]),
        "a factor of which one class is present": Representation(
            known.mean[known.codes[:, 0] == 0], known.codes[known.codes[:, 0] == 0], known.factors
        ),
        "a single row": Representation(known.mean[:1], known.codes[:1], known.factors),
    }


def changes(invariance: Invariance) -> list[Change]:
    """What a declared invariance says may be done; none where it is not about the arrays."""
    known: dict[Invariance, list[Change]] = {
        "permute_latents": [_permute_latents],
        "flip_signs": [lambda r, _: _with_latents(r, np.negative)],
        "scale": [
            lambda r, _: _with_latents(r, lambda latents: latents * 0.1),
            lambda r, _: _with_latents(r, lambda latents: latents * 10.0),
        ],
        "rename_classes": [_rename_classes],
        "reorder_rows": [_reorder_rows],
        "append_constant": [lambda r, _: _with_latents(r, _append_constant)],
        "label_type": [lambda r, _: replace(r, codes=r.codes.astype(np.int16))],
        "jobs": [],
    }
    return known[invariance]


def _latents(codes: np.ndarray) -> np.ndarray:
    """Classes as they are, spread to mean 0 and variance 1 over the grid."""
    sizes = np.array(SIZES)
    return (codes - (sizes - 1) / 2) / np.sqrt((sizes**2 - 1) / 12)


def _interventions(codes: np.ndarray) -> Interventions:
    rng = np.random.default_rng(0)
    first = codes[rng.integers(len(codes), size=_PAIRS * len(SIZES))]
    factor = np.repeat(np.arange(len(SIZES)), _PAIRS)
    second, sizes = first.copy(), np.array(SIZES)[factor]
    step = 1 + (rng.random(len(factor)) * (sizes - 1)).astype(np.int64)
    each = np.arange(len(factor))
    second[each, factor] = (first[each, factor] + step) % sizes
    return Interventions(factor=factor, mean=np.stack([_latents(first), _latents(second)], axis=1))


def _with_latents(r: Representation, change: Callable[[np.ndarray], np.ndarray]) -> Representation:
    """The same change on the latents of rows and of interventions."""
    pairs = r.interventions and replace(r.interventions, mean=change(r.interventions.mean))
    return replace(r, mean=change(r.mean), interventions=pairs)


def _permute_latents(r: Representation, rng: np.random.Generator) -> Representation:
    order = np.roll(rng.permutation(r.mean.shape[1]), 1)
    return _with_latents(r, lambda latents: latents[..., order])


def _rename_classes(r: Representation, rng: np.random.Generator) -> Representation:
    columns = [rng.permutation(factor.size or 1) for factor in r.factors]
    codes = [names[r.codes[:, j]] for j, names in enumerate(columns)]
    return replace(r, codes=np.stack(codes, axis=1))


def _reorder_rows(r: Representation, rng: np.random.Generator) -> Representation:
    order = rng.permutation(len(r.mean))
    return replace(r, mean=r.mean[order], codes=r.codes[order])


def _append_constant(latents: np.ndarray) -> np.ndarray:
    return np.concatenate([latents, np.full((*latents.shape[:-1], 2), 0.5)], axis=-1)
