"""From arrays to PNG files."""

import io

import numpy as np
from jaxtyping import UInt8


def png(image: UInt8[np.ndarray, "height width channel"]) -> bytes:
    """An image of 1 (grey) or 3 channels as a PNG file."""
    from PIL import Image

    buffer = io.BytesIO()
    pixels = image[..., 0] if image.shape[-1] == 1 else image
    Image.fromarray(np.ascontiguousarray(pixels)).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()
