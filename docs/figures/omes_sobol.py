"""Draw omes_sobol.svg: what the published formula and Sobol indices make of known codes."""

from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt

from drbench import Representation, grid_codes
from drbench.metrics.omes import omes
from drbench.metrics.omes_sobol import omes_sobol

SIZES = (4, 3, 5, 2, 6)
REPEATS = 3  # so that noise can be told from signal
NOISE = (0, 1, 2, 5, 10, 20)
LEVELS = (2, 3, 4, 6, 10, 20)
METRICS = {"omes": omes, "omes_sobol": omes_sobol}
STYLE = {
    "omes": {"marker": "o", "color": "#b0552d"},
    "omes_sobol": {"marker": "s", "color": "#23639c"},
}


def score(name: str, latents: np.ndarray, codes: np.ndarray) -> float:
    """Score with max pooling, so that the published formula is at its best."""
    value = METRICS[name](Representation.from_arrays(latents, codes), pooling="max").value
    assert value is not None
    return value


def by_levels(name: str) -> list[float]:
    """Perfect codes of two factors with as many levels each; lines long enough to be scored."""
    scores = []
    for levels in LEVELS:
        codes = np.asarray(grid_codes([levels, levels, max(2, 400 // levels**2)]))
        per_factor = METRICS[name](
            Representation.from_arrays(codes.astype(float), codes), pooling="max"
        ).per_factor
        scores.append(per_factor["factor_0"])
    return scores


def by_noise(name: str) -> list[float]:
    """A code of which two latents are rotated into each other, beside latents of noise."""
    codes = np.tile(np.asarray(grid_codes(list(SIZES))), (REPEATS, 1))
    z = (codes - codes.mean(axis=0)) / codes.std(axis=0)
    z[:, [0, 2]] = np.stack([z[:, 0] - z[:, 2], z[:, 0] + z[:, 2]], axis=1) / np.sqrt(2)
    noise = np.random.default_rng(0).normal(size=(len(z), max(NOISE)))
    return [score(name, np.hstack([z, noise[:, :count]]), codes) for count in NOISE]


def main() -> None:
    """Write the figure beside this file."""
    mpl.rcParams.update({"svg.hashsalt": "drbench", "font.size": 9, "svg.fonttype": "none"})
    figure, (left, right) = plt.subplots(
        1, 2, figsize=(7.2, 2.8), layout="constrained", sharey=True
    )
    for name in METRICS:
        left.plot(range(len(LEVELS)), by_levels(name), label=name, **STYLE[name])
        right.plot(range(len(NOISE)), by_noise(name), label=name, **STYLE[name])
    left.set(
        xlabel="levels of the factor", ylabel="score", title="Perfect code", ylim=(-0.03, 1.05)
    )
    left.set_xticks(range(len(LEVELS)), [str(n) for n in LEVELS])
    right.set(xlabel="latents of noise added", title="Two latents rotated, noise added")
    right.set_xticks(range(len(NOISE)), [str(n) for n in NOISE])
    left.legend(frameon=False)
    figure.savefig(Path(__file__).with_suffix(".svg"), metadata={"Date": None})


if __name__ == "__main__":
    main()
