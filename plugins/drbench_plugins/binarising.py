"""From a photograph of an object to its silhouette, step by step as OpenCV defines the steps.

The published binary version of COIL-100 was made with OpenCV; these few lines take its place.
"""

import numpy as np
from jaxtyping import Bool, UInt8

Grey = UInt8[np.ndarray, "height width"]

_WINDOW = 5
_WEIGHTS = np.array([9798, 19235, 3735], dtype=np.uint32)  # luma of red, green, blue, times 2**15


def silhouette(
    photograph: UInt8[np.ndarray, "height width 3"],
) -> Bool[np.ndarray, "half_height half_width"]:
    """Which pixels show the object, at half the size.

    Grey, median of 5x5, Otsu's threshold, closing by 5x5, half the size by area, Otsu's threshold.
    """
    smooth = median(grey(photograph))
    mask = close(_white(smooth > otsu(smooth)))
    half = halve(mask)
    return half > otsu(half)


def grey(photograph: UInt8[np.ndarray, "height width 3"]) -> Grey:
    """Luma in fixed-point arithmetic of 15 bits."""
    return ((photograph @ _WEIGHTS + 2**14) >> 15).astype(np.uint8)


def median(image: Grey) -> Grey:
    """Median of 5x5 pixels; the image goes on beyond its border as its outermost pixels."""
    from PIL import ImageFilter

    return _filtered(image, ImageFilter.MedianFilter(_WINDOW))


def close(image: Grey) -> Grey:
    """Largest, then smallest of 5x5 pixels; what is beyond the border does not count."""
    from PIL import ImageFilter

    # Pillow repeats the outermost pixels, which are in the window anyway: they change no extreme.
    grown = _filtered(image, ImageFilter.MaxFilter(_WINDOW))
    return _filtered(grown, ImageFilter.MinFilter(_WINDOW))


def halve(image: Grey) -> UInt8[np.ndarray, "half_height half_width"]:
    """Means of 2x2 pixels, halves rounded up."""
    height, width = image.shape
    sums = image.reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3), dtype=np.uint16)
    return ((sums + 2) >> 2).astype(np.uint8)


def otsu(image: Grey) -> int:
    """Otsu's threshold: the level up to which pixels are dark, if the classes differ the most.

    Of several levels that part the classes equally well, the lowest; 0 if all pixels are equal.
    """
    counts = np.bincount(image.ravel(), minlength=256)
    dark = np.cumsum(counts)  # pixels up to each level
    total = np.cumsum(counts * np.arange(256))  # and the sum of their levels
    light = image.size - dark
    # Variance between the classes, times a constant. Whole numbers below 2**53: equal stays equal.
    apart = (image.size * total - dark * total[-1]).astype(np.float64) ** 2
    between = np.divide(apart, dark * light, out=np.zeros(256), where=dark * light > 0)
    return int(np.argmax(between))


def _white(mask: Bool[np.ndarray, "height width"]) -> Grey:
    return mask * np.uint8(255)


def _filtered(image: Grey, by: object) -> Grey:
    from PIL import Image

    return np.asarray(Image.fromarray(image).filter(by))  # type: ignore[arg-type]
