"""The contract of a model plugin."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, ValidationError

from drbench import registry
from drbench.errors import MissingExtraError, PluginError, RequestError
from drbench.frozen import first_problem

try:
    from torch import Generator, Tensor, nn
except ImportError as error:
    raise MissingExtraError("torch", extra="train") from error

Supervision = Literal["images", "pairs", "labelled_pairs"]
"""What a training batch holds: single images; pairs that differ in k factors; such pairs with the
changed factors named."""


@final
@dataclass(frozen=True)
class Batch:
    """What a loss sees at one step."""

    images: Float[Tensor, "b channel height width"]
    """Images in [0, 1]; of pairs the first."""
    seconds: Float[Tensor, "b channel height width"] | None = None
    """Second images of pairs; None for single images."""
    changed: Int[Tensor, "b k"] | None = None
    """Columns of the factors in which each pair differs; None without labels."""
    warmup: float = 1.0
    """Share of the regulariser's weight that applies at this step, in [0, 1]."""
    part: str = ""
    """Which of the model's `optimised` parts is being optimised."""


class Model(BaseModel, ABC):
    """A model plugin: its fields are its hyperparameters, its methods the algorithm.

    A model holds no weights: `network` makes them, everything else is handed them. Device,
    precision, seed, optimisers, loop and checkpoints belong to drbench.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    name: ClassVar[str]
    """Registered name."""
    supervision: ClassVar[Supervision]
    """What training from scratch needs. Fine-tuning on a target always gives single images."""
    optimised: ClassVar[tuple[str, ...]] = ("",)
    """Names of the submodules that have an optimiser each, in the order of their steps; the empty
    name is the whole network."""
    encoding: ClassVar[tuple[str, ...]] = ("",)
    """Names of the submodules that `encode` uses, buffers included: they are all that checking
    latents needs. The empty name is the whole network."""
    source: ClassVar[str] = ""
    """Publication that defines the model."""

    @abstractmethod
    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        """A freshly initialised network for images of (height, width, channels)."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Scalar terms of the objective, means over the batch.

        `loss` is minimised, over the parameters of `batch.part`; the others are logged. A batch of
        single images (`seconds` is None) must be accepted whatever the supervision.
        """

    @abstractmethod
    def encode(
        self, network: nn.Module, images: Float[Tensor, "b channel height width"], noise: Generator
    ) -> tuple[Float[Tensor, "b latent"], Float[Tensor, "b latent"] | None]:
        """Mean latents, and latents sampled with `noise` (None for a deterministic encoder)."""

    @abstractmethod
    def decode(
        self, network: nn.Module, latents: Float[Tensor, "b latent"]
    ) -> Float[Tensor, "b channel height width"]:
        """Images in [0, 1] of latents."""


def load_model(name: str, **hyperparameters: Any) -> Model:
    """A model by its registered name, with its hyperparameters checked.

    Raises
    ------
    UnknownNameError
        For a name that nothing is registered under.
    RequestError
        For an unknown hyperparameter or a value of the wrong type.
    """
    plugin = registry.find("model", name)
    loaded = plugin.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Model)):
        raise PluginError(f"The model plugin {name!r} of {plugin.origin} is no drbench.Model.")
    try:
        model: Model = loaded(**hyperparameters)
    except ValidationError as error:
        where, what = first_problem(error)
        known = ", ".join(loaded.model_fields) or "none"
        raise RequestError(f"{name}: {where}: {what}. Its hyperparameters: {known}.") from error
    return model
