"""The studies that come with drbench: the demo, the shipped board and the official table."""

from collections.abc import Callable, Mapping

from drbench.runs.defaults import SOURCE_STEPS, TARGET_STEPS
from drbench.runs.spec import DataRef, Scoring
from drbench.studies.study import Study, cross, unique

OFFICIAL_PAIRS = (
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
OFFICIAL_SIDE = 64
"""Pixels that every source has, or is resized to."""
OFFICIAL_SEEDS = 5
"""Source trainings that fill a cell; the paper has ten for each of its two betas."""


def official(seeds: int = OFFICIAL_SEEDS) -> Study:
    """The official table: the model of the seed paper's text and that of its code, two betas."""
    sources = dict.fromkeys(source for source, _ in OFFICIAL_PAIRS)
    return Study(
        "official",
        unique(
            cross(
                sources=[DataRef(name=name, resize=OFFICIAL_SIDE) for name in sources],
                models={model: [{"beta": 1}, {"beta": 2}] for model in ("ada_gvae", "gvae")},
                seeds=range(seeds),
                steps=SOURCE_STEPS,
                targets={
                    source: [DataRef(name=t) for s, t in OFFICIAL_PAIRS if s == source]
                    for source in sources
                },
                target_steps=TARGET_STEPS,
                scoring=Scoring(),
            )
        ),
    )


def board() -> Study:
    """The shipped board: two models, moved both ways between two rendered sets of 32 pixels."""
    sets = {
        name: DataRef(name=name, origin="rendered", resize=32)
        for name in ("color_dsprites", "shapes3d")
    }
    settings = {"width": 32, "lr": 1e-3}
    scored = {"sample": 2_000, "pairs": 300}
    return Study(
        "board",
        unique(
            cross(
                sources=list(sets.values()),
                models={"ada_gvae": [settings], "beta_vae": [settings]},
                seeds=range(5),
                steps=2_000,
                targets={
                    source: [target for name, target in sets.items() if name != source]
                    for source in sets
                },
                target_steps=500,
                scoring=Scoring(**scored),
                source_scoring=Scoring(**scored, metrics={"omes": {}}),
            )
        ),
    )


def demo() -> Study:
    """What `drbench demo` does: two models from rendered sprites to rendered rooms, in minutes."""
    source = DataRef(
        name="color_dsprites", origin="rendered", resize=32,
        levels={"scale": 3, "orientation": 4, "pos_x": 8, "pos_y": 8},
    )  # fmt: skip
    target = DataRef(
        name="shapes3d", origin="rendered", resize=32,
        levels={"floor_hue": 5, "wall_hue": 5, "object_hue": 5, "scale": 4, "orientation": 5},
    )  # fmt: skip
    settings = {"lr": 1e-3, "width": 32, "batch": 32}
    metrics: dict[str, dict[str, object]] = {
        name: {} for name in ("omes", "dci", "mig", "gbt", "gbt_pruned")
    }
    return Study(
        "demo",
        unique(
            cross(
                sources=[source],
                models={"ada_gvae": [settings], "beta_vae": [settings]},
                seeds=range(2),
                steps=2_000,
                targets={source.name: [target]},
                target_steps=500,
                scoring=Scoring(sample=1_000, metrics=metrics),
                source_scoring=Scoring(sample=1_000, metrics={"omes": {}, "mig": {}}),
            )
        ),
    )


STUDIES: Mapping[str, Callable[[], Study]] = {"board": board, "demo": demo, "official": official}
"""By name."""
