"""What a stranger's record may ask of this machine: registered plugins, and not all its memory."""

import math
from dataclasses import dataclass
from typing import final

import torch

from drbench.data.opening import is_open
from drbench.errors import DrbenchError
from drbench.models.model import Encoder, load_model
from drbench.models.weights import weights_of
from drbench.runs.data import image_shape
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.verify.findings import UnverifiableError

MAX_WEIGHTS = 2**28
"""Numbers in the whole network (1 GiB), encoder and all."""
MAX_IMAGE = 2**23
"""Numbers in one image; 256 of them are encoded at once."""
_TYPES = {
    torch.float32: "F32", torch.float64: "F64", torch.float16: "F16", torch.bfloat16: "BF16",
    torch.int64: "I64", torch.int32: "I32", torch.uint8: "U8", torch.bool: "BOOL",
}  # fmt: skip
"""Names of types in files, of those that weights and buffers have."""


@final
@dataclass(frozen=True)
class Registered:
    """A model that is registered here, and the network it would build."""

    model: Encoder
    image_shape: tuple[int, int, int]
    """Height, width and channels of what the network was first trained on."""
    encoder: dict[str, tuple[str, tuple[int, ...]]]
    """Type and shape of each of the encoder's weights, by name."""


def require_registered(record: Record) -> Registered:
    """The model and the network of a record, and of each run on the way to it, without memory.

    Raises
    ------
    UnverifiableError
        For open data sets, for plugins that are not registered here, and for networks or images
        that are larger than is taken.
    """
    for spec in record.spec.chain:
        if is_open(spec.data.name):  # a path means another file on every machine
            raise UnverifiableError(
                f"{spec.data.name[:80]} is no registered data set: open sets of a submission are "
                "never opened, and its run is rescored at most."
            )
    networks = [_network(spec, record.spec.chain[0]) for spec in record.spec.chain]
    return networks[-1]


def _network(spec: RunSpec, first: RunSpec) -> Registered:
    try:
        shape = image_shape(first.data)
        largest = max(math.prod(shape), math.prod(image_shape(spec.data)))
        model = load_model(spec.model, **spec.hyperparameters)
    except DrbenchError as error:
        raise UnverifiableError(f"its model or data set is not here: {error}") from error
    if largest > MAX_IMAGE:
        raise UnverifiableError(f"its images of {largest:,} numbers are larger than are taken.")
    try:
        with torch.device("meta"):
            network = model.network(shape)
        weights = network.state_dict()
        encoder = weights_of(network, model.encoding)
    except Exception as error:  # a plugin may fail in any way on what a stranger asks of it
        raise UnverifiableError(
            f"its network cannot be built here: {type(error).__name__}: {error}."
        ) from error
    if sum(value.numel() for value in weights.values()) > MAX_WEIGHTS:
        raise UnverifiableError(f"its network has more than {MAX_WEIGHTS:,} weights.")
    layout = {name: (_TYPES[value.dtype], tuple(value.shape)) for name, value in encoder.items()}
    return Registered(model, shape, layout)
