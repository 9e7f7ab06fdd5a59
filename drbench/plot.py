"""Pictures for a notebook or a paper: images, traversals, associations and curves.

Each function returns a matplotlib `Figure`, which shows itself in a notebook; nothing global is
touched.
"""

import io
import math
from collections.abc import Mapping, Sequence
from typing import Any, Literal, Protocol, final

import numpy as np
from jaxtyping import Float, UInt8
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from drbench.arrays import to_numpy
from drbench.data.ground_truth import GroundTruth
from drbench.errors import RequestError
from drbench.metrics.result import Curve, MetricResult

Theme = Literal["light", "dark"]

INK: dict[Theme, str] = {"light": "#1f2328", "dark": "#e6e4df"}
"""Text of figures."""
FAINT: dict[Theme, str] = {"light": "#77736b", "dark": "#918d84"}
RAMP: dict[Theme, tuple[str, ...]] = {
    "light": ("#f3f1ec", "#b9cfd8", "#5f97ad", "#1f5f7a", "#0d3547"),
    "dark": ("#25272a", "#27475a", "#2f7594", "#64b0cd", "#cfeaf3"),
}
"""Colours from 0 to 1: towards the page's ground at 0, so that what stands out is associated."""
_SIDE, _GAP = 0.7, 0.06  # of an image and between images, in inches
_WIDE, _HIGH = 3.2, 2.0  # of a curve, in inches


class Autoencoder(Protocol):
    """What can be traversed: `drbench.Run`, or anything with these two."""

    def encode(self, images: np.ndarray) -> Any:
        """Latents (k, latent) of images (k, height, width, channel) uint8."""

    def decode(self, latents: np.ndarray) -> Any:
        """Images (k, height, width, channel) uint8 of latents (k, latent)."""


@final
class Picture(Figure):
    """A figure that shows itself in a notebook, whether or not pyplot is there."""

    def __init__(self, wide: float, high: float) -> None:
        super().__init__(figsize=(wide, high), dpi=200)
        FigureCanvasAgg(self)

    def png(self) -> bytes:
        """The figure as a PNG file."""
        buffer = io.BytesIO()
        self.savefig(buffer, format="png")
        return buffer.getvalue()

    def _repr_png_(self) -> bytes:
        return self.png()


def samples(images: Any, *, count: int = 32, columns: int = 8, seed: int = 0) -> Picture:
    """Images side by side.

    Parameters
    ----------
    images : GroundTruth or array-like (k, height, width, channel) uint8
        Images, or a data set that some are drawn from.
    count, columns : int
        Images, and images in a row, at most.
    seed : int
        Of which images are drawn from a data set.

    Raises
    ------
    RequestError
        For what is no images.
    """
    if isinstance(images, GroundTruth):
        rng = np.random.default_rng(seed)
        images = images.images(rng.choice(len(images), min(count, len(images)), replace=False))
    shown = as_images(images)[:count]
    columns = max(1, min(columns, len(shown)))
    lacking = np.full((-len(shown) % columns, *shown.shape[1:]), 255, dtype=np.uint8)
    return _grid(np.concatenate([shown, lacking]).reshape(-1, columns, *shown.shape[1:]))


def traversal(
    run: Autoencoder, start: Any, *, spread: Any = None, reach: float = 2.0, steps: int = 9
) -> Picture:
    """What each latent does: a row a latent, which moves while the others are held.

    Parameters
    ----------
    run : Run
        Or another object with `encode` and `decode`.
    start : array-like (height, width, channel) uint8, or (latent,)
        An image, or latents: what is changed.
    spread : array-like (latent,), optional
        Standard deviation of each latent. Default: 1, that of the prior.
    reach : float
        How far each latent is moved either way, in standard deviations.
    steps : int
        Images in a row.

    Raises
    ------
    RequestError
        For a start that is neither.
    """
    frames = traversed(run, start, spread=spread, reach=reach, steps=steps)
    return _grid(frames, [f"latent {number}" for number in range(len(frames))])


def traversed(
    run: Autoencoder, start: Any, *, spread: Any = None, reach: float = 2.0, steps: int = 9
) -> UInt8[np.ndarray, "latent step height width channel"]:
    """The images of `traversal`."""
    array = to_numpy(start)
    latents = to_numpy(run.encode(as_images(array[None])))[0] if array.ndim == 3 else array
    if latents.ndim != 1:
        raise RequestError(
            f"The start has shape {array.shape}: expected one image (height, width, channel) or "
            "its latents (latent,)."
        )
    scale = np.ones(len(latents)) if spread is None else to_numpy(spread)
    shifts = np.linspace(-reach, reach, steps)[:, None] * scale  # (step, latent)
    moved = latents + np.eye(len(latents))[:, None, :] * shifts  # (latent, step, latent)
    frames = as_images(run.decode(moved.reshape(-1, len(latents)).astype(np.float32)))
    return frames.reshape(len(latents), steps, *frames.shape[1:])


def associations(
    result: Any, factors: Sequence[str] | None = None, *, theme: Theme = "light"
) -> Picture:
    """Which latent is associated with which factor: latents down, factors across, 0 to 1.

    Parameters
    ----------
    result : MetricResult or array-like (latent, factor)
        Entries in [0, 1]; NaN or None, drawn as a dot, where there is none.
    factors : sequence of str, optional
        Names of the columns. Default: those of the result's factors.
    theme : {"light", "dark"}
        Which page it stands on; the background is transparent.

    Raises
    ------
    RequestError
        For a result without a matrix, or names that do not fit.
    """
    if isinstance(result, MetricResult):
        factors = factors or list(result.per_factor)
        if result.matrix is None:
            raise RequestError("This result has no matrix: those of omes, mig and dci have one.")
        result = result.matrix
    matrix = np.array(to_numpy(result), dtype=float)
    names = list(factors or [f"factor_{j}" for j in range(matrix.shape[-1])])
    if matrix.ndim != 2 or matrix.shape[1] != len(names) or not matrix.size:
        raise RequestError(
            f"The matrix has shape {matrix.shape}, expected (latent, {len(names)}): a column a "
            "factor."
        )
    return _associations(matrix, names, theme)


def curve(curves: Any, names: Sequence[str] | None = None) -> Picture:
    """A score along one of its parameters, or what was logged while a run trained.

    Parameters
    ----------
    curves : MetricResult, its curve, or mapping of str to sequence of float
        What `Run.curve()` returns: columns of a log, `step` among them; None where a line of the
        log lacks one.
    names : sequence of str, optional
        Columns to draw, each on axes of its own. Default: all.

    Raises
    ------
    RequestError
        For a result without a curve, or columns that are not there.
    """
    if isinstance(curves, MetricResult):
        curves = curves.curve
    if isinstance(curves, Curve):
        along, columns = curves.parameter, {curves.parameter: curves.x, "score": curves.y}
    elif isinstance(curves, Mapping) and "step" in curves:
        along, columns = "step", dict(curves)
    else:
        raise RequestError("There is no curve: expected one of a result, or columns with a 'step'.")
    chosen = list(names) if names is not None else [name for name in columns if name != along]
    if lacking := [name for name in chosen if name not in columns]:
        raise RequestError(f"There is no curve {lacking[0]!r}, but {', '.join(columns)}.")
    across = max(1, math.ceil(math.sqrt(len(chosen))))
    down = max(1, math.ceil(len(chosen) / across))
    figure = Picture(_WIDE * across, _HIGH * down)
    figure.set_layout_engine("constrained")
    x = np.array(columns[along], dtype=float)
    for number, name in enumerate(chosen, 1):
        y = np.array(columns[name], dtype=float)
        axes = figure.add_subplot(down, across, number)
        axes.plot(x[np.isfinite(y)], y[np.isfinite(y)], color=RAMP["light"][3], linewidth=1.2)
        axes.set_title(name, fontsize=8.5, loc="left", color=INK["light"])
        axes.set_xlabel(along, fontsize=8, color=FAINT["light"])
        axes.tick_params(labelsize=7, colors=FAINT["light"])
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def as_images(images: Any) -> UInt8[np.ndarray, "k height width channel"]:
    """Array-like images as an array.

    Raises
    ------
    RequestError
        For another type or shape than (k, height, width, 1 or 3) uint8.
    """
    array = to_numpy(images)
    if (
        array.dtype != np.uint8
        or array.ndim != 4
        or array.shape[-1] not in (1, 3)
        or not len(array)
    ):
        raise RequestError(
            f"Images are {array.dtype} of shape {array.shape}, expected uint8 (k, height, width, "
            "channel) with 1 or 3 channels."
        )
    return array


def _grid(
    images: UInt8[np.ndarray, "row column height width channel"], names: Sequence[str] = ()
) -> Picture:
    """Images on white, pixels sharp; names left of the rows."""
    rows, columns, height, width, _ = images.shape
    high, margin = _SIDE * height / width, 0.07 * max(map(len, names), default=0)
    figure = Picture(margin + columns * (_SIDE + _GAP) + _GAP, rows * (high + _GAP) + _GAP)
    across, down = figure.get_size_inches()
    for row, column in np.ndindex(rows, columns):
        left = margin + _GAP + column * (_SIDE + _GAP)
        bottom = down - (row + 1) * (high + _GAP)
        axes = figure.add_axes((left / across, bottom / down, _SIDE / across, high / down))
        pixels = np.broadcast_to(images[row, column], (height, width, 3))
        axes.imshow(pixels, interpolation="nearest")
        axes.set_axis_off()
        if names and not column:
            axes.text(
                -0.08, 0.5, names[row], fontsize=7, color=INK["light"],
                ha="right", va="center", transform=axes.transAxes,
            )  # fmt: skip
    return figure


def _associations(
    matrix: Float[np.ndarray, "latent factor"], factors: Sequence[str], theme: Theme
) -> Picture:
    n_latents, n_factors = matrix.shape
    wide, high = 0.62 * n_factors, 0.34 * n_latents
    # Slanted names reach up by the longest, and right by the last.
    left, edge = 0.55, 0.1
    top, right = 0.25 + 0.05 * max(map(len, factors)), edge + 0.05 * len(factors[-1])
    size = (left + wide + right, top + high + edge)
    figure = Picture(*size)
    figure.patch.set_alpha(0)
    axes = figure.add_axes((left / size[0], edge / size[1], wide / size[0], high / size[1]))
    colours = LinearSegmentedColormap.from_list("association", RAMP[theme])
    axes.pcolormesh(
        np.ma.masked_invalid(matrix), cmap=colours, vmin=0, vmax=1,
        edgecolors=RAMP[theme][0], linewidth=1.2,
    )  # fmt: skip
    axes.invert_yaxis()
    axes.set_xticks(np.arange(n_factors) + 0.5, [name.replace("_", " ") for name in factors])
    axes.set_yticks(np.arange(n_latents) + 0.5, [str(latent) for latent in range(n_latents)])
    axes.xaxis.tick_top()
    axes.tick_params(length=0, pad=5, colors=INK[theme], labelsize=8.5)
    for label in axes.get_xticklabels():
        label.set(rotation=40, ha="left", rotation_mode="anchor")
    axes.set_ylabel("latent", color=FAINT[theme], fontsize=8.5, labelpad=4)
    axes.spines[:].set_visible(False)
    for latent, factor in np.ndindex(matrix.shape):
        value = float(matrix[latent, factor])
        axes.text(
            factor + 0.5, latent + 0.5, _cell(value),
            ha="center", va="center", fontsize=7.5, color=_readable(colours(value)),
        )  # fmt: skip
    return figure


def _cell(value: float) -> str:
    return "·" if np.isnan(value) else f"{value:.2f}".removeprefix("0")


def _readable(colour: tuple[float, float, float, float]) -> str:
    """Dark or light text, whichever has the higher contrast on a colour (WCAG 2.1)."""
    rgb = np.array(colour[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#14171a" if luminance > 0.18 else "#f4f3ef"
