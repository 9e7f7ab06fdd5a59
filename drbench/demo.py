"""The whole story in minutes: two models, rendered images, transfer, scores, board, pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, UInt8

from drbench.data.ground_truth import GroundTruth
from drbench.errors import RequestError
from drbench.report.sheet import (
    Panel,
    Section,
    associations,
    facts,
    reconstructions,
    samples,
    table,
    traversal,
    write_sheet,
)
from drbench.report.tables import transfer_tables
from drbench.runs.data import open_data
from drbench.runs.execute import execute
from drbench.runs.folder import RunFolder
from drbench.runs.record import Record, Stage
from drbench.runs.run import Run
from drbench.studies.shipped import demo
from drbench.table import Table
from drbench.trust.names import own_name
from drbench.trust.store import BOARD, add, write_board

RUNS = "runs"
"""Folder of the runs."""
SHOWN = 8
"""Images in a row of pictures."""


@final
@dataclass(frozen=True)
class Demo:
    """What the demo made."""

    transfers: tuple[Record, ...]
    tables: tuple[Table, ...]
    board: Path
    sheet: Path


def run_demo(out: Path) -> Demo:
    """Train, transfer, score, publish and draw, everything under one folder.

    Runs that the folder holds already are not done again, so an interrupted demo goes on.

    Raises
    ------
    RequestError
        If the folder holds something else.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not _is_demo(out))):
        raise RequestError(f"{out} exists and is no demo: choose another --out.")
    transfers: dict[Path, Record] = {}
    for spec in demo().specs:
        folder = RunFolder.at_home(spec, out / RUNS)
        record = execute(spec, out=folder.path, home=out / RUNS, resume=True)
        transfers |= {folder.path: record} if spec.init else {}
    board = out / "leaderboard"
    add(board, *transfers, name=own_name())
    write_board(board)
    tables = tuple(transfer_tables(transfers.values()))
    sheet = out / "demo.html"
    write_sheet(
        sheet,
        title="Does disentanglement survive the move?",
        subtitle="drbench demo: rendered images, small budgets. A tour, not a result.",
        sections=list(_sections(list(transfers), list(transfers.values()), tables)),
    )
    return Demo(tuple(transfers.values()), tables, board / BOARD, sheet)


def _is_demo(out: Path) -> bool:
    return (out / RUNS).is_dir()


def _sections(
    folders: list[Path], records: list[Record], tables: tuple[Table, ...]
) -> Iterator[Section]:
    source, target = records[0].spec.chain
    like = open_data(source.data)
    truth = open_data(target.data, like=like.spec.image_shape)
    rows = np.random.default_rng(0).choice(len(truth), SHOWN, replace=False)
    yield Section(
        "Source and target",
        [
            samples(like.images(rows), f"source: {source.data.name}, {source.data.origin}"),
            samples(truth.images(rows), f"target: {target.data.name}, {target.data.origin}"),
        ],
        "Models learn on the source with what supervision they use, then see target images "
        "without any label.",
    )
    yield Section("Before fine-tuning, and the gain by it", [*map(table, tables)], _READING)
    firsts = [(f, r) for f, r in zip(folders, records, strict=True) if r.spec.seed == 0]
    yield Section(
        "Reconstructions of the target",
        [
            reconstructions(*_reconstructed(Run(folder), truth, rows), record.spec.model)
            for folder, record in firsts
        ],
        "After fine-tuning, seed 0. Above the image, below what the model makes of it.",
    )
    folder, record = firsts[0]
    trained = RunFolder.at_home(record.spec.chain[0], folder.parent).path
    yield Section(
        "A latent traversal",
        [_traversal(Run(trained), like, rows[:1])],
        f"{source.model} on the source, seed 0: one image, each latent moved by up to two "
        "standard deviations while the others are held.",
    )
    yield Section(
        "What each latent encodes",
        [_associations([record for _, record in firsts], stage) for stage in ("before", "after")],
        "Association matrix S of OMES on the target: 1 where a latent changes with a factor and "
        "with nothing else.",
    )
    yield Section("What this is", [facts(_facts(records))])


_READING = (
    "Percent, mean over seeds. Full: accuracy of boosted trees on all latents; pruned: on the one "
    "latent that OMES associates with the factor. Higher is better everywhere."
)


def _reconstructed(
    run: Run, truth: GroundTruth, rows: Int[np.ndarray, "k"]
) -> tuple[
    UInt8[np.ndarray, "k height width channel"], UInt8[np.ndarray, "k height width channel"]
]:
    images = truth.images(rows)
    return images, run.decode(run.encode(images))


def _traversal(run: Run, truth: GroundTruth, row: Int[np.ndarray, "1"]) -> Panel:
    start = run.encode(truth.images(row))[0]  # (latent,)
    spread = run.representation().latents.std(axis=0)
    shifts = np.linspace(-2, 2, 9)
    moved = start + np.eye(len(start))[:, None, :] * (
        shifts[:, None] * spread
    )  # (latent, step, latent)
    frames = run.decode(moved.reshape(-1, len(start)))
    return traversal(
        frames.reshape(len(start), len(shifts), *frames.shape[1:]),
        [f"latent {number}" for number in range(len(start))],
    )


def _associations(records: list[Record], stage: Stage) -> Panel:
    matrices = {
        record.spec.model: np.array(record.scores[stage]["omes"].matrix, dtype=float)
        for record in records
    }
    return associations(
        matrices, [factor.name for factor in records[0].factors], f"{stage} fine-tuning"
    )


def _facts(records: list[Record]) -> dict[str, str]:
    first = records[0]
    source = first.spec.chain[0]
    kept = "; ".join(
        f"{data.name} " + ", ".join(f"{name} {count}" for name, count in data.levels.items())
        for data in (source.data, first.spec.data)
    )
    return {
        "images": f"{source.data.origin} from the classes, {source.data.resize}x"
        f"{source.data.resize} pixels; no official file was used",
        "sub-grid": f"classes kept: {kept}; the other factors keep all",
        "budget": f"{source.training.steps} + {first.spec.training.steps} steps of "
        f"{source.training.batch}, rate {source.training.lr:g}, width "
        f"{first.hyperparameters['width']}; published: 400,000 + 50,000",
        "seeds": ", ".join(str(seed) for seed in sorted({r.spec.seed for r in records})),
        "scored": f"{first.scored_rows} held-out images a run",
        "device": first.provenance.device,
        "versions": ", ".join(f"{k} {v}" for k, v in first.provenance.versions.items()),
    }
