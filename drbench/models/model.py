"""The contract of a model plugin, in three steps: it encodes, it learns, it decodes."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

from jaxtyping import Float, Int
from pydantic import BaseModel, ConfigDict, ValidationError

from drbench import registry
from drbench.errors import MissingExtraError, PluginError, RequestError
from drbench.frozen import first_problem
from drbench.models.budget import Training
from drbench.models.pretrained import HubWeights, WeightsFile

try:
    from torch import Generator, Tensor, nn
    from torch.optim import Adam, Optimizer
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
    """Columns of the factors in which each pair differs, in the processor's memory, where a look
    at their values waits for no device; None without labels."""
    others: Float[Tensor, "b channel height width"] | None = None
    """Images that were drawn independently of all the above; None unless the model declares
    `needs_others`."""
    progress: float = 1.0
    """Share of the training that is done before this step, in [0, 1]: for schedules."""
    warmup: float = 1.0
    """Share of the regulariser's weight that applies at this step, in [0, 1]."""


class Encoder(BaseModel, ABC):
    """A model plugin: its fields are its hyperparameters, its methods the algorithm.

    It holds no weights: `network` makes them, everything else is handed them. Device, precision,
    seed, loop and checkpoints belong to drbench. An encoder that is no `Trainable` is frozen: its
    run has 0 steps and scores it as it is.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True
    )

    name: ClassVar[str]
    """Registered name."""
    version: ClassVar[str] = "1"
    """Changes when equal hyperparameters and seeds no longer give equal latents."""
    encoding: ClassVar[tuple[str, ...]] = ("",)
    """Names of the submodules that `encode` uses, buffers included: they are all that checking
    latents needs. The empty name is the whole network."""
    source: ClassVar[str] = ""
    """Publication that defines the model."""

    @abstractmethod
    def network(self, image_shape: tuple[int, int, int]) -> nn.Module:
        """A freshly initialised network for images of (height, width, channels).

        It fetches nothing and must also be built on torch's meta device.
        """

    @abstractmethod
    def encode(
        self, network: nn.Module, images: Float[Tensor, "b channel height width"], noise: Generator
    ) -> tuple[Float[Tensor, "b latent"], Float[Tensor, "b latent"] | None]:
        """Mean latents, and latents sampled with `noise` (None for a deterministic encoder)."""

    def weights(self) -> WeightsFile | HubWeights | None:
        """Weights that are read into a fresh network; None if it starts from random ones."""
        return None


class Trainable(Encoder, ABC):
    """An encoder that learns: what a batch holds, what is minimised, and by which optimisers."""

    supervision: ClassVar[Supervision]
    """What training from scratch needs. Fine-tuning on a target always gives single images."""
    needs_others: ClassVar[bool] = False
    """Whether each batch comes with a second, independent one: `Batch.others`."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> dict[str, Float[Tensor, ""]]:
        """Scalar terms of the objective, means over the batch.

        Each optimiser minimises the term of its name; the other terms are logged. A batch of
        single images (`seconds` is None) must be accepted whatever the supervision.
        """

    def optimisers(self, network: nn.Module, training: Training) -> dict[str, Optimizer]:
        """Optimisers by the name of the term that each minimises, over its own parameters.

        All gradients of a step are taken from one call of `loss`, then all optimisers step; a
        term's gradient reaches the parameters of its own optimiser only.
        """
        return {"loss": Adam(network.parameters(), lr=training.lr)}


class Generative(Trainable, ABC):
    """A model that also turns latents into images."""

    @abstractmethod
    def decode(
        self, network: nn.Module, latents: Float[Tensor, "b latent"]
    ) -> Float[Tensor, "b channel height width"]:
        """Images in [0, 1] of latents."""


def load_model(name: str, **hyperparameters: Any) -> Encoder:
    """A model by its registered name, with its hyperparameters checked.

    Returns
    -------
    model : Encoder
        Also a `Trainable` if it can be trained, and a `Generative` if it decodes.

    Raises
    ------
    UnknownNameError
        For a name that nothing is registered under.
    RequestError
        For an unknown hyperparameter or a value of the wrong type.
    """
    plugin = registry.find("model", name)
    loaded = plugin.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Encoder)):
        raise PluginError(f"The model plugin {name!r} of {plugin.origin} is no drbench.Encoder.")
    try:
        model: Encoder = loaded(**hyperparameters)
    except ValidationError as error:
        where, what = first_problem(error)
        fields = ", ".join(loaded.model_fields) or "none"
        raise RequestError(f"{name}: {where}: {what}. Its hyperparameters: {fields}.") from error
    return model
