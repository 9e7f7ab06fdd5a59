"""People's own pictures, of any size and format, as arrays of one shape."""

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from drbench.data.imaging import resize_area
from drbench.errors import DataError

if TYPE_CHECKING:
    from PIL import ImageFile

BLOCK = 64
"""Pictures that are handed on together, at most."""
MEMORY = 2**25
"""Bytes of a block, at most, unless a single picture has more: photographs may be huge."""


def rgb_pixels(
    open_picture: "Callable[[], ImageFile.ImageFile]", where: str
) -> UInt8[np.ndarray, "height width 3"]:
    """A picture as 8-bit RGB, upright, transparent parts black.

    Parameters
    ----------
    open_picture : callable
        Opens it with Pillow; what fails in it is reported.
    where : str
        What to call it in an error.

    Raises
    ------
    DataError
        If it cannot be decoded, or has more than 8 bits.
    """
    from PIL import Image, ImageOps

    try:
        with open_picture() as picture:
            picture.verify()  # checksums of a PNG, which decoding does not compare to the end
        with open_picture() as picture:
            # Pillow narrows 16 bits of colour to 8 without a word; what it decodes says so.
            deep = ";16" in str(picture.tile)
            picture.load()
            if deep or picture.mode.startswith(("I", "F")):
                raise DataError(
                    f"{where} has more than 8 bits a channel ({picture.mode}): how to scale them "
                    "is yours to say; convert the images to 8 bits."
                )
            upright = ImageOps.exif_transpose(picture)
            if "A" in upright.getbands() or "transparency" in upright.info:
                black = Image.new("RGBA", upright.size, (0, 0, 0, 255))
                upright = Image.alpha_composite(black, upright.convert("RGBA"))
            return np.asarray(upright.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{where} cannot be decoded ({error}): it is damaged or no image. Remove it or replace "
            "it."
        ) from error


def shaped(
    picture: UInt8[np.ndarray, "height width 3"], size: tuple[int, int]
) -> UInt8[np.ndarray, "new_height new_width 3"]:
    """A picture padded with black to the proportions of `size`, then resized to it by area."""
    height, width = picture.shape[:2]
    tall = max(height, -(-width * size[0] // size[1]))
    wide = max(width, -(-height * size[1] // size[0]))
    top, left = (tall - height) // 2, (wide - width) // 2
    if (tall, wide) != (height, width):
        padded = np.zeros((tall, wide, 3), dtype=np.uint8)
        padded[top : top + height, left : left + width] = picture
        picture = padded
    return picture if picture.shape[:2] == size else resize_area(picture[None], *size)[0]


def in_blocks(
    pictures: Iterable[tuple[str, UInt8[np.ndarray, "height width 3"]]],
    own: tuple[int, int],
    asked: tuple[int, int] | None,
) -> Iterator[UInt8[np.ndarray, "k height width 3"]]:
    """Blocks of pictures of one size.

    Parameters
    ----------
    pictures : iterable of (name, picture)
    own : (height, width)
        Size of the first picture, and so of the set.
    asked : (height, width), optional
        Size that is asked for; without it all pictures must have the set's own.

    Raises
    ------
    DataError
        If the sizes differ and none is asked for.
    """
    size, block = asked or own, []
    most = max(min(BLOCK, MEMORY // (3 * size[0] * size[1])), 1)
    for name, picture in pictures:
        if asked is None and picture.shape[:2] != own:
            theirs, ours = ("x".join(map(str, shape)) for shape in (picture.shape[:2], own))
            raise DataError(
                f"{name} has {theirs} pixels, the first image {ours}: say to which size all of "
                "them shall be brought, such as --resize 64 (with black borders where they are "
                "not square)."
            )
        block.append(shaped(picture, size))
        if len(block) == most:
            yield np.stack(block)
            block = []
    if block:
        yield np.stack(block)
