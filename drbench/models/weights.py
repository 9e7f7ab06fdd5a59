"""Weights on disk: whole, named by their run, and refused where they do not fit."""

from pathlib import Path

import safetensors.torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from drbench.errors import PluginError, RunError
from drbench.files import write_bytes
from drbench.models.pretrained import HubWeights, WeightsFile

WEIGHTS = "weights.safetensors"


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
    owner, tensors = _read(path, "train the run again")
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
    _require_shapes(path, tensors, expected)
    network.load_state_dict(network.state_dict() | tensors)


def load_pretrained(declared: WeightsFile | HubWeights, network: nn.Module) -> None:
    """Read declared weights into a network, or into the part of it that they are of.

    Parameters
    ----------
    declared : WeightsFile or HubWeights
        Fetched if needed. The file may hold tensors that the network has no use for.
    network : Module
        Overwritten in place.

    Raises
    ------
    RunError
        For a missing or damaged file, one of another content, or weights that do not fit.
    """
    path = declared.fetch()
    _, tensors = _read(path, "put the declared file in its place")
    prefix = f"{declared.part}." if declared.part else ""
    expected = weights_of(network, (declared.part,))
    tensors = {prefix + name: value for name, value in tensors.items()}
    if missing := expected.keys() - tensors.keys():
        raise RunError(
            f"{path} lacks {len(missing)} of the network's weights, such as {min(missing)}: the "
            "model declares another file than the one of its network."
        )
    tensors = {name: tensors[name] for name in expected}
    _require_shapes(path, tensors, expected)
    network.load_state_dict(network.state_dict() | tensors)


def _read(path: Path, advice: str) -> tuple[str, dict[str, Tensor]]:
    """Key of the run that a file's weights are of, and the weights."""
    try:
        with safe_open(path, framework="pt") as opened:
            owner = (opened.metadata() or {}).get("run", "")
            return owner, {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise RunError(f"{path} is damaged ({error}): {advice}.") from error


def _require_shapes(path: Path, tensors: dict[str, Tensor], expected: dict[str, Tensor]) -> None:
    for name, value in expected.items():
        if tensors[name].shape != value.shape:
            raise RunError(
                f"{path}: {name} has shape {tuple(tensors[name].shape)}, expected "
                f"{tuple(value.shape)}. Use the hyperparameters and the image size it was "
                "trained with."
            )
