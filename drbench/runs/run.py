"""A run that is done, to look at and to use."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, final

import numpy as np
from jaxtyping import Float, UInt8
from torch import nn

from drbench.errors import RequestError, RunError
from drbench.metrics.scores import Scores
from drbench.models import inference
from drbench.models.model import Encoder, Generative, load_model
from drbench.models.training.log import lines_of
from drbench.models.weights import load_weights
from drbench.representation.representation import Representation
from drbench.runs.data import image_shape
from drbench.runs.folder import RunFolder
from drbench.runs.identity import network_key
from drbench.runs.record import Record, Stage
from drbench.runs.sample import Encode
from drbench.runs.spec import RunSpec


@final
@dataclass(frozen=True)
class Run:
    """A run in its folder: its record, its curves, and its network as functions.

    Made by `drbench.train`, `drbench.transfer` or `Run.load`.
    """

    path: Path
    """Folder of the run."""

    @classmethod
    def load(cls, path: Path | str) -> "Run":
        """The run in a folder.

        Raises
        ------
        RunError
            If there is none.
        """
        return cls(RunFolder.open(Path(path)).path)

    @cached_property
    def spec(self) -> RunSpec:
        """What the run is."""
        return RunFolder(self.path).spec

    @cached_property
    def record(self) -> Record:
        """What it was, what it scored, and where the numbers come from.

        Raises
        ------
        RunError
            If the run has not been done to its end.
        """
        record = RunFolder(self.path).read_record()
        if record is None:
            raise RunError(f"{self.path} has no record yet: finish the run with --resume.")
        return record

    @property
    def scores(self) -> dict[Stage, Scores]:
        """Scores by stage (`before` training, of a transfer, and `after`), by metric."""
        return {stage: Scores(results) for stage, results in self.record.scores.items()}

    def curve(self) -> dict[str, list[float | int | None]]:
        """What was logged while it trained: `step`, each term of the loss, each score.

        Returns
        -------
        columns : dict of str to list
            One value a line of the log; None where a line lacks it.
        """
        file = RunFolder(self.path).log_file
        if not file.is_file():
            raise RunError(f"{self.path} has no {file.name}: the run was not trained here.")
        lines = [_flat(line) for line in lines_of(file)]
        names = dict.fromkeys(name for line in lines for name in line)
        return {name: [line.get(name) for line in lines] for name in names}

    def representation(self, stage: Stage = "after") -> Representation:
        """The held-out sample as the network encoded it, before or after training."""
        return Representation.load(RunFolder(self.path).representation(stage))

    def encoder(self, *, seed: int = 0) -> Encode:
        """The network as a function of images; `seed` is of the noise in sampled latents."""
        model, network = self._trained
        device = inference.default_device()
        return inference.encoder(model, network, seed=seed, device=device)

    def encode(self, images: Any) -> Float[np.ndarray, "k latent"]:
        """Mean latents of images.

        Parameters
        ----------
        images : array-like (k, height, width, channel)
            Whole numbers from 0 to 255, of the size that the run was trained on.

        Raises
        ------
        RequestError
            For images of another size or type.
        """
        images = np.asarray(images)
        if images.dtype.kind in "iu" and images.size and images.min() >= 0 and images.max() < 256:
            images = images.astype(np.uint8)  # a list has no small integers
        expected = image_shape(self.spec.chain[0].data)
        if images.dtype != np.uint8 or images.shape[1:] != expected:
            raise RequestError(
                f"Images have the shape {images.shape} and type {images.dtype}: expected "
                f"(k, {', '.join(map(str, expected))}) uint8, as the run was trained on."
            )
        return self.encoder()(images)[0]

    def decode(self, latents: Any) -> UInt8[np.ndarray, "k height width channel"]:
        """Images, 0 to 255, of latents (k, latent).

        Raises
        ------
        RequestError
            If the model has no decoder.
        """
        model, network = self._trained
        if not isinstance(model, Generative):
            raise RequestError(f"{self.spec.model} encodes only: it has no decoder.")
        return inference.decode(model, network, np.asarray(latents, dtype=np.float32))

    @cached_property
    def _trained(self) -> tuple[Encoder, nn.Module]:
        """Model and network with its weights, on the default device."""
        spec, folder = self.spec, RunFolder(self.path)
        model = load_model(spec.model, **spec.hyperparameters)
        network = inference.seeded_network(model, image_shape(spec.chain[0].data), spec.seed)
        network = network.to(inference.default_device())
        load_weights(folder.require_weights(), network, run=network_key(spec))
        return model, network


def _flat(line: dict[str, Any]) -> dict[str, float | int | None]:
    """One line of the log as columns: the step, then terms and scores by their names."""
    return {"step": line["step"]} | line["terms"] | line.get("scores", {})
