"""Does source training disentangle? Trained weights against untrained ones."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final


@final
@dataclass(frozen=True)
class Learning:
    """Disentanglement of a source model against untrained weights of the same seed."""

    seed: int
    untrained: float
    """DCI disentanglement of fresh weights on held-out source images."""
    trained: float
    """The same after training."""


def study(seeds: tuple[int, ...] = (0, 1, 2)) -> Iterator[Learning]:
    """Does source training disentangle? The main job's source, against untrained weights."""
    from drbench.runs.execute import execute
    from drbench.runs.request import train_spec
    from drbench.runs.spec import DataRef, Scoring

    data = DataRef(name="color_dsprites", origin="rendered")
    scoring = Scoring(sample=3_000, metrics={"dci": {}})
    for seed in seeds:
        values = []
        for steps in (0, 1_600):
            spec = train_spec(
                data, "ada_gvae", settings={"lr": 1e-3, "width": 32}, steps=steps, seed=seed,
                scoring=scoring,
            )  # fmt: skip
            record = execute(spec)  # kept in the cache: an interrupted study goes on
            values.append(record.scores["after"]["dci"].value or 0.0)
        yield Learning(seed, *values)
