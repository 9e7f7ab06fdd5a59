"""Specs and records: what is equal, what is refused, what the files hold."""

import hashlib
import json

import pytest
from pydantic import ValidationError

from drbench.metrics.result import MetricResult
from drbench.models.budget import Training
from drbench.runs.record import Record
from drbench.runs.spec import DataRef, RunSpec, Scoring


def spec(**changes):
    fields = {
        "data": DataRef(name="dsprites"),
        "model": "beta_vae",
        "training": Training(steps=1),
        "scoring": Scoring(metrics={"mig": {}}),
    }
    return RunSpec(**(fields | changes))


def test_equal_specs_have_one_key():
    one = spec(hyperparameters={"beta": 1.0, "latents": 10})
    assert one.key == spec(hyperparameters={"latents": 10, "beta": 1.0}).key


def test_key_is_the_sha256_of_the_sorted_compact_json():
    document = json.dumps(
        json.loads(spec().model_dump_json()), sort_keys=True, separators=(",", ":")
    )
    assert spec().key == hashlib.sha256(document.encode()).hexdigest()


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 1},
        {"model": "ada_gvae"},
        {"hyperparameters": {"beta": 2.0}},
        {"data": DataRef(name="dsprites", origin="rendered")},
        {"data": DataRef(name="dsprites", levels={"shape": 2})},
        {"training": Training(steps=2)},
        {"scoring": Scoring(metrics={"mig": {"bins": 10}})},
        {"init": spec()},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_changes_the_key(change):
    assert spec(**change).key != spec().key


def test_key_survives_a_round_trip_through_json():
    original = spec(hyperparameters={"beta": 1.0}, init=spec())
    assert RunSpec.model_validate_json(original.model_dump_json()).key == original.key


def test_chain_begins_with_the_first_run():
    middle = spec(init=spec(seed=1), seed=2)
    last = spec(init=middle, seed=3)
    assert [link.seed for link in last.chain] == [1, 2, 3]


def test_a_transfer_keeps_its_model():
    with pytest.raises(ValidationError, match="ada_gvae"):
        spec(model="ada_gvae", init=spec())


def test_record_survives_a_round_trip(make_record):
    record = make_record()
    assert Record.model_validate_json(record.to_json()) == record
    assert Record.model_validate_json(record.to_json()).to_json() == record.to_json()


def test_record_keeps_the_order_of_the_factors(make_record):
    read = Record.model_validate_json(make_record().to_json())
    names = ["shape", "scale", "orientation", "pos_x", "pos_y"]
    assert [factor.name for factor in read.factors] == names


def test_a_key_that_is_not_the_hash_of_the_spec_is_refused(make_record):
    with pytest.raises(ValidationError, match="not the hash"):
        make_record(key="0" * 64)


@pytest.mark.parametrize(
    ("transfer", "stages"), [(True, ["after"]), (False, ["before", "after"]), (False, [])]
)
def test_stages_must_fit_the_run(make_record, transfer, stages):
    with pytest.raises(ValidationError, match="scored"):
        make_record(transfer=transfer, scores={stage: {} for stage in stages})


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_no_score_is_nan_or_infinite(number):
    with pytest.raises(ValidationError):
        MetricResult(value=number)
    with pytest.raises(ValidationError):
        MetricResult(value=0.5, per_factor={"shape": number})
    with pytest.raises(ValidationError):
        MetricResult(value=0.5, parameters={"alpha": number})


def test_unknown_keys_are_refused(make_record):
    document = json.loads(make_record().to_json()) | {"rank": 1}
    with pytest.raises(ValidationError, match="rank"):
        Record.model_validate(document)


def test_every_field_of_a_record_is_described():
    schema = Record.model_json_schema()
    for name, definition in [("Record", schema), *schema["$defs"].items()]:
        for field, described in definition.get("properties", {}).items():
            # pydantic leaves out what the referred class says of itself in the same words.
            assert "description" in described or "$ref" in described, f"{name}.{field}"
