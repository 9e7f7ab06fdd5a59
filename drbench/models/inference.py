"""Using a network: fresh weights, latents, images, and the objective on rows it may not learn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from drbench.data.ground_truth import GroundTruth
from drbench.errors import RequestError
from drbench.models.model import Batch, Encoder, Generative, Trainable
from drbench.models.weights import load_pretrained

_BATCH = 256


def default_device() -> str:
    """The device that networks run on unless told otherwise: a GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def chosen_device(device: str) -> str:
    """The device of a `Runtime`, `auto` resolved.

    Raises
    ------
    RequestError
        If this machine has no such device.
    """
    if device == "auto":
        return default_device()
    try:
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:  # torch without CUDA asserts
        reason = str(error).partition("\n")[0]
        raise RequestError(f"The device {device!r} cannot be used here ({reason}).") from error
    return device


def seeded_network(model: Encoder, image_shape: tuple[int, int, int], seed: int) -> nn.Module:
    """A network with fresh weights, which depend on the seed alone, and what it declares to read.

    Raises
    ------
    DrbenchError
        If the weights that the model declares cannot be had, or do not fit.
    """
    with own_randomness("cpu"):
        torch.manual_seed(seed)
        network = model.network(image_shape)
    if (declared := model.weights()) is not None:
        load_pretrained(declared, network)
    return network


def encoder(
    model: Encoder, network: nn.Module, *, seed: int, device: str
) -> Callable[
    [UInt8[np.ndarray, "k height width channel"]],
    tuple[Float[np.ndarray, "k latent"], Float[np.ndarray, "k latent"] | None],
]:
    """A network as a function of images.

    Parameters
    ----------
    model, network
    seed : int
        Of the noise in sampled latents, which goes on from call to call.
    device : str

    Returns
    -------
    encode : callable
        Maps images (k, height, width, channel), 0 to 255, to mean latents (k, latent) and sampled
        ones (None for a deterministic encoder), both float32. All k images are encoded at once.
    """
    noise = torch.Generator(device).manual_seed(seed)

    def encode(
        images: UInt8[np.ndarray, "k height width channel"],
    ) -> tuple[Float[np.ndarray, "k latent"], Float[np.ndarray, "k latent"] | None]:
        with evaluating(network, device):
            mean, sampled = model.encode(network, to_tensor(images, device), noise)
        return _to_numpy(mean), None if sampled is None else _to_numpy(sampled)

    return encode


def decode(
    model: Encoder, network: nn.Module, latents: Float[np.ndarray, "k latent"]
) -> UInt8[np.ndarray, "k height width channel"]:
    """Images of latents, 0 to 255, computed where the network is.

    Raises
    ------
    RequestError
        If the model encodes only.
    """
    if not isinstance(model, Generative):
        raise RequestError(f"{model.name} has no decoder: choose a model that draws images.")
    device = str(next(network.parameters()).device)
    parts = []
    with evaluating(network, device):
        for some in _batches(latents):
            images = model.decode(network, torch.from_numpy(np.float32(some)).to(device))
            parts.append((images.float() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.ascontiguousarray(np.concatenate(parts))


def objective(
    model: Encoder,
    network: nn.Module,
    truth: GroundTruth,
    rows: Int[np.ndarray, "n"],
    *,
    device: str,
) -> dict[str, float]:
    """Mean terms of the loss for single images, in the model's units, the same at every call.

    Where the model needs a second batch, that is the rows half a turn further on. A frozen encoder
    has no terms.
    """
    totals: dict[str, float] = {}
    if not isinstance(model, Trainable):
        return totals
    distant = np.roll(rows, len(rows) // 2)
    with evaluating(network, device), own_randomness(device):
        torch.manual_seed(0)
        for some, others in zip(_batches(rows), _batches(distant), strict=True):
            batch = Batch(
                to_tensor(truth.images(some), device),
                others=to_tensor(truth.images(others), device) if model.needs_others else None,
            )
            for name, term in model.loss(network, batch).items():
                totals[name] = totals.get(name, 0.0) + float(term) * len(some) / len(rows)
    return totals


def to_tensor(
    images: UInt8[np.ndarray, "k height width channel"], device: str
) -> Float[Tensor, "k channel height width"]:
    """Images as a network sees them: in [0, 1], on its device, channels last in memory."""
    return on_device(torch.from_numpy(np.require(images, requirements=["C", "W"])), device)


def on_device(
    images: UInt8[Tensor, "k height width channel"], device: str
) -> Float[Tensor, "k channel height width"]:
    """As `to_tensor`, from a tensor of bytes; waits for nothing if that is in pinned memory."""
    # Bytes travel and become numbers there; the permuted view is channels-last already.
    return images.to(device, non_blocking=True).permute(0, 3, 1, 2).float().div_(255)


def place(network: nn.Module, device: str) -> None:
    """Move a network to a device, its weights in the memory order that convolves fastest."""
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it


@contextmanager
def own_randomness(device: str) -> Iterator[None]:
    """Let a block seed torch without touching the random numbers of anyone outside it."""
    with torch.random.fork_rng(devices=[torch.device(device)] if device != "cpu" else []):
        yield


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Let torch use so many threads of the processor inside the block; None changes nothing."""
    if threads is None:
        yield
        return
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def evaluating(network: nn.Module, device: str) -> Iterator[None]:
    """Evaluation mode on a device, without gradients; training goes on as before afterwards."""
    was_training = network.training
    place(network, device)
    network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        network.train(was_training)


def _to_numpy(tensor: Tensor) -> np.ndarray:
    return tensor.float().cpu().numpy()


def _batches(rows: np.ndarray) -> Iterator[np.ndarray]:
    """Blocks of rows; one empty block if there are none, so that shapes are known."""
    for start in range(0, max(len(rows), 1), _BATCH):
        yield rows[start : start + _BATCH]
