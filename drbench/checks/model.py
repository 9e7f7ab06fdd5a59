"""Conformance of models. Needs torch."""

import inspect
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

from drbench.checks.trying import attempt

if TYPE_CHECKING:
    from torch import Tensor, nn

    from drbench.models.model import Batch, Model

_IMAGES = 4
_SHAPE = (64, 64, 3)


def check_model(model_class: Any) -> list[str]:
    """Problems of a model plugin, tried with its default hyperparameters on random images.

    Parameters
    ----------
    model_class : subclass of Model
        Networks are built for 64 x 64 images, in colour and in grey.

    Returns
    -------
    problems : list of str
        Empty if the model conforms.

    Raises
    ------
    MissingExtraError
        If torch is not installed.
    """
    from drbench.models.model import Model, Supervision

    is_model = isinstance(model_class, type) and issubclass(model_class, Model)
    if not is_model or inspect.isabstract(model_class):
        return [f"it is {model_class!r}, not a concrete subclass of drbench.Model"]
    problems = []
    if getattr(model_class, "supervision", None) not in get_args(Supervision):
        problems.append(f"supervision must be one of {', '.join(get_args(Supervision))}")
    if not isinstance(getattr(model_class, "name", None), str):
        problems.append("it has no name")
    for name, field in model_class.model_fields.items():
        if field.is_required():
            problems.append(f"the hyperparameter {name} has no default")
        if not field.description:
            problems.append(f"the hyperparameter {name} has no docstring below it")
    return problems or _tried(model_class())


def _tried(model: "Model") -> list[str]:
    import torch

    # Weights and losses may draw from torch's generator, which training seeds; encoding may not.
    problems = _attempt_seeded("network", lambda: _network_problems(model))
    if problems:
        return problems
    with torch.random.fork_rng(devices=[]):
        network, grey = model.network(_SHAPE), model.network((*_SHAPE[:2], 1))
        problems += _attempt_seeded("loss", lambda: _loss_problems(model, network))
        network.eval()
        grey.eval()
        problems += attempt("encode", lambda: _encode_problems(model, network))
        problems += _attempt_seeded("encoding", lambda: _encoding_problems(model, network))
        problems += attempt("decode", lambda: _decode_problems(model, network, 3))
        problems += attempt("decode", lambda: _decode_problems(model, grey, 1))
    return problems


def _attempt_seeded(what: str, check: Callable[[], Iterator[str]]) -> list[str]:
    """`attempt`, with torch's generator seeded inside and put back behind."""
    import torch

    def seeded() -> Iterator[str]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            yield from check()

    return attempt(what, seeded)


def _network_problems(model: "Model") -> Iterator[str]:
    import torch

    model.model_dump_json()  # records hold the hyperparameters
    first = model.network(_SHAPE).state_dict()
    torch.manual_seed(0)
    second = model.network(_SHAPE).state_dict()
    if not first:
        yield "network: it has no weights"
    for name, weights in first.items():
        if name not in second or not torch.equal(weights, second[name]):
            yield f"network: {name} differs between two networks of one seed"


def _batches(model: "Model") -> "dict[str, Batch]":
    """What training and fine-tuning hand the loss."""
    import torch

    from drbench.models.model import Batch

    first, second = _images(3), _images(3, seed=1)
    changed = torch.arange(_IMAGES)[:, None] % 2
    batches = {"single images": Batch(first)}
    if model.supervision != "images":
        labels = changed if model.supervision == "labelled_pairs" else None
        batches["pairs"] = Batch(first, second, labels)
    return batches


def _loss_problems(model: "Model", network: "nn.Module") -> Iterator[str]:
    import torch

    network.train()
    for (kind, batch), part in itertools.product(_batches(model).items(), model.optimised):
        network.zero_grad(set_to_none=True)
        terms = model.loss(network, replace(batch, part=part))
        if "loss" not in terms:
            yield f"loss: on {kind} its terms are {', '.join(terms) or 'none'}: 'loss' is missing"
            continue
        for name, term in terms.items():
            if term.ndim or not math.isfinite(term.item()):
                yield f"loss: on {kind} the term {name} is {term!r}, expected a finite scalar"
        torch.autograd.backward(terms["loss"])
        optimised = network.get_submodule(part).named_parameters()
        idle = [name for name, weights in optimised if weights.grad is None]
        if idle:
            yield f"loss: on {kind} no gradient reaches {', '.join(idle)}"


def _encode_problems(model: "Model", network: "nn.Module") -> Iterator[str]:
    import torch

    images = _images(3)
    with torch.no_grad():
        mean, sampled = model.encode(network, images, torch.Generator().manual_seed(0))
        again, resampled = model.encode(network, images, torch.Generator().manual_seed(0))
        other, _ = model.encode(network, images, torch.Generator().manual_seed(1))
        alone, _ = model.encode(network, images[:1], torch.Generator().manual_seed(0))
    if mean.ndim != 2 or len(mean) != _IMAGES or not torch.isfinite(mean).all():
        yield f"encode: mean latents have shape {tuple(mean.shape)} or are not finite"
        return
    if sampled is not None and sampled.shape != mean.shape:
        yield f"encode: sampled latents have shape {tuple(sampled.shape)}, mean {tuple(mean.shape)}"
    if not (torch.equal(mean, again) and torch.equal(mean, other)):
        yield "encode: mean latents change from call to call"
    if sampled is not None and resampled is not None and not torch.equal(sampled, resampled):
        yield "encode: one seed of the noise gives two samples"
    if not torch.allclose(alone, mean[:1], rtol=1e-3, atol=1e-4):
        yield "encode: an image alone gets other latents than in a batch"


def _encoding_problems(model: "Model", network: "nn.Module") -> Iterator[str]:
    """Whether the submodules that `encoding` names are all that `encode` depends on.

    They are put into another network, all of whose other weights are noise.
    """
    import torch

    from drbench.models.checkpoints import weights_of

    with torch.device("meta"):  # so that a network can be compared with a file before it is built
        shapes = {name: w.shape for name, w in model.network(_SHAPE).state_dict().items()}
    own = weights_of(network, model.encoding)
    if not own:
        yield f"encoding: {model.encoding!r} names no weights"
        return
    if shapes != {name: weights.shape for name, weights in network.state_dict().items()}:
        yield "network: on torch's meta device it has other weights"
    other = model.network(_SHAPE)
    noise = {
        name: torch.rand_like(weights) if weights.is_floating_point() else weights + 1
        for name, weights in other.state_dict().items()
    }
    other.load_state_dict(noise | own)
    other.eval()
    images = _images(3)
    with torch.no_grad():
        expected = model.encode(network, images, torch.Generator().manual_seed(0))
        found = model.encode(other, images, torch.Generator().manual_seed(0))
    pairs = zip(expected, found, strict=True)
    if not all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs):
        yield (
            f"encoding: with other weights outside of {', '.join(model.encoding)} the latents are "
            "others: name every submodule that encode uses"
        )


def _decode_problems(model: "Model", network: "nn.Module", channels: int) -> Iterator[str]:
    import torch

    images = _images(channels)
    with torch.no_grad():
        mean, _ = model.encode(network, images, torch.Generator().manual_seed(0))
        decoded = model.decode(network, mean)
        alone = model.decode(network, mean[:1])
    if decoded.shape != images.shape:
        yield f"decode: {tuple(decoded.shape)} for images of {tuple(images.shape)}"
    elif not (decoded.min() >= 0 and decoded.max() <= 1):
        yield f"decode: from {decoded.min():.3g} to {decoded.max():.3g}, expected 0 to 1"
    elif not torch.allclose(alone, decoded[:1], rtol=1e-3, atol=1e-4):
        yield "decode: a latent alone gives another image than in a batch"


def _images(channels: int, seed: int = 0) -> "Tensor":
    import torch

    generator = torch.Generator().manual_seed(seed)
    return torch.rand(_IMAGES, channels, *_SHAPE[:2], generator=generator)
