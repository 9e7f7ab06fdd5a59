"""Draw cost.png from cost.json: seconds of every metric against rows, latents and classes."""

from io import BytesIO
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image

from drbench.bench.cost import AXES, Point, read_points

FAMILIES = {
    "pairs": ("omes", "omes_sobol"),
    "information": ("mig", "mig_sup", "modularity", "dcimig", "jemmig", "infomec"),
    "boosted trees": ("dci", "gbt", "gbt_pruned"),
    "networks": ("mlp", "mlp_pruned"),
    "linear models": ("dci_linear", "probe", "sap", "explicitness"),
    "groups of rows": ("beta_vae_score", "factor_vae_score", "irs"),
    "latents alone": ("gaussian_tc", "latent_mi"),
}
HELD = {
    "rows": "10 latents, 57 classes",
    "latents": "15,000 rows, 57 classes",
    "classes": "15,000 rows, 10 latents",
}
COLOURS = ("#23639c", "#b0552d", "#3b7d4f", "#7a4b94", "#8a6d1d", "#4d4d4d")
SECONDS = (1e-3, 200)


def draw(axes: Axes, points: list[Point], axis: str, names: tuple[str, ...]) -> None:
    """One family along one axis, before all others in grey."""
    ends = {}
    for name in dict.fromkeys(point.metric for point in points):
        known = [p for p in points if (p.metric, p.axis) == (name, axis) and p.seconds]
        x, y = [getattr(p, axis) for p in known], [p.seconds for p in known]
        if name not in names:
            axes.plot(x, y, color="#e4e4e4", lw=0.7, zorder=1)
            continue
        colour = COLOURS[names.index(name)]
        axes.plot(x, y, color=colour, lw=1.3, marker="o", ms=2.6, zorder=2)
        ends[name] = (x[-1], y[-1], colour)
    levels = spread(np.log10([y for _, y, _ in ends.values()]))
    for (name, (x, y, colour)), level in zip(ends.items(), levels, strict=True):
        axes.annotate(
            name, (x, y), (1.02, 10**level), textcoords=axes.get_yaxis_transform(),
            color=colour, va="center", fontsize=7.5, annotation_clip=False,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.4, "alpha": 0.6},
        )  # fmt: skip


def spread(levels: np.ndarray, gap: float = 0.55) -> np.ndarray:
    """Heights of labels, at least `gap` apart, as near to the ends of their lines as that goes."""
    order = np.argsort(levels)
    placed = levels[order]
    for _ in range(200):
        short = np.maximum(gap - np.diff(placed), 0) / 2
        placed[1:] += short
        placed[:-1] -= short
    low, high = np.log10(SECONDS)
    placed += max(low - placed[0], 0) - max(placed[-1] - high, 0)
    found = np.empty_like(placed)
    found[order] = placed
    return found


def main() -> None:
    """Write the figure beside this file."""
    mpl.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    points = read_points(Path(__file__).with_suffix(".json"))
    figure, grid = plt.subplots(
        len(FAMILIES), 3, figsize=(9, 12), sharex="col", sharey=True, layout="constrained"
    )
    for row, (family, names) in zip(grid, FAMILIES.items(), strict=True):
        for axes, (axis, sizes) in zip(row, AXES.items(), strict=True):
            draw(axes, points, axis, names)
            values = [n if axis == "rows" else d for n, d, _ in sizes]
            values = [sum(f) for *_, f in sizes] if axis == "classes" else values
            axes.set(xscale="log", yscale="log", ylim=SECONDS)
            axes.xaxis.set_major_locator(FixedLocator(values))
            axes.xaxis.set_major_formatter(FuncFormatter(short))
            axes.xaxis.set_minor_locator(NullLocator())
            axes.yaxis.set_major_locator(FixedLocator([1e-3, 1e-2, 0.1, 1, 10, 100]))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: f"{y:g} s"))
            axes.grid(visible=True, axis="y", color="#eeeeee", lw=0.5)
        row[0].set_title(family, loc="left", fontsize=9, fontweight="bold")
    for axes, (axis, held) in zip(grid[-1], HELD.items(), strict=True):
        axes.set_xlabel(f"{axis}\n({held})")
    drawn = BytesIO()
    figure.savefig(drawn, dpi=110)
    Image.open(drawn).quantize(64).save(Path(__file__).with_suffix(".png"), optimize=True)


def short(value: float, _: int) -> str:
    """A number as a tick."""
    return f"{value / 1000:g}k" if value >= 1000 else f"{value:g}"


if __name__ == "__main__":
    main()
