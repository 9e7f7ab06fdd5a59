"""The state from which an interrupted training goes on: checked when read, never unpickled.

A checkpoint is one file: the SHA-256 of what follows, a line of JSON, and the tensors as
safetensors. The one before is kept, for the case that the newest is damaged.
"""

import hashlib
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from drbench.errors import PluginError, RunError
from drbench.files import replacing
from drbench.progress import say

CHECKPOINT = "checkpoint.state"
PREVIOUS = "checkpoint.previous.state"
FIRST_SECONDS = 2.0
"""Seconds to the first checkpoint, at most: a short training is worth one too."""


def forget_checkpoints(folder: Path) -> None:
    """Remove what a finished training no longer needs."""
    for name in (CHECKPOINT, PREVIOUS):
        (folder / name).unlink(missing_ok=True)


@final
class Checkpoints:
    """Saves and restores a training."""

    def __init__(
        self,
        folder: Path,
        network: nn.Module,
        optimisers: Mapping[str, Optimizer],
        device: str,
        *,
        run: str,
        seconds: float,
    ) -> None:
        self.newest, self.previous = folder / CHECKPOINT, folder / PREVIOUS
        self.saved: int | None = None
        """Step of the newest checkpoint."""
        self._network, self._optimisers, self._device = network, optimisers, device
        self._run, self._seconds = run, seconds
        self._due = time.monotonic() + min(FIRST_SECONDS, seconds)

    @property
    def due(self) -> bool:
        """Whether it is time for the next."""
        return time.monotonic() >= self._due

    def save(self, step: int) -> None:
        """Write all that training needs to go on after `step` steps, atomically."""
        state = {
            "network": self._network.state_dict(),
            "optimisers": {
                name: optimiser.state_dict()["state"]
                for name, optimiser in self._optimisers.items()
            },
            "generators": _generators(self._device),
        }
        tensors: dict[str, Tensor] = {}
        about = {"run": self._run, "step": step, "state": _packed(state, tensors)}
        content = json.dumps(about).encode() + b"\n" + safetensors.torch.save(tensors)
        with replacing(self.newest) as partial:
            partial.write_bytes(hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
            if self.newest.exists():
                self.newest.replace(self.previous)
        self.saved, self._due = step, time.monotonic() + self._seconds

    def restore(self, *, resume: bool) -> int:
        """Steps already done, whose weights, optimisers and generators are now in place.

        Raises
        ------
        RunError
            If there is a checkpoint and `resume` is not set, one of another run, or damaged ones
            only.
        """
        paths = [path for path in (self.newest, self.previous) if path.exists()]
        if paths and not resume:
            raise RunError(
                f"{self.newest.parent} holds a training already: go on with --resume, or choose "
                "another folder."
            )
        for path in paths:
            content = _checked(path)
            if content is not None:
                self.saved = self._load(path, content)
                return self.saved
            if path != paths[-1]:
                say(f"{path} is damaged: the checkpoint before it is used")
                path.unlink()
        if paths:
            raise RunError(
                f"The checkpoint {paths[-1]} is damaged: remove its folder and train again."
            )
        return 0

    def _load(self, path: Path, content: bytes) -> int:
        head, _, tail = content.partition(b"\n")
        about = json.loads(head)
        if about["run"] != self._run:
            raise RunError(f"The checkpoint {path} is of another run: choose another folder.")
        state = _unpacked(about["state"], safetensors.torch.load(tail))
        try:
            self._network.load_state_dict(state["network"])
            for name, optimiser in self._optimisers.items():
                groups = optimiser.state_dict()["param_groups"]
                optimiser.load_state_dict(
                    {"state": state["optimisers"][name], "param_groups": groups}
                )
        except (RuntimeError, KeyError, ValueError) as error:
            raise RunError(
                f"The checkpoint {path} does not fit the model, whose code has changed since: "
                "remove its folder and train again."
            ) from error
        _set_generators(state["generators"], self._device)
        return int(about["step"])


def _checked(path: Path) -> bytes | None:
    """What follows a checkpoint's checksum; None if it is damaged."""
    digest, _, content = path.read_bytes().partition(b"\n")
    return content if hashlib.sha256(content).hexdigest().encode() == digest else None


def _generators(device: str) -> dict[str, Tensor]:
    states = {"cpu": torch.get_rng_state()}
    if device.startswith("cuda"):
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set_generators(states: Mapping[str, Tensor], device: str) -> None:
    """Restore torch's generators; what was not saved keeps its seed, as on another device."""
    torch.set_rng_state(states["cpu"])
    if device.startswith("cuda") and "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _packed(value: Any, tensors: dict[str, Tensor]) -> Any:
    """JSON for nested dicts and lists; tensors are put aside under numbers."""
    if isinstance(value, Tensor):
        name = str(len(tensors))
        tensors[name] = value.detach().cpu().contiguous().clone()  # clone: tied weights share
        return {"tensor": name}
    if isinstance(value, dict):  # as pairs, since keys may be numbers
        return {"pairs": [[key, _packed(item, tensors)] for key, item in value.items()]}
    if isinstance(value, list | tuple):
        return [_packed(item, tensors) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise PluginError(
        f"An optimiser keeps a {type(value).__name__}, and a checkpoint holds tensors, numbers "
        "and texts only: use another optimiser."
    )


def _unpacked(value: Any, tensors: Mapping[str, Tensor]) -> Any:
    if isinstance(value, list):
        return [_unpacked(item, tensors) for item in value]
    if not isinstance(value, dict):
        return value
    if "pairs" in value:
        return {key: _unpacked(item, tensors) for key, item in value["pairs"]}
    tensor = tensors[value["tensor"]]
    # Moments in the memory order of the weights, as `place` arranged it.
    return tensor.contiguous(memory_format=torch.channels_last) if tensor.ndim == 4 else tensor
