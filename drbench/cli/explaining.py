"""`drbench explain`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from drbench.cli.frame import Table, emit
from drbench.cli.loading import load_representation, require_factors

if TYPE_CHECKING:
    from drbench.conventions.convention import Parts
    from drbench.conventions.explain import Explanation
    from drbench.conventions.walk import Walk


def explain(
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="Folder that encode wrote, a run, or npz + csv of your own."
        ),
    ],
    kind: Annotated[str, typer.Option("--kind", help="mean or sampled latents.")] = "mean",
    metric: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            metavar="ID",
            help="Metric to explain; repeatable. Default: mig, dci, omes, gbt_pruned; also gbt, "
            "sap, modularity, factor_vae_score, beta_vae_score.",
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed.")] = 0,
    slow: Annotated[
        bool, typer.Option("--slow", help="Conventions that take more than a minute, too.")
    ] = False,
) -> None:
    """Score a representation under the conventions of other libraries, and say what differs."""
    from drbench.conventions.explain import DEFAULT
    from drbench.conventions.explain import explain as explain_representation
    from drbench.conventions.words import paragraph
    from drbench.runs.provenance import library_versions

    place, representation = load_representation(path, kind)
    require_factors(place, representation, "an explanation")
    explained = explain_representation(representation, metric or DEFAULT, seed=seed, slow=slow)
    rows, latents = representation.latents.shape
    about = (
        f"{kind} latents, {rows:,} rows, {latents} latents, {len(representation.factors)} factors, "
        f"seed {seed}"
    )
    text = paragraph(explained.values(), about)
    document = {
        "metrics": {name: _document(each) for name, each in explained.items()},
        "text": text,
        "provenance": {
            "path": str(place),
            "kind": kind,
            "seed": seed,
            "representation_hash": representation.fingerprint,
            "versions": library_versions(),
        },
    }
    blocks: list[Table | str] = []
    for each in explained.values():
        blocks += _blocks(each)
    emit(document, *blocks, text)


_SHORT = {"disentanglement": "D", "completeness": "C", "informativeness": "I"}


def _blocks(explanation: "Explanation") -> list[Table | str]:
    """Tables of one metric: the scores, then the way to each, then sources and faults."""
    from drbench.conventions.words import alike

    if not explanation.walks:
        return [f"{explanation.metric}: {explanation.reason}."]
    blocks: list[Table | str] = [_scores(explanation)]
    if explanation.start is not None:
        for libraries, walk in alike(explanation.walks):
            blocks += _way(libraries, walk)
    said: dict[tuple[str, str], list[str]] = {}
    for walk in explanation.walks:
        each = walk.convention
        for line in [("source", each.source), *(("fault", fault) for fault in each.faults)]:
            said.setdefault(line, []).append(each.library)
    ordered = sorted(said.items(), key=lambda item: item[0][0], reverse=True)  # sources first
    rows = [(kind, ", ".join(of), text) for (kind, text), of in ordered]
    return [*blocks, Table(("", "", ""), rows)]


def _scores(explanation: "Explanation") -> Table:
    """One row a convention."""
    from drbench.conventions.walk import headline
    from drbench.conventions.words import signed

    known = [explanation.start, *(walk.parts for walk in explanation.walks)]
    parts: list[str] = next((list(found) for found in known if found), [])

    def row(name: str, found: "Parts | None", difference: "Parts | None", note: str) -> list[str]:
        told = signed(headline(difference)) if difference else "-"
        return [name, *(_digits(found, part) for part in parts), told, note]

    rows = [row("drbench", explanation.start, None, explanation.reason or "")]
    for walk in explanation.walks:
        rows.append(row(walk.convention.library, walk.parts, walk.difference, walk.reason or ""))
    for library in explanation.left_out:
        rows.append(row(library, None, None, "left out: takes minutes; --slow includes it"))
    header = ("convention", *(_SHORT.get(part, part) for part in parts), "difference", "")
    return Table(header, rows, explanation.metric)


def _way(libraries: str, walk: "Walk") -> list[Table | str]:
    """The steps that move something, in a table, and the choices that do not, in a line."""
    from drbench.conventions.walk import visible
    from drbench.conventions.words import change, signed

    start = walk.start or {}
    rows, idle = [], []
    for step in walk.steps:
        if step.delta is None:
            rows.append([change(step), *["-"] * (2 * len(start) - 1), f"no number: {step.reason}"])
        elif visible(step.delta.values()):
            moved = [(_digits(step.parts, part), signed(step.delta[part])) for part in start]
            rows.append([change(step), *(cell for pair in moved for cell in pair)])
        else:
            idle.append(change(step))
    header = [cell for part in start for cell in (_SHORT.get(part, part), "change")]
    title = f"from drbench to {libraries}"
    blocks: list[Table | str] = [Table(("choice", *header), rows, title)] if rows else []
    if idle:
        words = ("without effect here", "; ".join(idle))
        blocks.append(Table(("", ""), [words], "" if rows else title))
    return blocks


def _digits(parts: "Parts | None", part: str) -> str:
    return f"{parts[part]:.4f}" if parts else "-"


def _document(explanation: "Explanation") -> dict[str, Any]:
    """The explanation for programs."""
    return {
        "drbench": explanation.start,
        "choices": explanation.choices,
        "reason": explanation.reason,
        "conventions": [
            {
                "library": walk.convention.library,
                "source": walk.convention.source,
                "choices": walk.convention.choices.told(),
                "parts": walk.parts,
                "difference": walk.difference,
                "reason": walk.reason,
                "steps": [asdict(step) for step in walk.steps],
                "faults": list(walk.convention.faults),
            }
            for walk in explanation.walks
        ],
        "left_out": explanation.left_out,
    }
