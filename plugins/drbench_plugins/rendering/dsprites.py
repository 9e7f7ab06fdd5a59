"""Draws the sprites of dSprites from their classes.

The geometry was measured on real frames. A pixel is on if its centre lies inside the shape.
"""

from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8

from drbench_plugins.rendering.heart import HEART_DEGREES, HEART_RADII

SIDE = 64
"""Side of an image in pixels."""
SCALES = np.linspace(0.5, 1.0, 6)
ORIENTATIONS = np.linspace(0.0, 2 * np.pi, 40)
POSITIONS = np.linspace(0.0, 1.0, 32)

_FIRST_CENTRE, _TRAVEL = 15.5, 32.0
_SQUARE = 9.6
_ELLIPSE = (12.8, 7.2)
_REACH = 13.6  # just beyond the corner of the largest square, the farthest point of any sprite
_WINDOW = 28  # pixels that a sprite can cover along an axis

Plane = Float[np.ndarray, "k window window"]


def draw(codes: Int[np.ndarray, "k factor"]) -> Bool[np.ndarray, "k height width"]:
    """Draw sprites.

    Parameters
    ----------
    codes : (k, 5) int
        Classes of shape (square, ellipse, heart), scale, orientation, horizontal and vertical
        position.

    Returns
    -------
    sprites : (k, 64, 64) bool
        Whether each pixel is on.
    """
    masks = np.zeros((len(codes), SIDE, SIDE), dtype=bool)
    for shape, inside in enumerate((_in_square, _in_ellipse, _in_heart)):
        chosen = np.flatnonzero(codes[:, 0] == shape)
        columns, dx = _window(POSITIONS[codes[chosen, 3]])
        rows, dy = _window(POSITIONS[codes[chosen, 4]])
        angle = ORIENTATIONS[codes[chosen, 2]]
        scale = SCALES[codes[chosen, 1]]
        cos, sin = (np.cos(angle) / scale)[:, None], (np.sin(angle) / scale)[:, None]
        across = (cos * dx)[:, None, :] - (sin * dy)[:, :, None]
        down = (sin * dx)[:, None, :] + (cos * dy)[:, :, None]
        place = (chosen[:, None, None], rows[:, :, None], columns[:, None, :])
        masks[place] = inside(across, down)
    return masks


def packed(
    codes: Int[np.ndarray, "n factor"], block: int = 1024
) -> Iterator[UInt8[np.ndarray, "k byte"]]:
    """Draw many sprites, block by block, eight pixels a byte."""
    for start in range(0, len(codes), block):
        masks = draw(codes[start : start + block])
        yield np.packbits(masks.reshape(len(masks), SIDE * SIDE), axis=1)


def _window(
    positions: Float[np.ndarray, "k"],
) -> tuple[Int[np.ndarray, "k window"], Float[np.ndarray, "k window"]]:
    """Pixels that sprites may cover along an axis, and their distances from the centre."""
    centres = _FIRST_CENTRE + _TRAVEL * positions
    first = np.ceil(centres - _REACH).astype(np.int64)
    pixels = first[:, None] + np.arange(_WINDOW)
    return pixels, pixels - centres[:, None]


def _in_square(across: Plane, down: Plane) -> Bool[np.ndarray, "k window window"]:
    return np.maximum(np.abs(across), np.abs(down)) <= _SQUARE


def _in_ellipse(across: Plane, down: Plane) -> Bool[np.ndarray, "k window window"]:
    return (across / _ELLIPSE[0]) ** 2 + (down / _ELLIPSE[1]) ** 2 <= 1


def _in_heart(across: Plane, down: Plane) -> Bool[np.ndarray, "k window window"]:
    squared = across * across + down * down
    inside = squared <= HEART_RADII.min() ** 2
    # Only between the smallest and the largest radius does the angle matter.
    rim = np.nonzero(~inside & (squared <= HEART_RADII.max() ** 2))
    from_up = np.degrees(np.arctan2(np.abs(across[rim]), -down[rim]))
    inside[rim] = np.sqrt(squared[rim]) <= np.interp(from_up, HEART_DEGREES, HEART_RADII)
    return inside
