"""A picture sheet: one HTML file that needs nothing but itself."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import UInt8

from drbench._version import __version__
from drbench.files import write_text
from drbench.report.figures import RAMP, association_figure, png
from drbench.report.panels import (
    Associations,
    Facts,
    Panel,
    Reconstructions,
    Samples,
    Section,
    Table,
    Traversal,
)


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
    views = [
        {"title": section.title, "text": section.text, "panels": [*map(_view, section.panels)]}
        for section in sections
    ]
    return template.render(
        title=title, subtitle=subtitle, sections=views, ramp=RAMP, version=__version__
    )


def _view(panel: Panel) -> dict[str, Any]:
    """What the template shows of a panel: text, and images as data URIs."""
    match panel:
        case Samples(images, caption):
            shown: dict[str, Any] = {"kind": "samples", "images": [*map(_image, images)]}
            return shown | {"look": _look(images), "caption": caption}
        case Reconstructions(images, reconstructions, caption):
            pairs = zip(map(_image, images), map(_image, reconstructions), strict=True)
            shown = {"kind": "reconstructions", "pairs": list(pairs)}
            return shown | {"look": _look(images), "caption": caption}
        case Traversal(frames, labels, caption):
            rows = [(label, [*map(_image, row)]) for label, row in zip(labels, frames, strict=True)]
            return {"kind": "traversal", "rows": rows, "look": _look(frames), "caption": caption}
        case Associations(matrices, factors, caption):
            drawn = [_associations(model, matrix, factors) for model, matrix in matrices.items()]
            return {"kind": "associations", "figures": drawn, "caption": caption}
        case Table(columns, rows, caption, notes):
            shown = {"kind": "table", "columns": columns, "rows": rows}
            return shown | {"caption": caption, "notes": notes}
        case Facts(facts):
            return {"kind": "facts", "facts": list(facts.items())}


def _associations(model: str, matrix: np.ndarray, factors: Sequence[str]) -> dict[str, Any]:
    return {
        "model": model,
        "light": _uri(association_figure(matrix, factors, theme="light")),
        "dark": _uri(association_figure(matrix, factors, theme="dark")),
        "latents": len(matrix),
        "factors": len(factors),
    }


def _look(images: np.ndarray) -> str:
    """Class of small drawings, whose pixels stay sharp when they are enlarged; photos blend."""
    return " pixels" if images.shape[-3] <= 64 else ""


def _image(image: UInt8[np.ndarray, "height width channel"]) -> str:
    return _uri(png(image))


def _uri(file: bytes) -> str:
    return f"data:image/png;base64,{base64.b64encode(file).decode()}"
