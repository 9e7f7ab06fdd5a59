"""Whatever people hold their numbers in, as NumPy arrays."""

import sys
from typing import Any

import numpy as np
from jaxtyping import Float

from drbench.errors import RepresentationError


def to_numpy(array: Any) -> np.ndarray:
    """An array-like as a NumPy array: a list, a frame, or a tensor with gradients, on any device.

    Raises
    ------
    TypeError, ValueError, RuntimeError
        For what NumPy or torch cannot turn into one array.
    """
    torch = sys.modules.get("torch")  # nobody holds a tensor who has not imported it
    if torch is not None and isinstance(array, torch.Tensor):
        array = array.detach().cpu()
        if array.is_floating_point() and array.dtype != torch.float64:
            array = array.float()  # NumPy has no bfloat16
        return array.numpy()
    try:
        return np.asarray(array)
    except ValueError as error:
        raise ValueError("they are rows of different lengths") from error


def latent_matrix(array: Any, what: str) -> Float[np.ndarray, "n latent"]:
    """An array-like as real numbers, one row an image.

    Raises
    ------
    RepresentationError
        For other things than an array (n, latent) of real numbers.
    """
    try:
        numbers = to_numpy(array)
        if numbers.dtype.kind == "c":
            raise TypeError("they are complex")
        matrix = numbers.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # torch's own is a RuntimeError
        raise RepresentationError(f"The {what} are not an array of numbers: {error}.") from error
    if matrix.ndim != 2:
        raise RepresentationError(f"The {what} have shape {matrix.shape}, expected (n, latent).")
    return matrix
