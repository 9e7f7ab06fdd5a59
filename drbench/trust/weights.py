"""Reading a stranger's weights: exactly what the spec's network has, or a sentence.

Names, types and shapes are compared before any memory is taken. Needs torch.
"""

import math
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open

from drbench.errors import BoardError
from drbench.models.model import Encoder
from drbench.models.weights import weights_of
from drbench.trust.bounds import MAX_FILE, MAX_HEADER, MAX_NETWORK

Layout = dict[str, tuple[str, tuple[int, ...]]]
"""Type and shape of each tensor, by name."""
_TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
"""Names of types in files, of those that weights and buffers have."""


def encoder_layout(model: Encoder, image_shape: tuple[int, int, int]) -> Layout:
    """What a file of the encoder's weights holds, found without the memory that they take.

    Raises
    ------
    BoardError
        For a network that cannot be built, or is larger than is taken.
    """
    try:
        with torch.device("meta"):
            network = model.network(image_shape)
        everything = network.state_dict()
        encoder = weights_of(network, model.encoding)
    except Exception as error:  # a plugin may fail in any way on what a stranger asks of it
        raise BoardError(
            f"its network cannot be built here: {type(error).__name__}: {error}."
        ) from error
    if sum(math.prod(value.shape) for value in everything.values()) > MAX_NETWORK:
        raise BoardError(f"its network has more than {MAX_NETWORK:,} weights.")
    return {name: (_TYPES[value.dtype], tuple(value.shape)) for name, value in encoder.items()}


def require_layout(path: Path, expected: Layout, *, network: str) -> None:
    """Compare a file of weights with what is expected, unread.

    Parameters
    ----------
    path : path
    expected : Layout
    network : str
        Identity of the network that they must be of.

    Raises
    ------
    BoardError
        With the first thing that is not as expected.
    """
    layout, owner = _read(path)
    if odd := sorted(layout.keys() ^ expected.keys()):
        word = "holds" if odd[0] in layout else "lacks"
        raise BoardError(f"{path} {word} a tensor {odd[0][:60]!r}, against what its spec implies.")
    for name, (kind, shape) in expected.items():
        if layout[name] != (kind, shape):
            other, actual = layout[name]
            raise BoardError(f"{path}: {name} is {other} {actual}, expected {kind} {shape}.")
    if owner != network:
        raise BoardError(
            f"{path} holds weights of the network {owner[:12] or 'of no name'!r}, not of "
            f"{network[:12]}."
        )


def _read(path: Path) -> tuple[Layout, str]:
    """Layout of a safetensors file, and the network that it names."""
    if path.stat().st_size > MAX_FILE:
        raise BoardError(f"{path} is larger than the {MAX_FILE:,} bytes that are taken.")
    with path.open("rb") as file:
        header = int.from_bytes(file.read(8), "little")
    if header > MAX_HEADER:
        raise BoardError(f"{path} has a header of {header:,} bytes: at most {MAX_HEADER:,}.")
    try:
        with safe_open(path, framework="np") as opened:
            slices = {name: opened.get_slice(name) for name in opened.keys()}  # noqa: SIM118
            layout = {n: (s.get_dtype(), tuple(s.get_shape())) for n, s in slices.items()}
            return layout, (opened.metadata() or {}).get("run", "")
    except SafetensorError as error:
        raise BoardError(f"{path} is no safetensors file, or a damaged one: {error}.") from error
