"""Specs small enough to run in seconds."""

from drbench import DataRef, RunSpec, Scoring
from drbench.runs.request import train_spec, transfer_spec

LEVELS = {"scale": 2, "orientation": 3, "pos_x": 4, "pos_y": 4}
SOURCE = DataRef(name="color_dsprites", origin="rendered", resize=16, levels={**LEVELS, "color": 3})
TARGET = DataRef(name="dsprites", origin="rendered", levels=LEVELS)
SCORING = Scoring(sample=120, pairs=60, metrics={"omes": {}, "mig": {"bins": 5}})
SETTINGS = {"width": 4, "lr": 1e-3, "batch": 8}


def source_spec(**changes: object) -> RunSpec:
    given: dict = {"settings": SETTINGS, "steps": 6, "seed": 0, "scoring": SCORING} | changes
    return train_spec(SOURCE, "ada_gvae", **given)


def target_spec(source: RunSpec | None = None, **changes: object) -> RunSpec:
    given: dict = {"settings": {}, "steps": 6, "seed": None, "scoring": SCORING} | changes
    return transfer_spec(source or source_spec(), TARGET, **given)
