"""A contact sheet of a data set: one strip of images per factor."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Int, UInt8

from drbench.data.ground_truth import GroundTruth

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MOST = 12
"""Images in a strip, at most."""
_TRIED = 4096  # rows among which the one is sought that has partners in most factors
_SIDE, _GAP, _MARGIN, _LINE = 128, 4, 16, 22
_PAPER, _INK, _FAINT = "#ffffff", "#1f2328", "#77736b"


def contact_sheet(truth: GroundTruth, seed: int = 0) -> UInt8[np.ndarray, "height width 3"]:
    """Draw one strip per factor: the factor runs through its classes, all else stays.

    Where no two images differ in one factor only, the strip shows images of each class, whatever
    else differs, and says so.

    Parameters
    ----------
    truth : GroundTruth
        An opened data set; of continuous factors images from the lowest to the highest value.
    seed : int
        Seed of the image that the strips start from.

    Returns
    -------
    sheet : (height, width, 3) uint8
    """
    from PIL import Image, ImageDraw

    base = _base(truth, np.random.default_rng(seed))
    strips = [_strip(truth, base, factor) for factor in range(len(truth.spec.factors))] or [
        (np.linspace(0, len(truth) - 1, min(MOST, len(truth))).astype(np.int64), "images")
    ]
    longest = max(len(rows) for rows, _ in strips)
    heading = f"{truth.spec.name} ({truth.origin}), {len(truth):,} images"
    widest = max(len(text) for text in (heading, *(label for _, label in strips)))
    width = 2 * _MARGIN + max(longest * (_SIDE + _GAP), 7 * widest)
    height = 2 * _MARGIN + 2 * _LINE + len(strips) * (_SIDE + _LINE + _GAP)
    sheet = Image.new("RGB", (width, height), _PAPER)
    draw = ImageDraw.Draw(sheet)
    _write(draw, heading, _MARGIN, _INK)
    for number, (rows, label) in enumerate(strips):
        top = _MARGIN + 2 * _LINE + number * (_SIDE + _LINE + _GAP)
        _write(draw, label, top, _FAINT)
        for place, image in enumerate(truth.images(rows)):
            pixels = np.repeat(image, 3, axis=-1) if image.shape[-1] == 1 else image
            tile = _fitted(Image.fromarray(np.ascontiguousarray(pixels)))
            sheet.paste(tile, (_MARGIN + place * (_SIDE + _GAP), top + _LINE))
    return np.asarray(sheet)


def _base(truth: GroundTruth, rng: np.random.Generator) -> int:
    """Of some rows the one from which most factors can be varied alone."""
    rows = rng.permutation(len(truth))[:_TRIED]
    if truth.index.is_grid:
        return int(rows[0])
    partners = np.zeros(len(rows))
    for factor, size in enumerate(truth.spec.sizes):
        if size:
            partners += truth.index.neighbours(rows, factor)[1].mean(axis=1)
    return int(rows[np.argmax(partners)])


def _strip(truth: GroundTruth, base: int, factor: int) -> tuple[Int[np.ndarray, "k"], str]:
    """Rows of a factor's strip, and what is written above it."""
    declared = truth.spec.factors[factor]
    if declared.size is None:
        assert truth.values is not None  # GroundTruth has checked it
        order = np.argsort(truth.values[:, factor], kind="stable")
        low, high = truth.values[order[[0, -1]], factor]
        return _few(order), f"{declared.name}: {low:.4g} to {high:.4g}, other factors differ"
    rows = truth.index.neighbours(np.array([base]), factor)[0][0]
    rows, label = rows[rows >= 0], f"{declared.name}: {declared.size} classes"
    if len(rows) < 2 <= declared.size:
        _, rows = np.unique(truth.codes[:, factor], return_index=True)
        label += ", other factors differ"
    return _few(rows), label + _span(declared.values)


def _span(values: tuple[float, ...] | tuple[str, ...] | None) -> str:
    if not values:
        return ""
    first, last = (v if isinstance(v, str) else f"{v:.4g}" for v in (values[0], values[-1]))
    return f", {first} to {last}"


def _few(rows: Int[np.ndarray, "n"]) -> Int[np.ndarray, "k"]:
    """At most `MOST` of the rows, evenly spaced, both ends kept."""
    return rows[np.unique(np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(np.int64))]


def _fitted(image: "Image") -> "Image":
    """The image in a square tile; a small one grows by whole pixels, so that it stays as it is."""
    from PIL import Image, ImageOps

    factor = _SIDE // max(image.size)
    if factor:
        image = ImageOps.scale(image, factor, Image.Resampling.NEAREST)
    else:
        image = ImageOps.contain(image, (_SIDE, _SIDE), Image.Resampling.BOX)
    tile = Image.new("RGB", (_SIDE, _SIDE), _PAPER)
    tile.paste(image, ((_SIDE - image.width) // 2, (_SIDE - image.height) // 2))
    return tile


def _write(draw: "ImageDraw", text: str, top: int, colour: str) -> None:
    from PIL import ImageFont

    draw.text((_MARGIN, top), text, fill=colour, font=ImageFont.load_default(13))
