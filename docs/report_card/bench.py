"""The analytic bench: codes whose scores are known without computing any metric."""

import itertools

import numpy as np

SIZES = (4, 3, 5, 2, 6)
LARGE_SIZES = (10, 10, 10, 8, 4, 15)
LARGE_ROWS = 15_000
CASES = {
    "perfect": "one standardised latent a factor",
    "permuted": "the same, latents permuted and some signs flipped",
    "cubed": "the same, each latent to the power of three",
    "small": "the same, times 0.01",
    "constants": "the same and 5 constant latents",
    "noisy": "the same and 5 latents of noise",
    "duplicated": "the same, each latent twice",
    "rotated": "the same, latents 0 and 2 rotated into each other by 45 degrees",
    "missing": "the same without the latent of the last factor",
    "noise": "5 latents of noise",
}
TOLERANCE = 0.02
CHANCE_TOLERANCE = 0.05
CHANCE = ("noisy", "missing", "noise")
"""Where noise or guessing enters, of which 720 rows are a sample."""

_UNCHANGED = ("perfect", "permuted", "cubed", "small", "constants")
_LEVELS = np.array(SIZES, dtype=float)


def tolerance(case: str) -> float:
    """How far from the truth still counts as right."""
    return CHANCE_TOLERANCE if case in CHANCE else TOLERANCE


def case(name: str) -> dict[str, np.ndarray]:
    """Latents and codes of a whole grid, and which of its rows are the sample, in shuffled order.

    Libraries that draw their own samples need the grid, the others score the rows.
    """
    rng = np.random.default_rng(0)
    sizes = LARGE_SIZES if name == "large" else SIZES
    codes = np.array(list(itertools.product(*map(range, sizes))))
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    noise = rng.normal(size=(len(z), 5))
    turned = z.copy()
    turned[:, [0, 2]] = np.stack([z[:, 0] - z[:, 2], z[:, 0] + z[:, 2]], axis=1) / np.sqrt(2)
    if name == "large":
        latents = np.hstack([z + 0.3 * rng.normal(size=z.shape), noise[:, :4]])
    else:
        latents = {
            "perfect": z,
            "permuted": z[:, [3, 1, 4, 0, 2]] * [1, -1, 1, -1, -1],
            "cubed": z**3,
            "small": z * 0.01,
            "constants": np.hstack([z, np.full_like(z, 0.3)]),
            "noisy": np.hstack([z, noise]),
            "duplicated": np.hstack([z, z]),
            "rotated": turned,
            "missing": z[:, :-1],
            "noise": noise,
        }[name]
    rows = rng.permutation(len(z))[:LARGE_ROWS]
    return {"latents": latents, "codes": codes, "rows": rows, "sizes": np.array(sizes)}


def truths() -> dict[str, dict[str, float]]:
    """What each metric's definition gives for a case, metric by metric.

    From the definition with endless data and a predictor that errs only where it must; cases are
    left out where that depends on bins, on the predictor or on the estimator.
    """
    n, entropy = _LEVELS, np.log(_LEVELS)
    squares = {name: _squared_weights(name) for name in CASES}
    dci = {name: squares[name] for name in CASES if name != "missing"}
    guess = float(np.mean(1 / n))  # the best accuracy without knowing anything
    last = (4 + 1 / n[-1]) / 5  # the best accuracy without the last factor
    threshold = 1 - 1 / n  # balanced accuracy of the own latent less that of another
    cubed = float(np.mean([_cube_correlation(size) ** 2 for size in SIZES]))
    bits = float(entropy.sum())
    return {
        "mig": _row(1, noisy=1, duplicated=0, rotated=0.6, missing=0.8, noise=0),
        "dci_d": {name: _concentration(r) for name, r in dci.items()},
        "dci_c": {name: _concentration(r.T) for name, r in dci.items()},
        "dci_i": _row(1, noisy=1, duplicated=1, rotated=1, missing=last, noise=guess),
        "dci_i_r2": _row(1, noisy=1, duplicated=1, rotated=1, missing=0.8, noise=0),
        # Of a factor with two levels accuracy or the area under the ROC curve, 0.5 at chance.
        "dci_i_mixed": _row(1, noisy=1, duplicated=1, rotated=1, missing=0.8),
        "sap": _row(
            float(threshold.mean()),
            noisy=float(threshold.mean()),
            duplicated=0,
            rotated=float(threshold[[1, 3, 4]].sum() / 5),
            missing=float(threshold[:-1].sum() / 5),
            noise=0,
        ),
        "sap_r2": {name: _mean_gap(r) for name, r in squares.items()} | {"cubed": cubed},
        "sap_mixed": _row(0.9, noisy=0.9, duplicated=0, rotated=0.5, missing=0.7, noise=0)
        | {"cubed": cubed - 0.1},
        # A rotated latent tells all of both its factors: the lesser over the larger entropy.
        "modularity": _row(
            1, duplicated=1, rotated=1 - 0.4 * (entropy[0] / entropy[2]) ** 2 / 4, missing=1
        ),
        "explicitness_auc": {"noise": 0.5},
        # The rotated latents vary equally with either of their factors held: rounding decides.
        "factor_vae": _row(1, noisy=1, duplicated=1, missing=0.8, noise=0.2),
        # That no latent is still tells the missing factor.
        "beta_vae": _row(1, noisy=1, duplicated=1, missing=1, noise=0.2),
        "irs": _row(1, duplicated=1, missing=1),
        "gaussian_tc": _row(0, noisy=0, rotated=0, missing=0, noise=0),
        # Both rotated latents belong to the factor of larger entropy.
        "dcimig": _row(
            1,
            noisy=1,
            duplicated=1,
            rotated=(bits - 2 * entropy[0]) / bits,
            missing=1 - entropy[-1] / bits,
            noise=0,
        ),
        # 10 bins, so that a code may have log(10) nats.
        "jemmig": _row(1, noisy=1, duplicated=float(np.mean(1 - entropy / (np.log(10) + entropy)))),
        "mig_sup": _row(1, duplicated=1, rotated=0.6, missing=1, noise=0),
        "infom": _row(1, duplicated=1, missing=1),
        "infoc": _row(1, noisy=1, duplicated=(0.5 - 0.1) / (1 - 0.1)),
        "infoe": _row(1, noisy=1, duplicated=1, rotated=1, missing=0.8, noise=0),
        "omes_max": {name: _omes(_overlap(r)) for name, r in squares.items()},
        "omes_sobol": {
            name: _omes(squares[name]) for name in (*_UNCHANGED, "duplicated", "rotated")
        },
    }


def _row(same: float, **others: float) -> dict[str, float]:
    """The same truth for what should change nothing, and those of the other cases."""
    return {name: float(same) for name in _UNCHANGED} | {k: float(v) for k, v in others.items()}


def _squared_weights(name: str) -> np.ndarray:
    """Share of a latent's variance that each factor has (latent, factor); none of noise."""
    one = np.eye(len(SIZES))
    turned = one.copy()
    turned[np.ix_([0, 2], [0, 2])] = 0.5
    return {
        "noisy": np.vstack([one, 0 * one]),
        "duplicated": np.vstack([one, one]),
        "rotated": turned,
        "missing": one[:-1],
        "noise": 0 * one,
    }.get(name, one)


def _concentration(importances: np.ndarray) -> float:
    """One minus the entropy of the rows in units of the logarithm of their length, weighted."""
    total = importances.sum()
    if total == 0:
        return 0.0
    value = 0.0
    for row in importances[importances.sum(axis=1) > 0]:
        share = row[row > 0] / row.sum()
        value += row.sum() / total * (1 + (share * np.log(share)).sum() / np.log(len(row)))
    return float(value)


def _mean_gap(scores: np.ndarray) -> float:
    """Mean over the factors of the best latent's score less that of the second best."""
    ordered = np.sort(scores, axis=0)
    return float(np.mean(ordered[-1] - ordered[-2]))


def _cube_correlation(size: int) -> float:
    levels = np.arange(size) - (size - 1) / 2
    return float(np.corrcoef(levels, levels**3)[0, 1])


def _overlap(squares: np.ndarray) -> np.ndarray:
    """1 - |corr| over pairs whose classes differ in one factor only (latent, factor).

    Two distinct of n classes correlate by -1/(n - 1), what the pair shares by 1, noise by 0.
    """
    corr = 1 - squares * (1 + 1 / (_LEVELS - 1))
    corr[squares.sum(axis=1) == 0] = 0
    return 1 - np.abs(corr)


def _omes(association: np.ndarray) -> float:
    """OMES of an association matrix (latent, factor), max pooling, alpha 0.5."""
    latents, factors = association.shape
    pooled = []
    for j in range(factors):
        overlap = [
            association[d, j] * (1 - np.abs(np.eye(factors)[j] - association[d]).mean())
            for d in range(latents)
        ]
        encoding = [
            association[d, j] * (1 - np.abs(np.eye(latents)[d] - association[:, j]).mean())
            for d in range(latents)
        ]
        pooled.append((max(overlap) + max(encoding)) / 2)
    return float(np.mean(pooled))
