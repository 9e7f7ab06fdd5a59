"""Conversions of image batches: size and channels."""

import functools
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from drbench.errors import RequestError

LARGEST_SIDE = 4096
"""Pixels of a side to which images are resized, at most."""

GREY_WEIGHTS = np.array([0.299, 0.587, 0.114], dtype=np.float32)
"""ITU-R BT.601 luma, what Pillow's convert("L") uses."""


def image_sides(size: Any) -> tuple[int, int]:
    """Height and width to resize to, of one number for a square or of both.

    Raises
    ------
    RequestError
        If they are not one or two whole numbers from 1 to 4,096.
    """
    sides = np.asarray(size)
    is_size = sides.dtype.kind in "iu" and sides.shape in ((), (2,))
    if not is_size or sides.min() < 1 or sides.max() > LARGEST_SIDE:
        raise RequestError(
            f"Images cannot be resized to {size}: give one side or (height, width), whole numbers "
            f"from 1 to {LARGEST_SIDE:,} pixels."
        )
    height, width = np.broadcast_to(sides, 2).tolist()
    return height, width


@functools.lru_cache(maxsize=16)
def area_weights(old: int, new: int) -> Float[np.ndarray, "new old"]:
    """Share of each old pixel in each new one; rows sum to 1."""
    edges = np.linspace(0, old, new + 1)
    left, right = edges[:-1, None], edges[1:, None]
    pixel = np.arange(old)
    overlap = np.minimum(right, pixel + 1) - np.maximum(left, pixel)
    return (np.maximum(overlap, 0) * (new / old)).astype(np.float32)


def resize_area(
    images: UInt8[np.ndarray, "k height width channel"],
    new_height: int,
    new_width: int | None = None,
) -> UInt8[np.ndarray, "k new_height new_width channel"]:
    """Resize, to a square if only one side is given: new pixels are means of areas of old ones.

    Examples
    --------
    >>> resize_area(np.array([[[[0], [20]], [[40], [60]]]], dtype=np.uint8), 1).item()
    30
    """
    k, height, width, channels = images.shape
    new_width = new_height if new_width is None else new_width
    rows = area_weights(height, new_height) @ images.reshape(k, height, width * channels)
    columns = area_weights(width, new_width) @ rows.reshape(k * new_height, width, channels)
    return np.rint(columns).astype(np.uint8).reshape(k, new_height, new_width, channels)


def convert_channels(
    images: UInt8[np.ndarray, "k height width channel"], channels: int
) -> UInt8[np.ndarray, "k height width new"]:
    """Grey to colour by repetition, colour to grey by luma.

    Raises
    ------
    RequestError
        For any other pair of channel counts.
    """
    now = images.shape[-1]
    if now == channels:
        return images
    if now == 1:
        return np.repeat(images, channels, axis=-1)
    if now == 3 and channels == 1:
        return np.rint(images @ GREY_WEIGHTS).astype(np.uint8)[..., None]
    raise RequestError(f"Images with {now} channels cannot become images with {channels}.")
