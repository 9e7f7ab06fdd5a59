"""From records to rows."""

import os
import random
import statistics
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drbench.board.build import build
from drbench.board.cells import summarise
from drbench.errors import BoardError
from drbench.metrics.result import MetricResult
from drbench.runs.record import Record, Software
from drbench.runs.spec import RunSpec
from drbench.trust.store import load_board, load_verifications
from drbench.trust.verification import Verification, Verifications, record_hash


def result(value, **more):
    return MetricResult(value=value, n_samples=100, **more)


@pytest.fixture(scope="module")
def many(make_record):
    """Records of several rows with awkward numbers, and verifications of some."""
    rng = random.Random(0)

    def scores():
        factors = ("shape", "scale", "orientation", "pos_x", "pos_y")
        return {
            "mig": result(
                rng.random(),
                per_factor={name: rng.random() for name in factors},
                parts={"b": rng.random() / 3, "a": rng.random() * 1e-7},
                parameters={"bins": 20, "seed": 0},
                reference=rng.random(),
                chance=rng.random() / 7,
                matrix=tuple(tuple(rng.random() for _ in factors) for _ in range(7)),
                n_pairs={name: rng.randrange(100) for name in reversed(factors)},
            )
        }

    records = [
        make_record(
            seed=seed, model=model, origin=origin, scores={"before": scores(), "after": scores()}
        )
        for seed in range(4)
        for model in ("beta_vae", "ada_gvae")
        for origin in ("official", "rendered")
    ]
    return [*records, make_record(transfer=False)], [
        verified(record, "retrained") for record in records if record.spec.seed != 3
    ]


def verified(record, state, **changes):
    fields = {
        "record_hash": record_hash(record), "state": state, "by": "A", "date": "2026-01-02",
        "versions": {"drbench": "1.2"}, "checks": {"scores": 0.0}, "notes": ("all",),
    }  # fmt: skip
    check = Verification(**(fields | changes))
    return Verifications(key=record.key, verifications=(check,))


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_board_is_byte_identical_in_whatever_order(many, data):
    records, checks = many
    text = build(data.draw(st.permutations(records)), data.draw(st.permutations(checks))).to_json()
    assert text == build(records, checks).to_json()


def test_board_of_what_was_read_again_is_the_same(many):
    records, checks = many
    reread = [Record.model_validate_json(record.to_json()) for record in records]
    again = [Verifications.model_validate_json(each.to_json()) for each in checks]
    assert build(reread, again).to_json() == build(records, checks).to_json()


def other_machine():
    """Environment of a machine with another locale, zone and hash seed, and a plain processor."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return os.environ | {
        "PYTHONHASHSEED": "12345", "LC_ALL": "C", "LANG": "C", "TZ": "Pacific/Chatham",
        "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8",
        "NPY_DISABLE_CPU_FEATURES": " ".join(extensions),
    }  # fmt: skip


def test_board_is_byte_identical_on_another_machine(many, tmp_path):
    records, checks = many
    for folder, files in (("records", records), ("verifications", checks)):
        (tmp_path / folder).mkdir()
        for each in random.sample(files, len(files)):
            (tmp_path / folder / f"{each.key}.json").write_text(each.to_json())
    script = (
        "import sys; from pathlib import Path; from drbench.trust.store import built_board\n"
        f"sys.stdout.write(built_board(Path({str(tmp_path)!r})).to_json())"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=other_machine(), capture_output=True, check=True)
    assert done.stdout.decode() == build(records, checks).to_json()
    assert build(load_board(tmp_path), load_verifications(tmp_path)) == build(records, checks)


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
    assert score.gain.mean == pytest.approx(0.3)
    # Unbiased: the sum of squares over n - 1.
    assert score.before.spread == pytest.approx(((0.2**2 + 0.1**2 + 0.3**2) / 2) ** 0.5)
    assert score.gain.spread == pytest.approx(statistics.stdev([0.6, 0.2, 0.1]))


@given(st.lists(st.floats(-1e3, 1e3), min_size=2, max_size=12))
def test_mean_and_spread_are_those_of_exact_arithmetic(values):
    found = summarise(values)
    assert found.mean == pytest.approx(statistics.fmean(values), rel=1e-5, abs=1e-12)
    assert found.spread == pytest.approx(statistics.stdev(values), rel=1e-5, abs=1e-12)
    assert summarise(values[::-1]) == found.model_copy(update={"values": tuple(values[::-1])})


@given(st.floats(-1e100, 1e100), st.integers(2, 20))
def test_equal_values_have_no_spread(value, count):
    found = summarise([value] * count)
    assert found.spread == 0
    assert found.mean == pytest.approx(value, rel=1e-5)


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
    assert cell.reference.values == (0.9, 0.9)
    assert cell.reference.mean == pytest.approx(0.9)
    assert cell.chance.mean == pytest.approx(0.15)
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


def test_a_row_says_where_its_numbers_come_from(make_record):
    plain = make_record(origin="official")
    origin = plain.provenance.model_copy(
        update={
            "plugins": {
                "model:beta_vae": Software(distribution="theirs", version="2.0"),
                "metric:mig": Software(distribution="drbench", version="0"),
            },
            "versions": {"drbench": "1.1", "torch": "2.9"},
            "git_commit": "a" * 40,
            "git_dirty": True,
            "device": "cuda (A100)",
            "seconds": {"train": 60.5, "score": 4.5},
        }
    )
    record = make_record(origin="official", provenance=origin, notes=("resized",))
    (row,) = build([record], [verified(record, "re-encoded")]).official
    assert (row.source.name, row.target.name, row.target.origin) == ("dsprites",) * 2 + (
        "official",
    )
    assert row.plugins["model:beta_vae"] == (Software(distribution="theirs", version="2.0"),)
    assert [budget.training.steps for budget in row.budgets] == [10, 10]
    assert [budget.hyperparameters for budget in row.budgets] == [{"beta": 1.0}] * 2
    assert row.checkpoint == "last step"
    assert row.scoring.sample == 100
    assert row.notes == ("resized",)
    (run,) = row.runs
    assert (run.device, run.seconds, run.code) == ("cuda (A100)", 65.0, "1.1")
    assert (run.git_commit, run.git_dirty) == ("a" * 40, True)
    assert run.data_hash == origin.data_hash[:12]
    (check,) = run.checks
    assert (check.state, check.by, str(check.date), check.code) == (
        "re-encoded", "A", "2026-01-02", "1.2",
    )  # fmt: skip


def test_versions_of_a_plugin_that_differ_between_runs_are_all_said(make_record):
    def made_with(seed, version):
        software = {"metric:mig": Software(distribution="drbench", version=version)}
        origin = make_record(seed=seed).provenance.model_copy(update={"plugins": software})
        return make_record(seed=seed, provenance=origin)

    (row,) = build([made_with(0, "2"), made_with(1, "1"), made_with(2, "2")]).rows
    assert [each.version for each in row.plugins["metric:mig"]] == ["1", "2"]


def test_samples_and_pairs_are_those_that_were_used(make_record):
    def scores(rows, shape):
        each = MetricResult(value=0.5, n_samples=rows, n_pairs={"shape": shape, "scale": 30})
        return {"before": {"mig": each}, "after": {"mig": each}}

    (row,) = build(
        [make_record(seed=0, scores=scores(90, 40)), make_record(seed=1, scores=scores(80, 35))]
    ).rows
    assert row.metrics["mig"].samples == (90, 80)
    assert row.metrics["mig"].pairs == {"shape": 35, "scale": 30}


def matrix_scores(matrix):
    each = MetricResult(value=0.5, matrix=matrix)
    return {"before": {"mig": each}, "after": {"mig": each}}


def test_matrices_are_averaged_latent_by_matched_latent(make_record):
    perfect = np.eye(5)
    noise = np.full((2, 5), 0.1)
    one = np.concatenate([perfect, noise])
    other = np.concatenate([noise, 0.5 * perfect[::-1]])
    records = [
        make_record(seed=seed, scores=matrix_scores(tuple(map(tuple, matrix))))
        for seed, matrix in enumerate((one, other))
    ]
    (row,) = build(records).rows
    found = np.array(row.metrics["mig"].matrix)
    assert found == pytest.approx(np.concatenate([0.75 * perfect, noise]))


@pytest.mark.parametrize(
    "matrix", [(), ((),), ((), ()), ((0.1, 0.2),), ((0.1,) * 5, (0.1,)), ((0.1,) * 6,)]
)
def test_what_is_no_matrix_of_the_factors_is_left_out(make_record, matrix):
    (row,) = build([make_record(scores=matrix_scores(matrix))]).rows
    assert row.metrics["mig"].matrix is None


def test_a_matrix_of_no_factors_is_left_out(make_record):
    (row,) = build([make_record(scores=matrix_scores(((), ())), factors=())]).rows
    assert row.metrics["mig"].matrix is None


def test_missing_associations_stay_missing(make_record):
    matrix = ((None,) * 5, (0.2, 0.9, 0.1, 0.1, None))
    (row,) = build([make_record(scores=matrix_scores(matrix))]).rows
    assert (None,) * 5 in row.metrics["mig"].matrix
    assert (0.2, 0.9, 0.1, 0.1, None) in row.metrics["mig"].matrix


def test_two_files_of_verifications_of_one_record_are_refused(make_record):
    record = make_record()
    with pytest.raises(BoardError, match="Two different files"):
        build([record], [verified(record, "rescored"), verified(record, "retrained")])


def test_verifications_of_no_record_change_nothing(make_record):
    other = verified(make_record(seed=9), "retrained")
    assert build([make_record()], [other]) == build([make_record()])


def test_the_largest_numbers_that_are_read_can_be_averaged(make_record):
    values = {"before": {"mig": result(-1e100)}, "after": {"mig": result(1e100)}}
    (row,) = build([make_record(seed=seed, scores=values) for seed in range(3)]).rows
    assert row.metrics["mig"].score.gain.mean == 2e100
