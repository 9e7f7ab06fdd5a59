"""A training step at the published size, against the plain way to do it."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from drbench.bench import PAIRS
from drbench.bench.compare import Comparison, compare

if TYPE_CHECKING:
    from torch import Tensor, nn

    from drbench.models.model import Model


def study(device: str) -> Iterator[Comparison]:
    """One step of ada_gvae at the published size, against plain float32 in channels-first order."""
    import torch

    from drbench.models.inference import place, seeded_network
    from drbench.models.model import load_model

    images = torch.rand(2 * PAIRS, 3, 64, 64, device=device)
    for width in (128, 32):
        model = load_model("ada_gvae", width=width)
        plain, fast = (seeded_network(model, (64, 64, 3), 0).to(device) for _ in range(2))
        place(fast, device)
        ours = images.contiguous(memory_format=torch.channels_last)
        for name, reduced in (("float32", False), ("bfloat16", True)):
            yield compare(
                f"step of {PAIRS} pairs, width {width}, {name}, channels last",
                partial(_step, model, fast, ours, reduced=reduced),
                "plain float32",
                partial(_step, model, plain, images, reduced=False),
                turns=7,
            )


def _step(model: "Model", network: "nn.Module", images: "Tensor", *, reduced: bool) -> None:
    """Forward and backward."""
    import torch

    from drbench.models.model import Batch

    with torch.autocast(images.device.type, dtype=torch.bfloat16, enabled=reduced):
        loss = model.loss(network, Batch(images[:PAIRS], images[PAIRS:]))["loss"]
    network.zero_grad()
    torch.autograd.backward(loss)
    if images.is_cuda:
        torch.cuda.synchronize()
