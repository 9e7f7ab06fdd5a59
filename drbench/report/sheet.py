"""A picture sheet: one HTML file that needs nothing but itself."""

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, final

import numpy as np
from jaxtyping import Float, UInt8

from drbench import plot
from drbench._version import __version__
from drbench.files import write_text
from drbench.report.figures import png
from drbench.table import Table

Panel = dict[str, Any]
"""What the template shows: text, and images as data URIs."""


@final
class Section(NamedTuple):
    """A heading, what there is to see, and a sentence or two."""

    title: str
    panels: Sequence[Panel] = ()
    text: str = ""


def samples(images: UInt8[np.ndarray, "k height width channel"], caption: str = "") -> Panel:
    """Images side by side."""
    shown = [*map(_image, plot.as_images(images))]
    return {"kind": "samples", "images": shown, "look": _look(images), "caption": caption}


def reconstructions(
    images: UInt8[np.ndarray, "k height width channel"],
    reconstructed: UInt8[np.ndarray, "k height width channel"],
    caption: str = "",
) -> Panel:
    """Images, and below each what the model makes of it."""
    pairs = [*zip(map(_image, images), map(_image, reconstructed), strict=True)]
    return {"kind": "reconstructions", "pairs": pairs, "look": _look(images), "caption": caption}


def traversal(
    frames: UInt8[np.ndarray, "latent step height width channel"],
    labels: Sequence[str],
    caption: str = "",
) -> Panel:
    """Decoded images along some latents, all others held still; `labels` name the latents."""
    rows = [(label, [*map(_image, row)]) for label, row in zip(labels, frames, strict=True)]
    return {"kind": "traversal", "rows": rows, "look": _look(frames), "caption": caption}


def associations(
    matrices: Mapping[str, Float[np.ndarray, "latent factor"]],
    factors: Sequence[str],
    caption: str = "",
) -> Panel:
    """Association matrices by the model's name, side by side: see `drbench.plot.associations`."""
    figures = [_associations(model, matrix, factors) for model, matrix in matrices.items()]
    return {"kind": "associations", "figures": figures, "caption": caption}


def table(shown: Table) -> Panel:
    """A table; a row whose first cell is empty goes on with the block above it."""
    content = {"columns": shown.columns, "rows": shown.cells, "notes": shown.notes}
    return {"kind": "table", "caption": shown.title, **content}


def facts(named: Mapping[str, str]) -> Panel:
    """Names and values: what the images are, budgets, versions."""
    return {"kind": "facts", "facts": list(named.items())}


def write_sheet(path: Path, *, title: str, sections: Sequence[Section], subtitle: str = "") -> None:
    """Write a picture sheet.

    Parameters
    ----------
    path : path
        HTML file to write, whole or not at all; images are inside it.
    title, subtitle : str
        What the sheet is about. All text is shown as text, markup in it included.
    sections : sequence of Section
        From top to bottom.
    """
    write_text(path, sheet_html(title=title, sections=sections, subtitle=subtitle))


def sheet_html(*, title: str, sections: Sequence[Section], subtitle: str = "") -> str:
    """The text of a picture sheet, see `write_sheet`."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        Path(__file__).with_name("sheet.html.j2").read_text(encoding="utf-8")
    )
    return template.render(
        title=title, subtitle=subtitle, sections=sections, ramp=plot.RAMP, version=__version__
    )


def _associations(model: str, matrix: np.ndarray, factors: Sequence[str]) -> dict[str, Any]:
    drawn: dict[str, Any] = {
        theme: _uri(plot.associations(matrix, factors, theme=theme).png()) for theme in plot.RAMP
    }
    return drawn | {"model": model, "latents": len(matrix), "factors": len(factors)}


def _look(images: np.ndarray) -> str:
    """Class of small drawings, whose pixels stay sharp when they are enlarged; photos blend."""
    return " pixels" if images.shape[-3] <= 64 else ""


def _image(image: UInt8[np.ndarray, "height width channel"]) -> str:
    return _uri(png(image))


def _uri(file: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"
