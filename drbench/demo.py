"""The whole story in minutes: two models, rendered images, transfer, scores, board, pictures."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import final

import numpy as np
from jaxtyping import Int, UInt8

from drbench.data.ground_truth import GroundTruth
from drbench.errors import RunError
from drbench.models.inference import decode
from drbench.report.panels import (
    Associations,
    Facts,
    Reconstructions,
    Samples,
    Section,
    Table,
    Traversal,
)
from drbench.report.sheet import write_sheet
from drbench.report.tables import transfer_tables
from drbench.representation.representation import Representation
from drbench.runs.data import open_data
from drbench.runs.execute import execute
from drbench.runs.folder import RunFolder
from drbench.runs.record import Record, Stage
from drbench.runs.request import train_spec, transfer_spec
from drbench.runs.spec import DataRef, Scoring
from drbench.runs.trained import load_trained
from drbench.trust.names import own_name
from drbench.trust.store import BOARD, add, write_board

SOURCE = DataRef(
    name="color_dsprites", origin="rendered", resize=32,
    levels={"scale": 3, "orientation": 4, "pos_x": 8, "pos_y": 8},
)  # fmt: skip
TARGET = DataRef(
    name="shapes3d", origin="rendered", resize=32,
    levels={"floor_hue": 5, "wall_hue": 5, "object_hue": 5, "scale": 4, "orientation": 5},
)  # fmt: skip
MODELS = ("ada_gvae", "beta_vae")
SEEDS = (0, 1)
SETTINGS = {"lr": 1e-3, "width": 32, "batch": 32}
SOURCE_STEPS, TARGET_STEPS = 2_000, 500
SOURCE_SCORING = Scoring(sample=1_000, metrics={"omes": {}, "mig": {}})
TARGET_SCORING = Scoring(
    sample=1_000, metrics={"omes": {}, "dci": {}, "mig": {}, "gbt": {}, "gbt_pruned": {}}
)
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
    RunError
        If the folder holds something else.
    """
    if out.exists() and (not out.is_dir() or (any(out.iterdir()) and not _is_demo(out))):
        raise RunError(f"{out} exists and is no demo: choose another --out.")
    transfers: dict[Path, Record] = {}
    for model in MODELS:
        for seed in SEEDS:
            transfers |= _transfer(out, model, seed)
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
    return any((out / "runs" / model).is_dir() for model in MODELS)


def _transfer(out: Path, model: str, seed: int) -> dict[Path, Record]:
    """Train one model on the source, then transfer it; runs that are done are read."""
    source = out / "runs" / model / "source" / str(seed)
    target = out / "runs" / model / "target" / str(seed)
    spec = train_spec(
        SOURCE, model, settings=SETTINGS, steps=SOURCE_STEPS, seed=seed, scoring=SOURCE_SCORING
    )
    execute(spec, out=source, resume=True)
    moved = transfer_spec(
        spec, TARGET, settings={}, steps=TARGET_STEPS, seed=seed, scoring=TARGET_SCORING
    )
    return {target: execute(moved, out=target, source=source, resume=True)}


def _sections(
    folders: list[Path], records: list[Record], tables: tuple[Table, ...]
) -> Iterator[Section]:
    like = open_data(SOURCE)
    truth = open_data(TARGET, like=like.spec.image_shape)
    rows = np.random.default_rng(0).choice(len(truth), SHOWN, replace=False)
    yield Section(
        "Source and target",
        [
            Samples(like.images(rows), f"source: {SOURCE.name}, {SOURCE.origin}"),
            Samples(truth.images(rows), f"target: {TARGET.name}, {TARGET.origin}"),
        ],
        "Models learn on the source with what supervision they use, then see target images "
        "without any label.",
    )
    yield Section("Before fine-tuning, and the gain by it", tables, _READING)
    firsts = [(f, r) for f, r in zip(folders, records, strict=True) if r.spec.seed == SEEDS[0]]
    yield Section(
        "Reconstructions of the target",
        [
            Reconstructions(*_reconstructed(folder, truth, rows), record.spec.model)
            for folder, record in firsts
        ],
        f"After fine-tuning, seed {SEEDS[0]}. Above the image, below what the model makes of it.",
    )
    folder, record = firsts[0]
    source = record.spec.chain[0]
    yield Section(
        "A latent traversal",
        [_traversal(_source_folder(folder), like, rows[:1])],
        f"{source.model} on the source, seed {SEEDS[0]}: one image, each latent moved by up to two "
        "standard deviations while the others are held.",
    )
    yield Section(
        "What each latent encodes",
        [_associations([record for _, record in firsts], stage) for stage in ("before", "after")],
        "Association matrix S of OMES on the target: 1 where a latent changes with a factor and "
        "with nothing else.",
    )
    yield Section("What this is", [Facts(_facts(records))])


def _source_folder(target: Path) -> Path:
    return target.parent.parent / "source" / target.name


_READING = (
    "Percent, mean over seeds. Full: accuracy of boosted trees on all latents; pruned: on the one "
    "latent that OMES associates with the factor. Higher is better everywhere."
)


def _reconstructed(
    folder: Path, truth: GroundTruth, rows: Int[np.ndarray, "k"]
) -> tuple[
    UInt8[np.ndarray, "k height width channel"], UInt8[np.ndarray, "k height width channel"]
]:
    images = truth.images(rows)
    run = load_trained(RunFolder(folder), seed=SEEDS[0])
    return images, decode(run.model, run.network, run.encode(images)[0])


def _traversal(folder: Path, truth: GroundTruth, row: Int[np.ndarray, "1"]) -> Traversal:
    run = load_trained(RunFolder(folder), seed=SEEDS[0])
    start = run.encode(truth.images(row))[0][0]  # (latent,)
    spread = Representation.load(RunFolder(folder).representation("after")).latents.std(axis=0)
    shifts = np.linspace(-2, 2, 9)
    moved = start + np.eye(len(start))[:, None, :] * (
        shifts[:, None] * spread
    )  # (latent, step, latent)
    frames = decode(run.model, run.network, moved.reshape(-1, len(start)).astype(np.float32))
    return Traversal(
        frames.reshape(len(start), len(shifts), *frames.shape[1:]),
        [f"latent {number}" for number in range(len(start))],
    )


def _associations(records: list[Record], stage: Stage) -> Associations:
    matrices = {
        record.spec.model: np.array(record.scores[stage]["omes"].matrix, dtype=float)
        for record in records
    }
    return Associations(
        matrices, [factor.name for factor in records[0].factors], f"{stage} fine-tuning"
    )


def _facts(records: list[Record]) -> dict[str, str]:
    first = records[0]
    source = first.spec.chain[0]
    kept = "; ".join(
        f"{data.name} " + ", ".join(f"{name} {count}" for name, count in data.levels.items())
        for data in (SOURCE, TARGET)
    )
    return {
        "images": f"{SOURCE.origin} from the classes, {SOURCE.resize}x{SOURCE.resize} pixels; no "
        "official file was used",
        "sub-grid": f"classes kept: {kept}; the other factors keep all",
        "budget": f"{source.training.steps} + {first.spec.training.steps} steps of "
        f"{source.training.batch}, rate {source.training.lr:g}, width "
        f"{first.hyperparameters['width']}; published: 400,000 + 50,000",
        "seeds": ", ".join(map(str, SEEDS)),
        "scored": f"{first.scored_rows} held-out images a run",
        "device": first.provenance.device,
        "versions": ", ".join(f"{k} {v}" for k, v in first.provenance.versions.items()),
    }
