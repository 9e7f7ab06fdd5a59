"""One run under several names."""

import numpy as np
import pytest
from safetensors.numpy import save_file

from drbench.trust.copies import copies, find_copies
from drbench.trust.likeness import lookalikes, network_id


def layer(seed, units=32, channels=3):
    """A first layer as training leaves it: units that share much of their shape."""
    rng = np.random.default_rng(seed)
    basis = rng.normal(size=(6, channels * 16))  # edges and colours: few directions for many units
    weights = rng.normal(size=(units, 6)) @ basis + 0.3 * rng.normal(size=(units, channels * 16))
    return weights.reshape(units, channels, 4, 4).astype(np.float32)


def with_weights(board, record, weights):
    folder = board / "evidence" / "weights"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{record.provenance.encoder_hash['after']}.safetensors"
    save_file({"encoder.0.weight": np.ascontiguousarray(weights), "z": np.ones(3, "f4")}, path)


def found(tmp_path, make_record, weights, seeds=(0, 1), models=None):
    names = models or ["beta_vae"] * len(weights)
    records = [
        make_record(seed=seed, transfer=False, model=name)
        for seed, name in zip(seeds, names, strict=True)
    ]
    for record, each in zip(records, weights, strict=True):
        with_weights(tmp_path, record, each)
    paths = {tmp_path / f"{record.key}.json": record for record in records}
    return [what for _, _, what in lookalikes(paths, tmp_path)]


def test_independent_weights_are_not_alike(tmp_path, make_record):
    assert found(tmp_path, make_record, [layer(seed) for seed in range(8)], range(8)) == []


def test_equal_weights_are_equal_whatever_their_metadata(tmp_path, make_record):
    assert found(tmp_path, make_record, [layer(0)] * 2) == [
        "different trainings from seeds 0 and 1 with equal weights"
    ]


@pytest.mark.parametrize(
    "disguise",
    [
        lambda w, rng: w + 0.1 * w.std() * rng.normal(size=w.shape).astype("f4"),
        lambda w, rng: w[rng.permutation(len(w))],
        lambda w, rng: -w,
        lambda w, rng: w * rng.uniform(0.1, 9, size=(len(w), 1, 1, 1)).astype("f4"),
    ],
    ids=["noise", "order", "sign", "scale"],
)
def test_no_disguise_of_units_hides_a_copy(tmp_path, make_record, disguise):
    weights = layer(0)
    alike = found(tmp_path, make_record, [weights, disguise(weights, np.random.default_rng(1))])
    assert len(alike) == 1


def test_trainings_of_one_seed_may_be_alike_but_not_equal(tmp_path, make_record):
    source, transfer = make_record(seed=3, transfer=False), make_record(seed=3)
    records = {tmp_path / record.key: record for record in (source, transfer)}
    with_weights(tmp_path, source, layer(0))
    with_weights(tmp_path, transfer, 1.001 * layer(0))
    assert list(lookalikes(records, tmp_path)) == []
    with_weights(tmp_path, transfer, layer(0))
    ((*_, what),) = lookalikes(records, tmp_path)
    assert what == "different trainings from seeds 3 and 3 with equal weights"


def test_alike_weights_of_two_models_are_left_to_training_again(tmp_path, make_record):
    alike = [layer(0), 1.001 * layer(0)]
    assert found(tmp_path, make_record, alike, (0, 1), ("beta_vae", "ada_gvae")) == []
    assert len(found(tmp_path, make_record, alike, (0, 1))) == 1


def test_scoring_on_the_way_makes_no_other_network(make_record):
    spec = make_record().spec
    watched = spec.training.model_copy(update={"score_every": 5})
    assert network_id(spec.model_copy(update={"training": watched})) == network_id(spec)


def test_weights_that_cannot_be_read_are_left_to_others(tmp_path, make_record):
    records = {tmp_path / str(seed): make_record(seed=seed) for seed in (0, 1)}
    for record in records.values():
        path = (
            tmp_path / "evidence/weights" / f"{record.provenance.encoder_hash['after']}.safetensors"
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff" * 100)
    assert list(copies(records, tmp_path)) == []


def test_equal_latents_of_different_trainings_are_one_run_copied(tmp_path, make_record):
    honest = make_record(seed=0)
    other = make_record(seed=1)
    latents = honest.provenance.latents_hash
    copy = other.model_copy(
        update={"provenance": other.provenance.model_copy(update={"latents_hash": latents})}
    )
    records = {tmp_path / "a.json": honest, tmp_path / "b.json": copy}
    (one,) = find_copies(records)
    assert set(one.keys) == {honest.key, copy.key}
    assert "the same latents" in one.sentence


def test_a_transfer_of_no_steps_has_its_sources_network(make_record):
    from drbench.models.budget import Training

    spec = make_record().spec
    idle = spec.model_copy(update={"training": Training(steps=0)})
    assert network_id(idle) == network_id(spec.init) != network_id(spec)
