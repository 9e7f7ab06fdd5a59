"""A study: a named set of runs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from drbench.runs.identity import stored_network_key
from drbench.runs.request import train_spec, transfer_spec
from drbench.runs.spec import DataRef, RunSpec, Scoring


@final
@dataclass(frozen=True)
class Study:
    """A named, pure set of specs: it says what there is to do, and does nothing."""

    name: str
    """Name of the study."""
    specs: tuple[RunSpec, ...]
    """Every run, canonical, each after the run that it starts from."""

    @property
    def waves(self) -> list[list[RunSpec]]:
        """The runs by how many others they wait for: sources, their transfers, and so on.

        A source that is no run of the study itself is trained by the first of its transfers.
        """
        deepest = max(len(spec.chain) for spec in self.specs)
        return [
            [spec for spec in self.specs if len(spec.chain) == depth + 1]
            for depth in range(deepest)
        ]


def cross(
    *,
    sources: Sequence[DataRef],
    models: Mapping[str, Sequence[Mapping[str, Any]]],
    seeds: Iterable[int],
    steps: int,
    targets: Mapping[str, Sequence[DataRef]],
    target_steps: int,
    scoring: Scoring,
    source_scoring: Scoring | None = None,
) -> Iterator[RunSpec]:
    """Specs of sources x models x settings x seeds, and of each of these x its targets.

    Parameters
    ----------
    sources : sequence of DataRef
    models : mapping of name to sequence of settings
        Each with the settings (of the model and its training) that it is trained with in turn.
    seeds : iterable of int
    steps : int
        Of the training on a source.
    targets : mapping of source name to sequence of DataRef
        What the models of each source are moved to.
    target_steps : int
        Of the fine-tuning.
    scoring : Scoring
        Of the targets.
    source_scoring : Scoring, optional
        Of the sources; without, they are trained, and are no runs of the study.

    Raises
    ------
    UnknownNameError, RequestError
        For what does not exist.
    """
    seeds = list(seeds)
    for source in sources:
        for model, grid in models.items():
            for settings in grid:
                for seed in seeds:
                    trained = train_spec(
                        source, model, settings=settings, steps=steps, seed=seed,
                        scoring=source_scoring or scoring,
                    )  # fmt: skip
                    if source_scoring:
                        yield trained
                    for target in targets.get(source.name, ()):
                        yield transfer_spec(
                            trained, target, settings={}, steps=target_steps, seed=seed,
                            scoring=scoring,
                        )  # fmt: skip


def unique(specs: Iterable[RunSpec]) -> tuple[RunSpec, ...]:
    """The specs without those whose weights an earlier one has already, sources first."""
    by_network: dict[str, RunSpec] = {}
    for spec in specs:
        by_network.setdefault(stored_network_key(spec), spec)
    return tuple(sorted(by_network.values(), key=lambda spec: len(spec.chain)))
