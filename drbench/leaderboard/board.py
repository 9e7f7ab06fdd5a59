"""What leaderboard.json holds: rows of runs that differ only in their seeds."""

import json
from typing import Any, Literal

from pydantic import Field

from drbench.data.spec import Factor, Origin
from drbench.frozen import Frozen
from drbench.models.budget import Training
from drbench.runs.spec import DataRef, Scoring

RowKind = Literal["source", "transfer"]


class Summary(Frozen):
    """One quantity over the runs of a row."""

    values: tuple[float | None, ...]
    """Value of each run, in the order of the row's runs; null where a run has none."""
    mean: float | None
    """Mean over the runs; null as soon as one run has no value."""
    spread: float | None
    """Unbiased standard deviation over the runs; null for a single run or without a mean."""


class Change(Frozen):
    """One quantity before and after the last training of a row."""

    before: Summary | None
    """Before training on the target; null for a row of source runs."""
    after: Summary
    """After training."""
    gain: Summary | None
    """After minus before, paired run by run; null for a row of source runs."""
    reason: str | None = None
    """Why a mean is missing: which runs lack a value, and what they give as their reason."""


class Cell(Frozen):
    """What one metric says of a row."""

    score: Change
    """The metric's score."""
    per_factor: dict[str, Change]
    """Score of each factor, by its name."""
    parts: dict[str, Change]
    """Named components of the score."""
    parameters: dict[str, str | int | float | bool | None]
    """Parameters that all runs share."""
    reference: float | None
    """What a perfect code would score, mean over the runs; null where a run does not say."""
    chance: float | None
    """What latents that know nothing score, mean over the runs; null where a run does not say."""
    samples: tuple[int, ...]
    """Rows that each run's score was computed on."""
    pairs: dict[str, int] | None
    """Fewest pairs per factor of any run, for metrics of interventions."""


class Budget(Frozen):
    """One training of a row: on what, and how much."""

    data: DataRef
    """What was trained on."""
    hyperparameters: dict[str, Any]
    """Hyperparameters of the model in this training."""
    training: Training
    """Budget and optimiser."""


class Run(Frozen):
    """One record of a row."""

    key: str = Field(pattern="^[0-9a-f]{64}$")
    """Key of the record, and the name of its file in records/."""
    seeds: tuple[int, ...]
    """Seed of each training, the source's first."""


class Row(Frozen):
    """Runs that differ only in their seeds."""

    id: str = Field(pattern="^[0-9a-f]{64}$")
    """Content hash of what the runs share."""
    track: Origin
    """official only if every data set on the way, source and target, is the maker's own."""
    kind: RowKind
    """source: trained from fresh weights and scored on the same data set; transfer: fine-tuned
    from another run, scored before and after on the target."""
    source: DataRef
    """Where the weights were first trained, and the origin of those images."""
    target: DataRef
    """What every score of this row was computed on; of a source row, the source itself."""
    model: str
    """Registered name of the model."""
    budgets: tuple[Budget, ...]
    """Every training on the way, the source's first."""
    scoring: Scoring
    """What was asked to be scored, on how much."""
    factors: tuple[Factor, ...]
    """Factors of the target, in column order."""
    n_seeds: int
    """Distinct seeds of the source training: fine-tunings of one source are not independent."""
    runs: tuple[Run, ...]
    """The records, in the order of every `values`."""
    metrics: dict[str, Cell]
    """Scores by metric."""


class Leaderboard(Frozen):
    """All rows, a pure function of the records."""

    schema_version: Literal["1.0"] = "1.0"
    """Version of this format."""
    official: tuple[Row, ...]
    """Rows whose images are the makers' own throughout."""
    rendered: tuple[Row, ...]
    """Rows with images that were drawn from the classes anywhere on the way."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of both tracks, the official first."""
        return self.official + self.rendered

    def to_json(self) -> str:
        """The file's text: sorted, indented, the same for the same board."""
        document: Any = self.model_dump(mode="json")
        return json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
