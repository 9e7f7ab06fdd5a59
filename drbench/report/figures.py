"""From arrays to PNG files."""

import io
from collections.abc import Sequence
from typing import Literal

import numpy as np
from jaxtyping import Float, UInt8

Theme = Literal["light", "dark"]

INK: dict[Theme, str] = {"light": "#1f2328", "dark": "#e6e4df"}
"""Text of figures; the page's own."""
FAINT: dict[Theme, str] = {"light": "#77736b", "dark": "#918d84"}
RAMP: dict[Theme, tuple[str, ...]] = {
    "light": ("#f3f1ec", "#b9cfd8", "#5f97ad", "#1f5f7a", "#0d3547"),
    "dark": ("#25272a", "#27475a", "#2f7594", "#64b0cd", "#cfeaf3"),
}
"""Colours from 0 to 1: towards the page's ground at 0, so that what stands out is associated."""


def png(image: UInt8[np.ndarray, "height width channel"]) -> bytes:
    """An image of 1 (grey) or 3 channels as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def association_figure(
    matrix: Float[np.ndarray, "latent factor"], factors: Sequence[str], *, theme: Theme = "light"
) -> bytes:
    """An association matrix as a PNG file: latents down, factors across, 0 to 1.

    Parameters
    ----------
    matrix : (latent, factor)
        Entries in [0, 1]; NaN, drawn as a dot, where there is none.
    factors : sequence of str
        Names of the columns.
    theme : {"light", "dark"}
        Which page it stands on; the background is transparent.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.figure import Figure

    n_latents, n_factors = matrix.shape
    wide, high = 0.62 * n_factors, 0.34 * n_latents
    # Slanted names reach up by the longest, and right by the last.
    left, edge = 0.55, 0.1
    top, right = 0.25 + 0.05 * max(map(len, factors)), edge + 0.05 * len(factors[-1])
    size = (left + wide + right, top + high + edge)
    figure = Figure(figsize=size, dpi=200)
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
    buffer = io.BytesIO()
    FigureCanvasAgg(figure)
    figure.savefig(buffer, format="png")
    return buffer.getvalue()


def _cell(value: float) -> str:
    return "·" if np.isnan(value) else f"{value:.2f}".removeprefix("0")


def _readable(colour: tuple[float, float, float, float]) -> str:
    """Dark or light text, whichever has the higher contrast on a colour (WCAG 2.1)."""
    rgb = np.array(colour[:3])
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    luminance = float(linear @ (0.2126, 0.7152, 0.0722))
    return "#14171a" if luminance > 0.18 else "#f4f3ef"
