"""Weights, and the state from which an interrupted training goes on."""

import io
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.optim import Optimizer

from drbench.errors import PluginError, RunError
from drbench.files import write_bytes

WEIGHTS = "weights.safetensors"
CHECKPOINT = "checkpoint.pt"
_DAMAGE = (pickle.UnpicklingError, RuntimeError, EOFError, KeyError, TypeError, ValueError)
"""What torch raises on a damaged file, depending on where the damage is."""


def save_weights(
    path: Path, network: nn.Module, *, run: str = "", parts: tuple[str, ...] = ("",)
) -> None:
    """Write the weights as one safetensors file, atomically.

    Parameters
    ----------
    path : Path
    network : Module
    run : str
        Key of the run that they are of. Equal weights of one run give equal bytes.
    parts : tuple of str
        Submodules to write; the empty name is the whole network.
    """
    chosen = weights_of(network, parts)
    tensors = {name: value.cpu().contiguous() for name, value in chosen.items()}
    write_bytes(path, safetensors.torch.save(tensors, metadata={"run": run}))


def weights_of(network: nn.Module, parts: tuple[str, ...]) -> dict[str, Tensor]:
    """Parameters and buffers of some submodules, by their names in the network.

    Raises
    ------
    PluginError
        If there is no such submodule.
    """
    for part in parts:
        try:
            network.get_submodule(part)
        except AttributeError as error:
            raise PluginError(f"The network has no submodule {part!r} to encode with.") from error
    return {
        name: value
        for name, value in network.state_dict().items()
        if any(not part or name.startswith(f"{part}.") for part in parts)
    }


def load_weights(
    path: Path, network: nn.Module, *, run: str = "", parts: tuple[str, ...] = ("",)
) -> None:
    """Read weights into a network that was built for them.

    Parameters
    ----------
    path : Path
    network : Module
        Overwritten in place.
    run : str
        Key of the run that they must be of; any will do if it is empty.
    parts : tuple of str
        Submodules that the file holds; the others keep their weights.

    Raises
    ------
    RunError
        For a missing or damaged file, weights of another network, or of another run.
    """
    if not path.is_file():
        raise RunError(f"There are no weights at {path}: the run has not been trained to its end.")
    try:
        with safe_open(path, framework="pt") as opened:
            owner = (opened.metadata() or {}).get("run", "")
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise RunError(f"{path} is damaged ({error}): train the run again.") from error
    if run and owner != run:
        raise RunError(
            f"{path} holds the weights of the run {owner[:24] or 'of no name'}, expected those of "
            f"{run[:24]}: its spec or its weights were edited or copied here."
        )
    expected = weights_of(network, parts)
    if tensors.keys() != expected.keys():
        odd = ", ".join(sorted(tensors.keys() ^ expected.keys())[:3])
        raise RunError(
            f"{path} holds the weights of another network: the two differ in {odd}. Use the model "
            "that wrote it."
        )
    for name, value in expected.items():
        if tensors[name].shape != value.shape:
            raise RunError(
                f"{path}: {name} has shape {tuple(tensors[name].shape)}, expected "
                f"{tuple(value.shape)}. Use the hyperparameters and the image size it was "
                "trained with."
            )
    network.load_state_dict(network.state_dict() | tensors)


def save_checkpoint(
    path: Path,
    network: nn.Module,
    optimisers: Mapping[str, Optimizer],
    *,
    step: int,
    run: Mapping[str, Any],
) -> None:
    """Write all that training needs to go on after `step` steps, atomically."""
    state = {
        "step": step,
        "run": dict(run),
        "network": network.state_dict(),
        "optimisers": {part: optimiser.state_dict() for part, optimiser in optimisers.items()},
    }
    # Serialised in memory first: a full disk is then an OSError, which `replacing` explains.
    buffer = io.BytesIO()
    torch.save(state, buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(
    path: Path,
    network: nn.Module,
    optimisers: Mapping[str, Optimizer],
    *,
    run: Mapping[str, Any],
) -> int:
    """Restore what `save_checkpoint` wrote; return the number of steps done.

    Parameters
    ----------
    path : Path
    network, optimisers
        Overwritten in place.
    run : mapping
        What determines the training; must equal what was saved.

    Raises
    ------
    RunError
        For a damaged file or the checkpoint of another run.
    """
    content = path.read_bytes()
    try:
        state = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
        saved = state["run"]
    except _DAMAGE as error:
        raise RunError(
            f"The checkpoint {path} is damaged: remove its folder and train again."
        ) from error
    other = [name for name in run if saved.get(name) != run[name]]
    if other:
        differences = ", ".join(f"{name}={saved.get(name)}, now {run[name]}" for name in other)
        raise RunError(
            f"The checkpoint {path} is of another run ({differences}): choose another folder."
        )
    network.load_state_dict(state["network"])
    for part, optimiser in optimisers.items():
        optimiser.load_state_dict(state["optimisers"][part])
    return int(state["step"])
