"""The official table: which transfers it asks for, and what was published of them."""

from dataclasses import dataclass
from typing import Any, final

from drbench.board.board import Published, PublishedLine
from drbench.models.budget import Training
from drbench.runs.defaults import SAMPLE, SOURCE_STEPS, TARGET_STEPS
from drbench.runs.spec import DataRef, RunSpec, Scoring

METRICS = frozenset({"omes", "dci", "mig", "gbt", "gbt_pruned"})
"""What was published, at least."""
SIDE = 64
"""Pixels that every source has, or is resized to."""
PAIRS = (
    ("shapes3d", "isaac3d"),
    ("color_dsprites", "shapes3d"),
    ("color_dsprites", "coil100_augmented"),
    ("shapes3d", "coil100_augmented"),
    ("coil100_augmented_binary", "coil100_augmented"),
    ("coil100_augmented", "rgbd_objects"),
    ("coil100_augmented", "rgbd_objects_depth"),
)
"""Sources and targets, from the seed paper's settings: synthetic to synthetic, synthetic to real,
real to real."""
RESIZED = frozenset({"coil100_augmented"})
"""Sources of other sizes than 64 x 64."""
MODELS = ("ada_gvae", "gvae")
"""The model of the paper's text, and what its released code runs."""
BETAS = (1.0, 2.0)


@final
@dataclass(frozen=True)
class OfficialCell:
    """One cell of the table: a model on a transfer, with the published budgets."""

    source: str
    target: str
    model: str
    beta: float

    def seeded(self, seed: int) -> RunSpec:
        """The transfer of one seed, in canonical form: all else is at the models' defaults.

        That is 10 latents, width 128, batches of 64 and a rate of 1e-4, as published.
        """
        common: dict[str, Any] = {
            "model": self.model,
            "seed": seed,
            "hyperparameters": {} if self.beta == 1.0 else {"beta": self.beta},
            "scoring": Scoring(sample=SAMPLE, metrics={name: {} for name in sorted(METRICS)}),
        }
        resize = SIDE if self.source in RESIZED else None
        source = RunSpec(
            data=DataRef(name=self.source, resize=resize),
            training=Training(steps=SOURCE_STEPS),
            **common,
        )
        return RunSpec(
            data=DataRef(name=self.target),
            training=Training(steps=TARGET_STEPS),
            init=source,
            **common,
        )


CELLS = tuple(
    OfficialCell(source, target, model, beta)
    for source, target in PAIRS
    for model in MODELS
    for beta in BETAS
)

# The published columns, by isaac3d's names of its factors.
_FACTORS = (
    "object_shape",
    "object_scale",
    "camera_height",
    "robot_x_move",
    "robot_y_move",
    "lighting_intensity",
    "lighting_y_dir",
    "object_color",
    "wall_color",
)


def _line(name: str, metric: str, part: str | None, text: str, factors: str = "") -> PublishedLine:
    """A line from the percents of a published table: before+gain, of all and of each factor."""
    before, gain = _shares(text)
    pairs = [_shares(pair) for pair in factors.split()]
    return PublishedLine(
        name=name,
        metric=metric,
        part=part,
        before=before,
        gain=gain,
        per_factor=dict(zip(_FACTORS, pairs, strict=True)) if pairs else {},
    )


def _shares(text: str) -> tuple[float, float]:
    before, gain = (round(float(percent) / 100, 4) for percent in text.split("+"))
    return before, gain


PUBLISHED = (
    Published(
        label="published, not reproduced",
        citation="Dapueto, Noceti, Odone: Transferring disentangled representations: bridging the "
        "gap between synthetic and real images. NeurIPS 2024, arXiv 2409.18017.",
        source="shapes3d",
        target="isaac3d",
        model="Ada-GVAE by its text, GVAE with labels by its released code",
        n_models=20,
        lines=(
            _line(
                "accuracy, full code",
                "gbt",
                None,
                "51.3+16.7",
                "34.9+5.1 54.0+34.6 39.2+17.4 33.9+29.6 23.0+4.3 83.6+14.0 85.4+12.7 29.8+13.9 "
                "78.1+18.9",
            ),
            _line(
                "accuracy, pruned code",
                "gbt_pruned",
                None,
                "42.1+12.5",
                "33.8+3.6 40.1+24.1 33.5+11.1 24.7+15.3 21.6+2.7 69.4+17.3 67.5+14.4 27.0+7.3 "
                "61.5+16.6",
            ),
            _line("modularity, OS", "omes", "os", "25.1+9.7"),
            _line("modularity, DCI", "dci", "disentanglement", "6.3+16.1"),
            _line("compactness, MES", "omes", "mes", "21.2+10.2"),
            _line("compactness, MIG", "mig", None, "2.2+5.9"),
        ),
    ),
)
"""Rows that are shown beside the ranked ones."""
