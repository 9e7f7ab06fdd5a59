"""From records to rows."""

import random
import statistics

import pytest

from drbench.errors import BoardError
from drbench.leaderboard.build import build
from drbench.metrics.metric import MetricResult
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec


def result(value, **more):
    return MetricResult(value=value, n_samples=100, **more)


def test_board_is_byte_identical_in_whatever_order(make_record):
    records = [
        make_record(seed=seed, model=model, origin=origin)
        for seed in range(4)
        for model in ("beta_vae", "ada_gvae")
        for origin in ("official", "rendered")
    ] + [make_record(transfer=False)]
    expected = build(records).to_json()
    for _ in range(5):
        random.shuffle(records)
        assert build(records).to_json() == expected
    reread = [Record.model_validate_json(record.to_json()) for record in records]
    assert build(reread).to_json() == expected


def test_a_row_groups_runs_that_differ_only_in_their_seed(make_record):
    (row,) = build([make_record(seed=seed) for seed in (2, 0, 1)]).rows
    assert [run.seeds for run in row.runs] == [(0, 0), (1, 1), (2, 2)]
    assert row.n_seeds == 3


@pytest.mark.parametrize("change", [{"model": "ada_gvae"}, {"origin": "official"}])
def test_runs_that_differ_in_more_are_rows_of_their_own(make_record, change):
    assert len(build([make_record(), make_record(**change)]).rows) == 2


def test_mean_spread_and_paired_gain_are_those_of_the_textbook(make_record):
    pairs = [(0.1, 0.7), (0.2, 0.4), (0.6, 0.7)]
    records = [
        make_record(
            seed=seed, scores={"before": {"mig": result(old)}, "after": {"mig": result(new)}}
        )
        for seed, (old, new) in enumerate(pairs)
    ]
    (row,) = build(records).rows
    score = row.metrics["mig"].score
    assert score.before.mean == pytest.approx(0.3)
    assert score.after.mean == pytest.approx(0.6)
    assert score.gain.values == pytest.approx((0.6, 0.2, 0.1))
    # Unbiased: the sum of squares over n - 1.
    assert score.before.spread == pytest.approx(((0.2**2 + 0.1**2 + 0.3**2) / 2) ** 0.5)
    assert score.gain.spread == pytest.approx(statistics.stdev([0.6, 0.2, 0.1]))


def test_a_single_seed_has_no_spread(make_record):
    (row,) = build([make_record()]).rows
    assert row.metrics["mig"].score.after.mean == 0.5
    assert row.metrics["mig"].score.after.spread is None


def test_a_missing_value_is_never_averaged_over(make_record):
    none = MetricResult(value=None, reason="a latent is constant")
    scores = {"before": {"mig": result(0.1)}, "after": {"mig": none}}
    records = [make_record(seed=0), make_record(seed=1, scores=scores)]
    (row,) = build(records).rows
    score = row.metrics["mig"].score
    assert score.after.values == (0.5, None)
    assert (score.after.mean, score.after.spread, score.gain.mean) == (None, None, None)
    assert score.reason == "seed 1 after: a latent is constant"
    assert score.before.mean == pytest.approx(0.1)


def test_a_metric_that_one_seed_lacks_has_no_mean(make_record):
    records = [make_record(seed=0), make_record(seed=1, scores={"before": {}, "after": {}})]
    (row,) = build(records).rows
    assert row.metrics["mig"].score.after.mean is None
    assert "seed 1 after: this metric was not scored" in row.metrics["mig"].score.reason


def test_factors_and_parts_are_averaged_one_by_one(make_record):
    def scores(shift):
        more = {"per_factor": {"pos_x": 0.2 + shift, "shape": 0.4}, "parts": {"os": 0.3 + shift}}
        return {"mig": result(0.3, reference=0.9, chance=0.1 + shift, **more)}

    records = [
        make_record(seed=s, scores={"before": scores(0.0), "after": scores(0.1 * s)})
        for s in (0, 1)
    ]
    (row,) = build(records).rows
    cell = row.metrics["mig"]
    assert cell.per_factor["pos_x"].after.mean == pytest.approx(0.25)
    assert cell.per_factor["shape"].gain.mean == 0
    assert cell.parts["os"].gain.mean == pytest.approx(0.05)
    assert cell.reference == pytest.approx(0.9)
    assert cell.chance == pytest.approx(0.15)
    assert cell.samples == (100, 100)


def test_official_only_if_source_and_target_are(make_record):
    official = make_record(origin="official")
    rendered_source = make_record().spec.init
    mixed = RunSpec.model_validate(
        official.spec.model_dump() | {"init": rendered_source.model_dump()}
    )
    record = Record.model_validate(
        official.model_dump() | {"spec": mixed.model_dump(), "key": mixed.key}
    )
    board = build([official, record])
    assert [row.runs[0].key for row in board.official] == [official.key]
    (row,) = board.rendered
    assert (row.source.origin, row.target.origin) == ("rendered", "official")


def test_source_runs_are_rows_of_their_own_kind(make_record):
    board = build([make_record(transfer=False), make_record()])
    assert [row.kind for row in board.rows] == ["transfer", "source"]
    score = board.rows[1].metrics["mig"].score
    assert (score.before, score.gain, score.after.mean) == (None, None, 0.5)


def test_seeds_of_fine_tuning_alone_are_one_seed(make_record):
    first = make_record()
    again = RunSpec.model_validate(first.spec.model_dump() | {"seed": 7})
    second = Record.model_validate(
        first.model_dump() | {"spec": again.model_dump(), "key": again.key}
    )
    (row,) = build([first, second]).rows
    assert [run.seeds for run in row.runs] == [(0, 0), (0, 7)]
    assert row.n_seeds == 1


def test_the_same_record_twice_counts_once(make_record):
    assert build([make_record(), make_record()]) == build([make_record()])


def test_two_records_of_one_run_are_refused(make_record):
    with pytest.raises(BoardError, match="Two different records"):
        build([make_record(), make_record(scored_rows=99)])


def test_no_records_are_an_empty_board():
    assert build([]).rows == ()
