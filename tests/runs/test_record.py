"""Specs and records: what is equal, what is refused, what the files hold."""

import json

import pytest
from pydantic import ValidationError

from drbench.errors import RequestError
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


def test_chain_begins_with_the_first_run():
    first, second, third = (DataRef(name=n) for n in ("dsprites", "shapes3d", "isaac3d"))
    middle = spec(data=second, init=spec(data=first, seed=1), seed=2)
    last = spec(data=third, init=middle, seed=3)
    assert [link.seed for link in last.chain] == [1, 2, 3]


def test_a_transfer_keeps_its_model():
    with pytest.raises(RequestError, match="ada_gvae"):
        spec(model="ada_gvae", init=spec(data=DataRef(name="shapes3d")))


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
