"""Encode a data set with anything that encodes: a function, a torch module or a run."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from drbench import registry
from drbench.data.ground_truth import GroundTruth
from drbench.data.spec import Origin
from drbench.errors import DrbenchError, MissingExtraError, RequestError
from drbench.representation.representation import Representation
from drbench.runs.data import data_ref, open_data
from drbench.runs.defaults import PAIRS, SAMPLE
from drbench.runs.folder import RunFolder
from drbench.runs.sample import Encode, Encoded, Sample, held_out, represent
from drbench.runs.spec import DataRef
from drbench.seeds import require_seed

if TYPE_CHECKING:
    from torch import nn


def encode(
    encoder: Any,
    dataset: str | GroundTruth,
    *,
    origin: Origin | None = None,
    sample: int = SAMPLE,
    seed: int = 0,
) -> Representation:
    """Encode a sample of a data set, and pairs of images that differ in one factor.

    Parameters
    ----------
    encoder : callable, torch module, run, or str
        A function maps images (k, height, width, channel) uint8 to latents (k, latent), or to the
        tuple (mean, sampled). A `torch.nn.Module` is given float images (k, channel, height,
        width) in [0, 1] on its device, in evaluation mode and without gradients, and returns the
        same. A run, or its folder, is given rows of its held-out share, so that on its own data
        set it is scored on what it never saw. A text names a run's folder, `FILE.py:function` or
        `module:function`. An image that comes again (in pairs) is encoded again only where there
        are sampled latents.
    dataset : str or GroundTruth
        Registered name, `folder:PATH`, `hf:OWNER/NAME[:split]`, or what `load_dataset` returns.
    origin : {"official", "rendered", "own"}, optional
        Of a data set that is named; default: official, or the only one.
    sample : int
        Rows, at most.
    seed : int
        Seed of the sample.

    Returns
    -------
    Representation

    Raises
    ------
    RequestError
        For what is no encoder or data set, or returns no latents.
    DrbenchError
        If the encoder fails, or files are missing or damaged.
    """
    return encode_sample(encoder, _data(dataset, origin), sample=sample, seed=seed).representation


def encode_sample(encoder: Any, data: DataRef | GroundTruth, *, sample: int, seed: int) -> Encoded:
    """Encode as `encode` does; the hashes of what was encoded come along."""
    seed = require_seed(seed)
    if sample < 1:
        raise RequestError(f"A sample of {sample} rows is asked for: expected 1 or more.")
    name = data.spec.name if isinstance(data, GroundTruth) else data.name
    if (folder := _run_folder(encoder)) is not None:
        drawn = held_out(folder.spec, data, size=sample, pairs=PAIRS, seed=seed)
        function = _trained(folder, seed)
        return represent(function, drawn.truth, drawn.sample, label=f"encoding {name}")
    with _function(encoder) as function:
        truth = data if isinstance(data, GroundTruth) else open_data(data)
        every = np.ones(len(truth), dtype=bool)
        chosen = Sample.draw(truth, every, size=sample, pairs=PAIRS, seed=seed)
        return represent(function, truth, chosen, label=f"encoding {name}")


@contextmanager
def imported_encoder(reference: str) -> Iterator[Any]:
    """What `FILE.py:function` or `module:function` names; inside the block it finds its neighbours.

    Raises
    ------
    RequestError
        If there is no such file, module or function.
    """
    where, _, attribute = reference.rpartition(":")
    if not where or not attribute:
        raise RequestError(f"{reference!r} is no run folder, FILE.py:function or module:function.")
    file = Path(where).resolve() if where.endswith(".py") else None
    if file is not None and not file.is_file():
        raise RequestError(f"{file} does not exist.")
    with _first_on_path(Path.cwd() if file is None else file.parent):
        try:
            module = registry.import_file(file) if file else importlib.import_module(where)
        except DrbenchError:
            raise
        except (Exception, SystemExit) as error:  # a stranger's module may fail in any way
            raise RequestError(
                f"{where} cannot be imported: {type(error).__name__}: {error}."
            ) from error
        if not callable(encoder := getattr(module, attribute, None)):
            raise RequestError(f"{where} has no function {attribute!r}.")
        yield encoder


@contextmanager
def _first_on_path(folder: Path) -> Iterator[None]:
    sys.path.insert(0, str(folder))  # as `python -m` does
    try:
        yield
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _data(dataset: Any, origin: Origin | None) -> DataRef | GroundTruth:
    if isinstance(dataset, GroundTruth):
        return dataset
    if not isinstance(dataset, str):
        raise RequestError(
            f"The data set is a {type(dataset).__name__}: expected a name or a GroundTruth."
        )
    return data_ref(dataset, origin)


def _run_folder(encoder: Any) -> RunFolder | None:
    """The folder of a run, if that is what encodes."""
    run = sys.modules.get("drbench.runs.run")  # nobody holds a run who has not imported it
    if run is not None and isinstance(encoder, run.Run):
        return RunFolder(encoder.path)
    if isinstance(encoder, str | PathLike) and (Path(encoder) / "spec.json").is_file():
        return RunFolder.open(Path(encoder))
    return None


def _trained(folder: RunFolder, seed: int) -> Encode:
    try:
        from drbench.runs.run import Run
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise MissingExtraError("torch", extra="train") from error
    return Run(folder.path).encoder(seed=seed)


@contextmanager
def _function(encoder: Any) -> Iterator[Encode]:
    """A function of images, of whatever encodes but a run."""
    if isinstance(encoder, str | PathLike):
        with imported_encoder(str(encoder)) as named, _function(named) as function:
            yield function
        return
    torch = sys.modules.get("torch")  # nobody holds a module who has not imported it
    if torch is not None and isinstance(encoder, torch.nn.Module):
        yield _module_function(encoder)
    elif callable(encoder):
        yield encoder
    else:
        raise RequestError(
            f"A {type(encoder).__name__} does not encode: expected a function, a torch module, a "
            "run or its folder."
        )


def _module_function(module: "nn.Module") -> Encode:
    """A torch module as a function of images: evaluating, without gradients, left as it was."""
    import torch

    from drbench.models.inference import to_tensor

    weights = (each for each in module.parameters() if each.is_floating_point())
    weight = next(weights, torch.zeros(0))

    def encode(images: np.ndarray) -> Any:
        modes = [(part, part.training) for part in module.modules()]
        module.eval()
        try:
            with torch.inference_mode():
                return module(to_tensor(images, str(weight.device)).contiguous().to(weight.dtype))
        finally:
            for part, training in modes:
                part.training = training

    return encode
