"""What leaderboard.json holds: rows of runs that differ only in their seeds, ranked."""

import json
from typing import Any, Literal, get_args

from pydantic import AwareDatetime, Field

from drbench.board.entry import Direction, Level
from drbench.data.spec import Factor
from drbench.frozen import Frozen
from drbench.models.budget import Training
from drbench.runs.record import Software
from drbench.runs.spec import DataRef, Sha256

RowKind = Literal["source", "transfer"]
Track = Literal["official", "rendered", "own"]
"""Makers' images throughout; some drawn from the classes; some of no registered data set."""
TRACKS: tuple[Track, ...] = get_args(Track)


class Summary(Frozen):
    """One quantity over the runs of a row, in six significant digits."""

    values: tuple[float | None, ...] | None
    """Value of each run, in the order of the row's runs; null where a run has none. Scores have all
    digits that the records have. null for a gain: it is after minus before, run by run."""
    mean: float | None
    """Mean over the runs; null as soon as one run has no value."""
    spread: float | None
    """Unbiased standard deviation over the runs; null for a single run or without a mean."""
    interval: tuple[float, float] | None = None
    """95 % bootstrap interval of the mean over seeds; null for a single seed or without a mean."""


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


class Rank(Frozen):
    """The place of a row among those that it can be compared with, by one metric."""

    place: int = Field(ge=1)
    """1 is best; rows of equal means share a place."""
    best: int = Field(ge=1)
    """Best place that resampling the seeds makes plausible."""
    worst: int = Field(ge=1)
    """Worst place likewise. Rows whose best to worst overlap are tied."""
    of: int = Field(ge=1)
    """Ranked rows of the group."""


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
    reference: Summary
    """What a perfect code would score on the same samples."""
    chance: Summary
    """What latents that know nothing score on the same samples."""
    samples: tuple[int, ...]
    """Rows that each run's score was computed on."""
    pairs: dict[str, int] | None
    """Fewest pairs per factor of any run, for metrics of interventions."""
    matrix: tuple[tuple[float | None, ...], ...] | None
    """Association of latents (rows) with factors (columns) after training, mean over the runs,
    three decimals. Latents of different seeds do not correspond, so each run's are put in order
    first: those matched with a factor in the order of the factors, then the others, the strongest
    first. null if a run has none or the runs have different numbers of latents."""
    warnings: tuple[str, ...]
    """What any run's result warns of, before or after."""
    direction: Direction | None
    """Which scores are better; null where the runs do not agree."""
    rank: Rank | None = None
    """Place by this metric after training; null where the row is not ranked."""
    unranked: str | None = None
    """Why it is not ranked."""


class Budget(Frozen):
    """One training of a row: on what, and how much."""

    data: DataRef
    """What was trained on."""
    hyperparameters: dict[str, Any]
    """Hyperparameters of the model in this training that depart from their defaults."""
    training: Training
    """Budget and optimiser."""


class Run(Frozen):
    """One training of a row, seen by one or several entries of the board."""

    keys: tuple[Sha256, ...]
    """Keys of its entries, the newest first: it may be scored by other metrics in each."""
    network: Sha256
    """Identity of its weights."""
    entry_hash: str
    """First 12 digits of the SHA-256 of the newest entry's text."""
    seeds: tuple[int, ...]
    """Seed of each training, the source's first."""
    by: str
    """Whose machine wrote the newest entry."""
    checked: AwareDatetime
    """When, UTC."""
    data_hash: str
    """First 12 digits of the hash of the scored sample's codes and pixels."""
    device: str
    """What the network ran on."""
    seconds: float
    """Seconds that the run took, all phases."""
    code: str
    """Version of drbench."""
    git_commit: str | None
    """Commit of drbench's source tree; null for an installed release."""
    git_dirty: bool | None
    """Whether that tree had uncommitted changes."""

    @property
    def key(self) -> str:
        """Key of the newest entry, and the name of its file."""
        return self.keys[0]


class Row(Frozen):
    """Runs of one submitter that differ only in their seeds."""

    id: Sha256
    """Content hash of what the runs share."""
    submitter: str
    """Whose runs they are."""
    level: Level
    """What their records were made from; re-encoded rows are listed and not ranked."""
    training: Sha256
    """Identity of the trainings, seeds left out."""
    track: Track
    """official only if every data set on the way, source and target, is the maker's own; own as
    soon as one of them is no registered set."""
    kind: RowKind
    """source: trained from fresh weights and scored on the same data set; transfer: fine-tuned
    from another run, scored before and after on the target."""
    source: DataRef
    """Where the weights were first trained, and the origin of those images."""
    target: DataRef
    """What every score of this row was computed on; of a source row, the source itself."""
    model: str
    """Registered name of the model."""
    hyperparameters: dict[str, Any]
    """Hyperparameters of the model in the last training, complete."""
    plugins: dict[str, tuple[Software, ...]]
    """Distributions that data sets, model and metrics came from, by kind and name."""
    budgets: tuple[Budget, ...]
    """Every training on the way, the source's first."""
    checkpoint: str
    """How the weights were chosen among those of all steps."""
    sample: int
    """Held-out rows that were scored, at most."""
    pairs: int
    """Interventions per factor, at most."""
    factors: tuple[Factor, ...]
    """Factors of the target, in column order."""
    image_shape: tuple[int, int, int]
    """Height, width and channels of the images that were encoded: those of the source."""
    n_seeds: int
    """Distinct seeds of the source training of the runs that count."""
    runs: tuple[Run, ...]
    """The runs that count, in the order of every `values`: those of prescribed seeds, and all
    where there are none of these."""
    uncounted: tuple[Run, ...]
    """The others."""
    metrics: dict[str, Cell]
    """Scores by metric."""
    notes: tuple[str, ...]
    """What any run says was converted or left out on the way."""

    @property
    def all_runs(self) -> tuple[Run, ...]:
        """Every run of the row, those that count first."""
        return self.runs + self.uncounted


class Ranking(Frozen):
    """How rows are ranked."""

    rule: str
    """What is compared with what, and what is left out."""
    ties: str
    """What counts as a tie."""
    directions: dict[str, Direction]
    """Which scores are better, by metric; none where rows do not agree."""
    n_prescribed: int
    """Seeds 0 to one less than this are ranked: a row may hold all of them, or some."""
    resamples: int
    """Bootstrap resamples of the seeds."""
    level: float
    """Coverage that intervals aim at."""


class PublishedLine(Frozen):
    """One line of a published table: means, in parts of 1."""

    name: str
    """What the line says it measures."""
    metric: str
    """Registered metric that measures it."""
    part: str | None
    """Which part of it; null for the score."""
    before: float
    """Before training on the target."""
    gain: float
    """Gain by it."""
    per_factor: dict[str, tuple[float, float]] = {}
    """Before and gain of each factor, by the target's name of it."""


class Published(Frozen):
    """A row of a paper: published, not reproduced, and never ranked."""

    label: str
    """What it is, for people."""
    citation: str
    """Where it was published."""
    source: str
    """Registered name of the source."""
    target: str
    """Registered name of the target."""
    model: str
    """What the paper says was trained."""
    n_models: int
    """Models that were averaged."""
    lines: tuple[PublishedLine, ...]
    """What was published of them."""


class Leaderboard(Frozen):
    """All rows, a pure function of the entries."""

    schema_version: Literal["2.0"] = "2.0"
    """Version of this format."""
    ranking: Ranking
    """How rows are ranked."""
    published: tuple[Published, ...]
    """Published rows that nobody has reproduced here, to be shown beside."""
    official: tuple[Row, ...]
    """Rows whose images are the makers' own throughout."""
    rendered: tuple[Row, ...]
    """Rows with images that were drawn from the classes anywhere on the way."""
    own: tuple[Row, ...]
    """Rows with images of no registered data set anywhere on the way."""

    @property
    def rows(self) -> tuple[Row, ...]:
        """Rows of all tracks, the official first."""
        return self.official + self.rendered + self.own

    def to_json(self) -> str:
        """The file's text: sorted, a row a line, the same for the same board."""
        document: Any = self.model_dump(mode="json")
        lines = ["{"]
        for place, (name, value) in enumerate(sorted(document.items())):
            comma = "," if place < len(document) - 1 else ""
            if isinstance(value, list) and value:
                items = ",\n".join(map(_compact, value))
                lines.append(f'"{name}":[\n{items}\n]{comma}')
            else:
                lines.append(f'"{name}":{_compact(value)}{comma}')
        return "\n".join([*lines, "}"]) + "\n"


def _compact(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
