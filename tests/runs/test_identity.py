"""Which runs are the same: equal however they were asked for, and none that differ in numbers."""

import hashlib
import json
import sys

import pytest
from pydantic import create_model

from drbench import DataRef, RunSpec, Scoring
from drbench.errors import RequestError
from drbench.models.budget import Training
from drbench.runs import spec as specs
from drbench.runs.identity import canonical, key, network_key, stored_key, stored_training_key
from drbench.runs.request import train_spec, transfer_spec

DATA = DataRef(name="dsprites", origin="rendered")
OTHER = DataRef(name="shapes3d", origin="rendered")


def spec(**changes: object) -> RunSpec:
    fields: dict = {
        "data": DATA,
        "model": "beta_vae",
        "training": Training(steps=1),
        "scoring": Scoring(metrics={"mig": {}}),
    }
    return RunSpec(**(fields | changes))


def cut(**changes: object) -> DataRef:
    return DATA.model_copy(update=changes)


def test_key_is_the_sha256_of_what_departs_from_the_defaults():
    asked = spec(hyperparameters={"beta": 2, "latents": 10}, seed=3)
    content = {
        "data": {"name": "dsprites", "origin": "rendered"},
        "model": "beta_vae",
        "hyperparameters": {"beta": 2.0},
        "training": {"steps": 1},
        "scoring": {"metrics": {"mig": {}}},
        "seed": 3,
    }
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    assert key(asked) == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "same",
    [
        {"hyperparameters": {"beta": 1.0, "latents": 10, "width": 128}},
        {"hyperparameters": {"beta": 1}},
        {"scoring": Scoring(metrics={"mig": {"bins": 20}})},
        {"scoring": Scoring(sample=15_000, metrics={"mig": {}})},
        {"data": cut(resize=64)},
        {"data": cut(levels={"scale": 6})},
        {"training": Training(steps=1, lr=1e-4, k=1)},
        {"training": Training(steps=1, k=2, distinct=False)},  # it sees single images
    ],
    ids=str,
)
def test_what_is_at_its_default_changes_no_key(same):
    assert key(spec(**same)) == key(spec())


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"model": "ada_gvae"},
        {"hyperparameters": {"beta": 2.0}},
        {"data": DataRef(name="noisy_dsprites", origin="rendered")},
        {"data": DataRef(name="dsprites")},
        {"data": cut(resize=32)},
        {"data": cut(levels={"scale": 2})},
        {"training": Training(steps=2)},
        {"training": Training(steps=1, precision="bfloat16")},
        {"init": spec(data=OTHER)},
    ],
    ids=str,
)
def test_what_changes_a_number_changes_the_key_and_the_network(other):
    assert key(spec(**other)) != key(spec())
    assert network_key(spec(**other)) != network_key(spec())


def test_what_is_scored_changes_the_key_and_not_the_network():
    other = spec(scoring=Scoring(metrics={"mig": {"bins": 10}, "omes": {}}))
    assert key(other) != key(spec())
    assert network_key(other) == network_key(spec())


def test_how_its_source_was_scored_changes_nothing_of_a_transfer():
    scored = spec(data=OTHER, scoring=Scoring(sample=10, metrics={"omes": {}}))
    assert key(spec(init=scored)) == key(spec(init=spec(data=OTHER)))


def test_the_size_of_a_target_is_its_sources():
    source = spec(data=OTHER.model_copy(update={"resize": 32}))
    assert key(spec(init=source, data=cut(resize=32))) == key(spec(init=source))


def test_runs_of_several_seeds_share_their_training():
    sources = [spec(data=OTHER, seed=seed) for seed in (0, 1)]
    moved = [canonical(spec(init=source, seed=source.seed)) for source in sources]
    assert stored_training_key(moved[0]) == stored_training_key(moved[1])
    longer = canonical(spec(init=spec(data=OTHER, training=Training(steps=2))))
    assert stored_training_key(longer) != stored_training_key(moved[0])


def test_command_line_python_and_file_give_one_key():
    asked = train_spec(
        cut(resize=64), "beta_vae", settings={"beta": 1, "lr": 1e-4}, steps=1, seed=0,
        scoring=Scoring(metrics={"mig": {"bins": 20}}),
    )  # fmt: skip
    assert asked == canonical(spec())
    assert stored_key(asked) == key(spec())
    assert key(RunSpec.model_validate_json(asked.model_dump_json())) == key(spec())


def test_an_inherited_setting_that_is_written_out_gives_the_same_transfer():
    source = canonical(spec(data=OTHER, hyperparameters={"beta": 2}, training=Training(steps=1)))
    common: dict = {"steps": 1, "seed": None, "scoring": Scoring(metrics={})}
    inherited = transfer_spec(source, DATA, settings={}, **common)
    assert transfer_spec(source, DATA, settings={"beta": 2, "lr": 1e-4}, **common) == inherited


def test_a_field_that_is_added_with_a_default_changes_no_key(monkeypatch):
    before = key(spec()), network_key(spec())
    grown = create_model("Training", __base__=Training, compiled=(bool, False))
    monkeypatch.setattr(specs, "Training", grown)
    with_option = spec(training=grown(steps=1))
    assert (key(with_option), network_key(with_option)) == before
    assert key(spec(training=grown(steps=1, compiled=True))) != before[0]


def test_canonical_form_is_reached_at_once():
    once = canonical(spec(hyperparameters={"beta": 2, "latents": 10}, init=spec(data=OTHER)))
    assert canonical(once) == once


def test_stored_keys_need_no_plugin(monkeypatch):
    stored = canonical(spec(hyperparameters={"beta": 2}))
    expected = key(stored)
    monkeypatch.setitem(sys.modules, "drbench.models.model", None)
    assert stored_key(stored) == expected


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"hyperparameters": {"betta": 2}}, "betta"),
        ({"data": cut(levels={"scale": 9})}, "scale"),
        ({"data": cut(levels={"hue": 2})}, "hue"),
        ({"scoring": Scoring(metrics={"mig": {"bin": 9}})}, "mig.bin"),
    ],
)
def test_what_does_not_exist_has_no_key(wrong, sentence):
    with pytest.raises(RequestError, match=sentence):
        key(spec(**wrong))


def test_a_transfer_from_a_set_to_itself_is_none():
    cut_down = spec(data=cut(levels={"scale": 2}))
    with pytest.raises(RequestError, match="from dsprites to itself is none"):
        RunSpec(data=DATA, model="beta_vae", training=Training(steps=1), init=cut_down)


def test_what_a_spec_lacks_is_one_sentence():
    with pytest.raises(RequestError, match=r"^data: Field required\.$"):
        RunSpec(model="beta_vae", training=Training(steps=1))


def test_pairs_matter_where_they_are_drawn():
    """To a model of pairs on its source, and to no model that is fine-tuned."""
    pairs = {"model": "ada_gvae", "training": Training(steps=1, k=2)}
    assert network_key(spec(**pairs)) != network_key(spec(model="ada_gvae"))
    source = spec(data=OTHER, model="ada_gvae")
    assert network_key(spec(**pairs, init=source)) == network_key(
        spec(model="ada_gvae", init=source)
    )
