"""`drbench encode` and `drbench score`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drbench.cli.frame import JsonOption, SetOption, Table, emit, parse_settings_by_id
from drbench.cli.loading import load_representation, require_factors
from drbench.cli.runs import (
    FactorsOption,
    LevelsOption,
    MetricOption,
    NameOption,
    OriginOption,
    PatternOption,
    ResizeOption,
    asked_data,
)
from drbench.errors import RequestError
from drbench.progress import say

if TYPE_CHECKING:
    from drbench.metrics.result import MetricResult


def encode(
    encoder: Annotated[
        str, typer.Argument(metavar="ENCODER", help="RUN, FILE.py:function or module:function.")
    ],
    dataset: Annotated[str, typer.Option("--dataset", metavar="D", help="Data set to encode.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write.")],
    origin: OriginOption = None,
    resize: ResizeOption = None,
    levels: LevelsOption = None,
    factors: FactorsOption = None,
    name: NameOption = None,
    pattern: PatternOption = None,
    sample: Annotated[int, typer.Option("--sample", min=1, help="Rows, at most.")] = 15_000,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the sample.")] = 0,
) -> None:
    """Encode a sample of a data set and its interventions, with any encoder.

    A function maps images (k, height, width, channel) uint8 to latents (k, D), or to
    (mean, sampled). A run is given its held-out rows, a function any rows.
    """
    from drbench.runs.encode import encode_sample

    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise RequestError(f"{out} exists already: choose another --out.")
    data = asked_data(dataset, origin, resize, levels, factors, name, pattern)
    encoded = encode_sample(encoder, data, sample=sample, seed=seed)
    representation = encoded.representation
    path = representation.save(out)
    for line in representation.notes:
        say(f"note: {line}")
    pairs = representation.interventions
    facts = {
        "rows": len(representation.codes),
        "latents": representation.latents.shape[1],
        "pairs": 0 if pairs is None else len(pairs.factor),
        "data_hash": encoded.data_hash,
        "path": str(path),
    }
    emit(facts, Table(("", ""), list(facts.items())))


def score(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Folder that encode wrote, a run, or npz + csv of your own."
        ),
    ],
    kind: Annotated[str, typer.Option("--kind", help="mean or sampled latents.")] = "mean",
    metric: MetricOption = None,
    settings: SetOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed.")] = 0,
    force: Annotated[bool, typer.Option("--force", help="Score again what is known.")] = False,
    json: JsonOption = None,
) -> None:
    """Score a representation: two arrays in a folder are enough."""
    from drbench.cli.score_tables import score_tables
    from drbench.metrics.metric import load_metric
    from drbench.runs.memo import remembered_scores
    from drbench.runs.provenance import library_versions, plugin_versions
    from drbench.runs.request import scoring_request

    folder, representation = load_representation(path, kind)
    labelled = bool(representation.factors)
    by_metric = parse_settings_by_id(settings)
    request = scoring_request(metric or [], by_metric, sample=1, factors=labelled)
    if needing := [name for name in request.metrics if not load_metric(name).unsupervised]:
        require_factors(folder, representation, needing[0])
    plugins = plugin_versions({"metric": list(request.metrics)})
    document: dict[str, Any] = {
        "metrics": {},
        "provenance": {
            "path": str(folder),
            "kind": kind,
            "seed": seed,
            "representation_hash": representation.fingerprint,
            "versions": library_versions(),
            "plugins": {name: plugin.model_dump() for name, plugin in plugins.items()},
        },
    }

    results: dict[str, MetricResult] = {}

    def keep(name: str, result: "MetricResult") -> None:
        results[name] = result
        document["metrics"][name] = result.model_dump(mode="json")
        if json is not None and str(json) != "-":
            emit(document, json=json)  # each result is on disk as soon as it is done

    try:
        remembered_scores(representation, request.metrics, seed=seed, force=force, on_result=keep)
    finally:  # what is done is shown, whatever came after it
        done = {name: results[name] for name in request.metrics if name in results}
        document["metrics"] = {name: document["metrics"][name] for name in done}
        if done:
            emit(document, *score_tables(done), json=json)
