"""From records to rows."""

import os
import random
import statistics
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import DAY, make_entry, make_record, make_spec, write_board

from drbench.board.build import build, unranked_rows
from drbench.board.cells import summarise
from drbench.board.entry import Entry
from drbench.errors import BoardError
from drbench.metrics.result import MetricResult
from drbench.runs.record import Software
from drbench.trust.store import built_board

pytestmark = pytest.mark.slow


def result(value, **more):
    return MetricResult(value=value, n_samples=100, **more)


@pytest.fixture(scope="module")
def many():
    """Entries of several rows with awkward numbers."""
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

    entries = [
        make_entry(
            seed=seed, model=model, origin=origin, submitter=submitter, level=level,
            scores={"before": scores(), "after": scores()},
        )
        for seed in (0, 1, 2, 7)
        for model in ("beta_vae", "ada_gvae")
        for origin in ("official", "rendered")
        for submitter, level in (("ann", "retrained"), ("bob", "retrained"), ("bo", "re-encoded"))
    ]  # fmt: skip
    return [*entries, make_entry(transfer=False)]


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_board_is_byte_identical_in_whatever_order(many, data):
    assert build(data.draw(st.permutations(many))).to_json() == build(many).to_json()


def test_board_of_what_was_read_again_is_the_same(many):
    again = [Entry.model_validate_json(entry.to_json()) for entry in many]
    assert build(again).to_json() == build(many).to_json()


def other_machine():
    """Environment of a machine with another locale, zone and hash seed, and a plain processor."""
    extensions = np.show_config(mode="dicts")["SIMD Extensions"].get("found", [])
    return os.environ | {
        "PYTHONHASHSEED": "12345", "LC_ALL": "C", "LANG": "C", "TZ": "Pacific/Chatham",
        "PYTHONUTF8": "0", "PYTHONIOENCODING": "utf-8",
        "NPY_DISABLE_CPU_FEATURES": " ".join(extensions),
    }  # fmt: skip


def test_board_is_byte_identical_on_another_machine(many, tmp_path):
    write_board(tmp_path, *random.sample(many, len(many)))
    script = (
        "import sys; from pathlib import Path; from drbench.trust.store import built_board\n"
        f"sys.stdout.write(built_board(Path({str(tmp_path)!r})).to_json())"
    )
    command = [sys.executable, "-W", "ignore", "-c", script]
    done = subprocess.run(command, env=other_machine(), capture_output=True, check=True)
    assert done.stdout.decode() == build(many).to_json()
    assert built_board(tmp_path) == build(many)


def test_a_row_groups_runs_that_differ_only_in_their_seed():
    (row,) = build([make_entry(seed=seed) for seed in (2, 0, 1)]).rows
    assert [run.seeds for run in row.runs] == [(0, 0), (1, 1), (2, 2)]
    assert row.n_seeds == 3


@pytest.mark.parametrize(
    "change",
    [{"model": "ada_gvae"}, {"origin": "official"}, {"submitter": "bob"}, {"level": "re-encoded"}],
)
def test_runs_that_differ_in_more_are_rows_of_their_own(change):
    assert len(build([make_entry(), make_entry(seed=1, **change)]).rows) == 2


def test_mean_spread_and_paired_gain_are_those_of_the_textbook():
    pairs = [(0.1, 0.7), (0.2, 0.4), (0.6, 0.7)]
    entries = [
        make_entry(
            seed=seed, scores={"before": {"mig": result(old)}, "after": {"mig": result(new)}}
        )
        for seed, (old, new) in enumerate(pairs)
    ]
    (row,) = build(entries).rows
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


def test_a_single_seed_has_no_spread():
    (row,) = build([make_entry()]).rows
    assert row.metrics["mig"].score.after.mean == 0.5
    assert row.metrics["mig"].score.after.spread is None


def test_a_missing_value_is_never_averaged_over():
    none = MetricResult(value=None, reason="a latent is constant")
    scores = {"before": {"mig": result(0.1)}, "after": {"mig": none}}
    entries = [make_entry(seed=0), make_entry(seed=1, scores=scores)]
    (row,) = build(entries).rows
    score = row.metrics["mig"].score
    assert score.after.values == (0.5, None)
    assert (score.after.mean, score.after.spread, score.gain.mean) == (None, None, None)
    assert score.reason == "seed 1 after: a latent is constant"
    assert score.before.mean == pytest.approx(0.1)


def test_a_metric_that_one_seed_lacks_has_no_mean():
    entries = [make_entry(seed=0), make_entry(seed=1, scores={"before": {}, "after": {}})]
    (row,) = build(entries).rows
    assert row.metrics["mig"].score.after.mean is None
    assert "seed 1 after: this metric was not scored" in row.metrics["mig"].score.reason


def test_factors_and_parts_are_averaged_one_by_one():
    def scores(shift):
        more = {"per_factor": {"pos_x": 0.2 + shift, "shape": 0.4}, "parts": {"os": 0.3 + shift}}
        return {"mig": result(0.3, reference=0.9, chance=0.1 + shift, **more)}

    entries = [
        make_entry(seed=s, scores={"before": scores(0.0), "after": scores(0.1 * s)}) for s in (0, 1)
    ]
    (row,) = build(entries).rows
    cell = row.metrics["mig"]
    assert cell.per_factor["pos_x"].after.mean == pytest.approx(0.25)
    assert cell.per_factor["shape"].gain.mean == 0
    assert cell.parts["os"].gain.mean == pytest.approx(0.05)
    assert cell.reference.values == (0.9, 0.9)
    assert cell.reference.mean == pytest.approx(0.9)
    assert cell.chance.mean == pytest.approx(0.15)
    assert cell.samples == (100, 100)


def test_official_only_if_source_and_target_are():
    official, rendered = make_spec(origin="official"), make_spec()
    own = rendered.data.model_copy(update={"name": "folder:mine"})
    board = build(
        make_entry(spec=spec)
        for spec in (
            official,
            official.model_copy(update={"init": rendered.init}),
            official.model_copy(update={"data": own}),
        )
    )
    assert {row.track: (row.source.origin, row.target.origin) for row in board.rows} == {
        "official": ("official", "official"), "rendered": ("rendered", "official"),
        "own": ("official", "rendered"),
    }  # fmt: skip


def test_source_runs_are_rows_of_their_own_kind():
    board = build([make_entry(transfer=False), make_entry()])
    assert [row.kind for row in board.rows] == ["transfer", "source"]
    score = board.rows[1].metrics["mig"].score
    assert (score.before, score.gain, score.after.mean) == (None, None, 0.5)


def test_only_prescribed_seeds_count_one_throughout_a_run():
    """So nobody picks the best of many seeds, or of many fine-tunings of one source."""
    best = make_spec(seed=1).model_copy(update={"seed": 9})
    entries = [make_entry(seed=seed) for seed in (0, 4, 5, 77)] + [make_entry(spec=best)]
    (row,) = build(entries).rows
    assert [run.seeds for run in row.runs] == [(0, 0), (4, 4)]
    assert [run.seeds for run in row.uncounted] == [(1, 9), (5, 5), (77, 77)]
    assert row.metrics["mig"].score.after.values == (0.5, 0.58)


def test_of_other_seeds_alone_all_are_shown_and_none_is_ranked():
    (row,) = build([make_entry(seed=seed) for seed in (5, 6)]).rows
    assert [run.seeds for run in row.runs] == [(5, 5), (6, 6)]
    assert row.metrics["mig"].rank is None
    assert "prescribed seed, from 0 to 4" in row.metrics["mig"].unranked


def test_rows_of_ones_own_runs_hold_every_seed():
    (row,) = unranked_rows([make_entry(seed=seed) for seed in (0, 5, 77)])
    assert row.n_seeds == 3


def test_one_training_counts_once_whatever_it_was_scored_by():
    """Another list of metrics, or the source scored otherwise, makes no row and no seed more."""
    old = make_entry(seed=0, days=1)
    scoring = old.spec.scoring.model_copy(update={"metrics": {"dci": {}}})
    other = make_spec().model_copy(update={"scoring": scoring})
    source = other.init.model_copy(update={"scoring": scoring})
    by_dci = {stage: {"dci": result(0.9)} for stage in ("before", "after")}
    entries = [
        old,
        make_entry(spec=other.model_copy(update={"init": source}), scores=by_dci, days=2),
    ]
    (row,) = build(entries).rows
    (run,) = row.runs
    assert run.keys == (entries[1].key, entries[0].key)
    assert row.metrics["dci"].score.after.values == (0.9,)
    assert row.metrics["mig"].score.after.values == (0.5,)


def test_the_newest_score_of_a_training_counts():
    scoring = make_spec().scoring.model_copy(update={"metrics": {"mig": {}, "dci": {}}})
    wider = make_spec().model_copy(update={"scoring": scoring})
    both = {stage: {"mig": result(0.7), "dci": result(0.9)} for stage in ("before", "after")}
    for days, expected in ((1, 0.7), (-1, 0.5)):
        (row,) = build([make_entry(), make_entry(spec=wider, scores=both, days=days)]).rows
        assert row.metrics["mig"].score.after.values == (expected,)


def test_the_same_entry_twice_counts_once():
    assert build([make_entry(), make_entry()]) == build([make_entry()])


def test_two_entries_of_one_run_are_refused():
    with pytest.raises(BoardError, match="Two different entries of ann"):
        build([make_entry(), make_entry(days=1)])


def test_no_entries_are_an_empty_board():
    assert build([]).rows == ()


def test_a_row_says_where_its_numbers_come_from():
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
    entry = make_entry(origin="official", provenance=origin, notes=("resized",))
    (row,) = build([entry]).official
    assert (row.submitter, row.source.name, row.target.name) == (
        "ann",
        "noisy_dsprites",
        "dsprites",
    )
    assert row.plugins["model:beta_vae"] == (Software(distribution="theirs", version="2.0"),)
    assert [budget.training.steps for budget in row.budgets] == [10, 10]
    assert row.hyperparameters["latents"] == 10
    assert row.checkpoint == "last step"
    assert row.sample == 100
    assert row.notes == ("resized",)
    (run,) = row.runs
    assert (run.device, run.seconds, run.code) == ("cuda (A100)", 65.0, "1.1")
    assert (run.git_commit, run.git_dirty) == ("a" * 40, True)
    assert run.data_hash == origin.data_hash[:12]
    assert (run.by, run.checked) == ("keeper", DAY)


def test_versions_of_a_plugin_that_differ_between_runs_are_all_said():
    def made_with(seed, version):
        software = {"metric:mig": Software(distribution="drbench", version=version)}
        origin = make_record(seed=seed).provenance.model_copy(update={"plugins": software})
        return make_entry(seed=seed, provenance=origin)

    (row,) = build([made_with(0, "2"), made_with(1, "1"), made_with(2, "2")]).rows
    assert [each.version for each in row.plugins["metric:mig"]] == ["1", "2"]


def test_samples_and_pairs_are_those_that_were_used():
    def scores(rows, shape):
        each = MetricResult(value=0.5, n_samples=rows, n_pairs={"shape": shape, "scale": 30})
        return {"before": {"mig": each}, "after": {"mig": each}}

    (row,) = build(
        [make_entry(seed=0, scores=scores(90, 40)), make_entry(seed=1, scores=scores(80, 35))]
    ).rows
    assert row.metrics["mig"].samples == (90, 80)
    assert row.metrics["mig"].pairs == {"shape": 35, "scale": 30}


def matrix_scores(matrix):
    each = MetricResult(value=0.5, matrix=matrix)
    return {"before": {"mig": each}, "after": {"mig": each}}


def test_matrices_are_averaged_latent_by_matched_latent():
    perfect = np.eye(5)
    noise = np.full((2, 5), 0.1)
    one = np.concatenate([perfect, noise])
    other = np.concatenate([noise, 0.5 * perfect[::-1]])
    entries = [
        make_entry(seed=seed, scores=matrix_scores(tuple(map(tuple, matrix))))
        for seed, matrix in enumerate((one, other))
    ]
    (row,) = build(entries).rows
    found = np.array(row.metrics["mig"].matrix)
    assert found == pytest.approx(np.concatenate([0.75 * perfect, noise]))


@pytest.mark.parametrize(
    "matrix", [(), ((),), ((), ()), ((0.1, 0.2),), ((0.1,) * 5, (0.1,)), ((0.1,) * 6,)]
)
def test_what_is_no_matrix_of_the_factors_is_left_out(matrix):
    (row,) = build([make_entry(scores=matrix_scores(matrix))]).rows
    assert row.metrics["mig"].matrix is None


def test_a_matrix_of_no_factors_is_left_out():
    (row,) = build([make_entry(scores=matrix_scores(((), ())), factors=())]).rows
    assert row.metrics["mig"].matrix is None


def test_missing_associations_stay_missing():
    matrix = ((None,) * 5, (0.2, 0.9, 0.1, 0.1, None))
    (row,) = build([make_entry(scores=matrix_scores(matrix))]).rows
    assert (None,) * 5 in row.metrics["mig"].matrix
    assert (0.2, 0.9, 0.1, 0.1, None) in row.metrics["mig"].matrix


def test_the_largest_numbers_that_are_read_can_be_averaged():
    values = {"before": {"mig": result(-1e100)}, "after": {"mig": result(1e100)}}
    (row,) = build([make_entry(seed=seed, scores=values) for seed in range(3)]).rows
    assert row.metrics["mig"].score.gain.mean == 2e100
