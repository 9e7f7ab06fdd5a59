"""A training step at the published size, against the plain way to do it."""

from collections.abc import Callable, Iterator

from drbench.bench import PAIRS
from drbench.bench.compare import Comparison, compare


def study(device: str) -> Iterator[Comparison]:
    """One step of ada_gvae at the published size, against plain float32 in channels-first order."""
    import torch

    from drbench.models.budget import Training
    from drbench.models.inference import place, seeded_network
    from drbench.models.model import Batch, Trainable, load_model
    from drbench.models.training.step import built_step

    def step(model: Trainable, images: torch.Tensor, training: Training) -> Callable[[], None]:
        """A step on fresh weights, in the memory order of the images."""
        network = seeded_network(model, (64, 64, 3), 0).to(device)
        if images.is_contiguous(memory_format=torch.channels_last):
            place(network, device)
        once = built_step(model, network, model.optimisers(network, training), training)

        def timed() -> None:
            once(Batch(images[:PAIRS], images[PAIRS:]))
            if images.is_cuda:
                torch.cuda.synchronize()

        return timed

    plain = torch.rand(2 * PAIRS, 3, 64, 64, device=device)
    ours = plain.contiguous(memory_format=torch.channels_last)
    for width in (128, 32):
        model = load_model("ada_gvae", width=width)
        assert isinstance(model, Trainable)
        full, half = Training(steps=1), Training(steps=1, precision="bfloat16")
        for training in (full, half):
            yield compare(
                f"step of {PAIRS} pairs, width {width}, {training.precision}, channels last",
                step(model, ours, training),
                "plain float32",
                step(model, plain, full),
                turns=7,
            )
