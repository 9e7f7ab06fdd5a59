"""`drbench train` and `drbench transfer`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drbench.cli.frame import SetOption, Table, emit, parse_names, parse_settings
from drbench.errors import RequestError
from drbench.progress import say
from drbench.runs.defaults import PAIRS, SAMPLE, SOURCE_STEPS, TARGET_STEPS

if TYPE_CHECKING:
    from drbench.runs.record import Record
    from drbench.runs.spec import DataRef

OriginOption = Annotated[
    str | None,
    typer.Option(
        "--origin",
        help="official (the maker's files), rendered (our drawing) or own; default: official, or "
        "the only one.",
    ),
]
ResizeOption = Annotated[
    int | None, typer.Option("--resize", metavar="N", help="Resize images to N x N, by area.")
]
LevelsOption = Annotated[
    list[str] | None,
    typer.Option("--levels", metavar="FACTOR=N", help="Keep N evenly spaced classes; repeatable."),
]
FactorsOption = Annotated[
    str | None,
    typer.Option(
        "--factors",
        metavar="A,B",
        help="Columns of a folder: or hf: set that are factors; none for no factors.",
    ),
]
PatternOption = Annotated[
    str | None,
    typer.Option(
        "--pattern",
        metavar="P",
        help="What files of a folder: are named like, such as 'obj{object}__{angle}.png': names in "
        "braces are factors.",
    ),
]
NameOption = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="NAME",
        help="What images of your own are called; default: their folder's own name.",
    ),
]
MetricOption = Annotated[
    list[str] | None,
    typer.Option(
        "--metric",
        metavar="ID",
        help="Metric to score; repeatable. Default: omes, omes_sobol, dci, mig, gbt, gbt_pruned.",
    ),
]
SampleOption = Annotated[
    int, typer.Option("--sample", metavar="N", min=1, help="Held-out rows to score, at most.")
]
PairsOption = Annotated[
    int,
    typer.Option(
        "--pairs", metavar="N", min=0, help="Held-out interventions a factor to score, at most."
    ),
]
DeviceOption = Annotated[
    str, typer.Option("--device", metavar="DEV", help="cpu, cuda, cuda:1; auto: a GPU if any.")
]
ThreadsOption = Annotated[
    int | None, typer.Option("--threads", metavar="N", min=1, help="Threads of the processor.")
]
ScoreEveryOption = Annotated[
    int | None,
    typer.Option("--score-every", metavar="N", min=1, help="Steps between scores in the log."),
]
ResumeOption = Annotated[
    bool, typer.Option("--resume", help="Go on with what the output folder holds.")
]


def train(
    dataset: Annotated[str, typer.Option("--dataset", metavar="D", help="Data set to train on.")],
    model: Annotated[str, typer.Option("--model", metavar="M", help="Model to train.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN", help="Folder of the run.")],
    origin: OriginOption = None,
    resize: ResizeOption = None,
    levels: LevelsOption = None,
    factors: FactorsOption = None,
    name: NameOption = None,
    pattern: PatternOption = None,
    settings: SetOption = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=0, help=f"Steps; default: {SOURCE_STEPS:,}, as published."),
    ] = None,
    seed: Annotated[int | None, typer.Option("--seed", min=0, help="Seed; default: 0.")] = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", metavar="0-9", help="Several seeds: RUN/0 to RUN/9.")
    ] = None,
    sample: SampleOption = SAMPLE,
    pairs: PairsOption = PAIRS,
    metric: MetricOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    score_every: ScoreEveryOption = None,
    resume: ResumeOption = False,
) -> None:
    """Train a model on a source and score its held-out images."""
    from drbench.models.budget import Runtime
    from drbench.runs.data import declared
    from drbench.runs.execute import execute
    from drbench.runs.request import scoring_request, train_spec

    plain, by_metric = divided_settings(settings)
    data = asked_data(dataset, origin, resize, levels, factors, name, pattern)
    labelled = bool(declared(data).factors)
    scoring = scoring_request(metric or [], by_metric, sample=sample, pairs=pairs, factors=labelled)
    if seeds and seed is not None:
        raise RequestError("--seed and --seeds are given: keep one.")
    chosen = parse_seeds(seeds) if seeds else [seed or 0]
    runtime = Runtime(device=device, threads=threads, score_every=score_every)
    records = []
    for number in chosen:
        spec = train_spec(data, model, settings=plain, steps=steps, seed=number, scoring=scoring)
        place = out / str(number) if seeds else out
        records.append(execute(spec, out=place, resume=resume, runtime=runtime))
    report(records, out)


def transfer(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run, or a folder of seeds.")],
    target: Annotated[str, typer.Option("--target", metavar="D", help="Data set to transfer to.")],
    out: Annotated[Path, typer.Option("--out", metavar="RUN2", help="Folder of the new run.")],
    origin: OriginOption = None,
    resize: ResizeOption = None,
    levels: LevelsOption = None,
    factors: FactorsOption = None,
    name: NameOption = None,
    pattern: PatternOption = None,
    settings: SetOption = None,
    steps: Annotated[
        int | None,
        typer.Option("--steps", min=0, help=f"Steps; default: {TARGET_STEPS:,}, as published."),
    ] = None,
    seed: Annotated[
        int | None, typer.Option("--seed", min=0, help="Seed; default: the source's.")
    ] = None,
    sample: SampleOption = SAMPLE,
    pairs: PairsOption = PAIRS,
    metric: MetricOption = None,
    device: DeviceOption = "auto",
    threads: ThreadsOption = None,
    score_every: ScoreEveryOption = None,
    resume: ResumeOption = False,
) -> None:
    """Fine-tune a run on a target without labels; score the target before and after."""
    from drbench.models.budget import Runtime
    from drbench.runs.data import declared
    from drbench.runs.execute import execute
    from drbench.runs.folder import RunFolder, run_folders
    from drbench.runs.request import scoring_request, transfer_spec

    plain, by_metric = divided_settings(settings)
    data = asked_data(target, origin, resize, levels, factors, name, pattern)
    labelled = bool(declared(data).factors)
    scoring = scoring_request(metric or [], by_metric, sample=sample, pairs=pairs, factors=labelled)
    runtime = Runtime(device=device, threads=threads, score_every=score_every)
    records = []
    for source in run_folders(run):
        folder = RunFolder.open(source)
        folder.require_weights()
        spec = transfer_spec(
            folder.spec, data, settings=plain, steps=steps, seed=seed, scoring=scoring
        )
        place = out if source == run else out / source.name
        records.append(execute(spec, out=place, source=source, resume=resume, runtime=runtime))
    report(records, out)


def asked_data(
    name: str,
    origin: str | None,
    resize: int | None,
    levels: list[str] | None,
    factors: str | None,
    called: str | None = None,
    pattern: str | None = None,
) -> "DataRef":
    """The images that options name."""
    from drbench.runs.data import data_ref

    kept: dict[str, Any] = parse_settings(levels, option="--levels", example="scale=2")
    return data_ref(
        name,
        origin,
        resize=resize,
        levels=kept,
        factors=parse_names(factors),
        called=called,
        pattern=pattern,
    )


def divided_settings(settings: list[str] | None) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings of the model and of training, and those of metrics (`ID.NAME=VALUE`) by ID."""
    plain: dict[str, Any] = {}
    by_metric: dict[str, Any] = {}
    for name, value in parse_settings(settings).items():
        owner, dot, parameter = name.partition(".")
        if dot:
            by_metric.setdefault(owner, {})[parameter] = value
        else:
            plain[name] = value
    return plain, by_metric


def parse_seeds(text: str) -> list[int]:
    """Seeds of `0-9`, `3` or `0,2,5-7`.

    Examples
    --------
    >>> parse_seeds("0,2,5-7")
    [0, 2, 5, 6, 7]
    """
    seeds: list[int] = []
    for part in text.split(","):
        first, dash, last = part.partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            low, high = 0, -1
        if high < low or high - low >= 1000:
            raise RequestError(f"--seeds {text}: expected seeds such as 0-9 or 0,2,5-7.")
        seeds += range(low, high + 1)
    return list(dict.fromkeys(seeds))


def report(records: list["Record"], out: Path) -> None:
    """Print what runs scored, and where they are; then what readers should know, each once."""
    columns = ("seed", "metric", "before", "after", "reference", "chance")
    rows = []
    for record in records:
        before = record.scores.get("before", {})
        for name, result in record.scores["after"].items():
            earlier = before[name].value if name in before else None
            rows.append(
                (record.spec.seed, name, earlier, result.value, result.reference, result.chance)
            )
    documents = [record.model_dump(mode="json") for record in records]
    emit(documents, Table(columns, rows), f"written to {out}")
    for line in _notes(records):
        say(line)


def _notes(records: list["Record"]) -> list[str]:
    """Why there is no score, then what was converted, then what to know before comparing."""
    results = [
        (name, result)
        for record in records
        for scores in record.scores.values()
        for name, result in scores.items()
    ]
    concerned: dict[str, dict[str, None]] = {}
    for name, result in results:
        if result.reason:
            concerned.setdefault(f"no score: {result.reason}", {})[name] = None
    for line in (line for record in records for line in record.notes):
        concerned.setdefault(line, {})
    for name, result in results:
        for line in result.warnings:
            concerned.setdefault(line, {})[name] = None
    return [
        f"note: {', '.join([*names])}{': ' if names else ''}{line}"
        for line, names in concerned.items()
    ]
