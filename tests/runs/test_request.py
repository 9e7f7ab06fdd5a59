"""From what a user asks for to a complete spec."""

import pytest

from drbench import DataRef, RunSpec, Scoring
from drbench.errors import RequestError, UnknownNameError
from drbench.runs.request import scoring_request, train_spec

DATA = DataRef(name="dsprites", origin="rendered")


def spec(**settings: object) -> RunSpec:
    return train_spec(
        DATA, "beta_vae", settings=settings, steps=1, seed=0, scoring=Scoring(metrics={})
    )


def test_settings_reach_the_model_and_the_training():
    made = spec(beta=4, lr=1e-3)
    assert made.hyperparameters["beta"] == 4
    assert made.training.lr == 1e-3


def test_unknown_setting_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="'latents'"):
        spec(latent=10)


@pytest.mark.parametrize("bad", [{"lr": -1}, {"batch": "many"}, {"beta": -1}, {"k": 0}])
def test_value_out_of_range_names_the_setting(bad):
    with pytest.raises(RequestError, match=next(iter(bad))):
        spec(**bad)


def test_unknown_data_set_and_model_suggest_the_nearest():
    with pytest.raises(UnknownNameError, match="'dsprites'"):
        train_spec(
            DataRef(name="dsprite"), "beta_vae", settings={}, steps=1, seed=0,
            scoring=Scoring(metrics={}),
        )  # fmt: skip
    with pytest.raises(UnknownNameError, match="'beta_vae'"):
        train_spec(DATA, "betavae", settings={}, steps=1, seed=0, scoring=Scoring(metrics={}))


def test_metric_settings_are_checked_when_asked_not_after_hours():
    with pytest.raises(RequestError, match="pooling"):
        scoring_request(["omes"], {"omes": {"pooling": "median"}}, sample=10)
    with pytest.raises(RequestError, match="not among"):
        scoring_request(["omes"], {"mig": {"bins": 10}}, sample=10)


def test_metrics_left_out_are_the_registered_defaults():
    chosen = list(scoring_request([], {}, sample=10).metrics)
    assert [name for name in chosen if name != "omes_sobol"] == [
        "omes", "dci", "mig", "gbt", "gbt_pruned",
    ]  # fmt: skip
