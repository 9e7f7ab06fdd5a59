"""The studies that come with drbench: the demo, the shipped board and the official table."""

from collections.abc import Callable, Mapping

from drbench.board.official import CELLS
from drbench.board.ranking import PRESCRIBED
from drbench.errors import UnknownNameError
from drbench.runs.spec import DataRef, Scoring
from drbench.studies.study import Study, cross, unique


def official(seeds: int = PRESCRIBED) -> Study:
    """The official table: the model of the seed paper's text and that of its code, two betas."""
    specs = [cell.seeded(seed) for cell in CELLS for seed in range(seeds)]
    return Study("official", unique(specs))


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
                seeds=range(3),
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


def find_study(name: str) -> Study:
    """A study by its name.

    Raises
    ------
    UnknownNameError
        If none is called so.
    """
    if name not in STUDIES:
        raise UnknownNameError("study", name, STUDIES)
    return STUDIES[name]()
