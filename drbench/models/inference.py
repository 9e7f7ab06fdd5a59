"""Using a network: fresh weights, latents, images, and the objective on rows it may not learn."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from jaxtyping import Float, Int, UInt8
from torch import Tensor, nn

from drbench.data.ground_truth import GroundTruth
from drbench.models.model import Batch, Model

_BATCH = 256


def default_device() -> str:
    """The device that networks run on unless told otherwise: a GPU if there is one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def seeded_network(model: Model, image_shape: tuple[int, int, int], seed: int) -> nn.Module:
    """A network with fresh weights, which depend on the seed alone."""
    with own_randomness("cpu"):
        torch.manual_seed(seed)
        return model.network(image_shape)


def encoder(
    model: Model, network: nn.Module, *, seed: int, device: str
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
    model: Model, network: nn.Module, latents: Float[np.ndarray, "k latent"]
) -> UInt8[np.ndarray, "k height width channel"]:
    """Images of latents, 0 to 255, computed where the network is."""
    device = str(next(network.parameters()).device)
    found = []
    with evaluating(network, device):
        for some in _batches(latents):
            images = model.decode(network, torch.from_numpy(np.float32(some)).to(device))
            found.append((images.float() * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())
    return np.ascontiguousarray(np.concatenate(found))


def objective(
    model: Model,
    network: nn.Module,
    truth: GroundTruth,
    rows: Int[np.ndarray, "n"],
    *,
    device: str,
) -> dict[str, float]:
    """Mean terms of the loss for single images, in the model's units, the same at every call.

    For a model with several optimised parts these are the terms of the first.
    """
    totals: dict[str, float] = {}
    with evaluating(network, device), own_randomness(device):
        torch.manual_seed(0)
        for some in _batches(rows):
            batch = Batch(to_tensor(truth.images(some), device), part=model.optimised[0])
            for name, term in model.loss(network, batch).items():
                totals[name] = totals.get(name, 0.0) + float(term) * len(some) / len(rows)
    return totals


def to_tensor(
    images: UInt8[np.ndarray, "k height width channel"], device: str
) -> Float[Tensor, "k channel height width"]:
    """Images as a network sees them: in [0, 1], on its device, channels last in memory."""
    writable = torch.from_numpy(np.require(images, requirements=["C", "W"]))
    # Bytes travel and become numbers there; the permuted view is channels-last already.
    return writable.to(device).permute(0, 3, 1, 2).float().div_(255)


def place(network: nn.Module, device: str) -> None:
    """Move a network to a device, its weights in the memory order that convolves fastest."""
    network.to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stubs lack it


@contextmanager
def own_randomness(device: str) -> Iterator[None]:
    """Let a block seed torch without touching the random numbers of anyone outside it."""
    with torch.random.fork_rng(devices=[torch.device(device)] if device != "cpu" else []):
        yield


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
