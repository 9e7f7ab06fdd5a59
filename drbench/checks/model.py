"""Conformance of models. Needs torch."""

import inspect
import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, get_args

from drbench.checks.trying import attempt
from drbench.models.budget import Runtime, Training

if TYPE_CHECKING:
    from torch import Tensor, nn

    from drbench.models.model import Batch, Encoder, Generative, Trainable

_IMAGES = 4
_STEPS = 3
_SHAPE = (64, 64, 3)


def check_model(model_class: Any) -> list[str]:
    """Problems of a model plugin, tried with its default hyperparameters on random images.

    Parameters
    ----------
    model_class : subclass of Encoder
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
    from drbench.models.model import Encoder, Supervision, Trainable

    is_model = isinstance(model_class, type) and issubclass(model_class, Encoder)
    if not is_model or inspect.isabstract(model_class):
        return [
            f"it is {model_class!r}, not a concrete subclass of drbench.Encoder, Trainable or "
            "Generative"
        ]
    problems = []
    supervision = getattr(model_class, "supervision", None)  # declared, perhaps not given
    if issubclass(model_class, Trainable) and supervision not in get_args(Supervision):
        problems.append(f"supervision must be one of {', '.join(get_args(Supervision))}")
    if not isinstance(getattr(model_class, "name", None), str):
        problems.append("it has no name")
    if not (isinstance(model_class.version, str) and model_class.version):
        problems.append("version must be a text that is not empty")
    settings = Training.model_fields.keys() | Runtime.model_fields.keys()
    for name, field in model_class.model_fields.items():
        if field.is_required():
            problems.append(f"the hyperparameter {name} has no default")
        if not field.description:
            problems.append(f"the hyperparameter {name} has no docstring below it")
        if name in settings:
            problems.append(f"the hyperparameter {name} has the name of a setting: rename it")
    return problems or _tried(model_class())


def _tried(model: "Encoder") -> list[str]:
    import torch

    from drbench.models.model import Generative, Trainable

    # Weights and losses may draw from torch's generator, which training seeds; encoding may not.
    problems = _attempt_seeded("network", lambda: _network_problems(model))
    if problems:
        return problems
    problems = attempt("weights", lambda: _weights_problems(model))
    with torch.random.fork_rng(devices=[]):
        network, grey = model.network(_SHAPE), model.network((*_SHAPE[:2], 1))
        if isinstance(model, Trainable):
            problems += _attempt_seeded("loss", lambda: _loss_problems(model, network))
            if not problems:
                problems = _attempt_seeded("training", lambda: _training_problems(model))
        network.eval()
        grey.eval()
        faults = attempt("encode", lambda: _encode_problems(model, network))
        if faults:  # what follows encodes too, and would be blamed for it
            return problems + faults
        problems += _attempt_seeded("encoding", lambda: _encoding_problems(model, network))
        if isinstance(model, Generative):
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


def _network_problems(model: "Encoder") -> Iterator[str]:
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


def _weights_problems(model: "Encoder") -> Iterator[str]:
    from drbench.models.inference import seeded_network

    if model.weights() is not None:
        seeded_network(model, _SHAPE, 0)  # an error says what does not fit
    yield from ()


def _batches(model: "Trainable") -> "dict[str, Batch]":
    """What training and fine-tuning hand the loss."""
    import torch

    from drbench.models.model import Batch

    first, second = _images(3), _images(3, seed=1)
    others = _images(3, seed=2) if model.needs_others else None
    changed = torch.arange(_IMAGES)[:, None] % 2
    batches = {"single images": Batch(first, others=others)}
    if model.supervision != "images":
        labels = changed if model.supervision == "labelled_pairs" else None
        batches["pairs"] = Batch(first, second, labels, others=others)
    return batches


def _loss_problems(model: "Trainable", network: "nn.Module") -> Iterator[str]:
    import torch

    from drbench.models.training.step import parameters_of

    network.train()
    optimisers = model.optimisers(network, Training(steps=_STEPS))
    if "loss" not in optimisers:
        yield f"optimisers: they minimise {', '.join(optimisers) or 'nothing'}: 'loss' is missing"
    names: dict[Tensor, str] = {w: name for name, w in network.named_parameters()}
    for kind, batch in _batches(model).items():
        terms = model.loss(network, batch)
        for name, term in terms.items():
            if term.ndim or not math.isfinite(term.item()):
                yield f"loss: on {kind} the term {name} is {term!r}, expected a finite scalar"
        for name, optimiser in optimisers.items():
            if name not in terms:
                named = ", ".join(terms) or "none"
                yield f"loss: on {kind} its terms are {named}: {name!r} is missing"
                continue
            own = parameters_of(optimiser)
            network.zero_grad(set_to_none=True)
            torch.autograd.backward(terms[name], inputs=own, retain_graph=True)
            idle = [
                names.get(weights, "weights of elsewhere")
                for weights in own
                if weights.grad is None
            ]
            if idle:
                yield f"loss: on {kind} no gradient of {name} reaches {', '.join(idle)}"


def _training_problems(model: "Trainable") -> Iterator[str]:
    """Weights that two optimisers share, and weights that training leaves as they were."""
    import torch

    from drbench.models.training.step import built_step, parameters_of

    network, training = model.network(_SHAPE), Training(steps=_STEPS, lr=1e-2)
    optimisers = model.optimisers(network, training)
    listed = [
        id(weights) for optimiser in optimisers.values() for weights in parameters_of(optimiser)
    ]
    if len(listed) > len(set(listed)):
        yield "optimisers: two of them change the same weights"
    learning = {name: w for name, w in network.named_parameters() if w.requires_grad}
    before = {name: weights.detach().clone() for name, weights in learning.items()}
    step = built_step(model, network.train(), optimisers, training)
    for batch in list(_batches(model).values())[-1:] * _STEPS:
        step(batch)
    still = [name for name, weights in learning.items() if torch.equal(weights, before[name])]
    if still:
        yield (
            f"optimisers: {_STEPS} steps leave {len(still)} of {len(learning)} weights as they "
            f"were ({', '.join(still[:3])}): give them an optimiser, or freeze them with "
            "requires_grad_(False)"
        )


def _encode_problems(model: "Encoder", network: "nn.Module") -> Iterator[str]:
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


def _encoding_problems(model: "Encoder", network: "nn.Module") -> Iterator[str]:
    """Whether the submodules that `encoding` names are all that `encode` depends on.

    They are put into another network, all of whose other weights are noise.
    """
    import torch

    from drbench.models.weights import weights_of

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
        latents = model.encode(other, images, torch.Generator().manual_seed(0))
    pairs = zip(expected, latents, strict=True)
    if not all(a is b or (a is not None and b is not None and torch.equal(a, b)) for a, b in pairs):
        yield (
            f"encoding: with other weights outside of {', '.join(model.encoding)} the latents are "
            "others: name every submodule that encode uses"
        )


def _decode_problems(model: "Generative", network: "nn.Module", channels: int) -> Iterator[str]:
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
