"""Ranks and how sure they are, against constructed cases and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from drbench.board.bootstrap import RESAMPLES, resample, resampled_means
from drbench.board.build import build
from drbench.board.ranking import HIGHER_IS_BETTER, LOWER_IS_BETTER, direction, ranks
from drbench.metrics.result import MetricResult
from drbench.registry import load, plugins
from drbench.runs.record import Record, Software
from drbench.runs.spec import RunSpec
from drbench.trust.verification import Verification, Verifications, record_hash


def means(values, stream):
    values = np.array(values, dtype=float)
    return resampled_means(values, np.arange(len(values)), resample(len(values), stream))


def place(rank):
    return rank.place, rank.best, rank.worst


def test_rows_of_the_same_values_are_tied():
    values = [0.1, 0.3, 0.2, 0.5, 0.4]
    found = ranks([0.3, 0.3], [means(values, 1), means(values[::-1], 2)], "higher")
    assert [place(rank) for rank in found] == [(1, 1, 2), (1, 1, 2)]


def test_rows_of_one_constant_are_tied_however_many_seeds_they_have():
    found = ranks([0.1, 0.1], [means([0.1] * 3, 1), means([0.1] * 5, 2)], "higher")
    assert [place(rank) for rank in found] == [(1, 1, 2), (1, 1, 2)]


@pytest.mark.parametrize(("better", "order"), [("higher", [2, 1]), ("lower", [1, 2])])
def test_rows_that_are_clearly_apart_are_not_tied(better, order):
    low, high = [0.1, 0.12, 0.11], [0.8, 0.82, 0.81]
    found = ranks([0.11, 0.81], [means(low, 1), means(high, 2)], better)
    assert [place(rank) for rank in found] == [(n, n, n) for n in order]


def test_noise_ties_neighbours_and_not_the_one_far_away():
    rows = [[0.5, 0.6, 0.7, 0.4, 0.6], [0.55, 0.45, 0.65, 0.6, 0.5], [0.1, 0.12, 0.11, 0.1, 0.13]]
    found = ranks([np.mean(r) for r in rows], [means(r, i) for i, r in enumerate(rows)], "higher")
    assert [place(rank) for rank in found] == [(1, 1, 2), (2, 1, 2), (3, 3, 3)]
    assert {rank.of for rank in found} == {3}


def test_places_are_those_of_counting_in_every_resample():
    rng = np.random.default_rng(4)
    rows = [rng.normal(loc=0.2 * i, size=5) for i in range(6)]
    resampled = [means(row, i) for i, row in enumerate(rows)]
    found = ranks([row.mean() for row in rows], resampled, "higher")
    for own, rank in zip(resampled, found, strict=True):
        above = sorted(1 + sum(other[b] > own[b] for other in resampled) for b in range(RESAMPLES))
        level = sorted(sum(other[b] >= own[b] for other in resampled) for b in range(RESAMPLES))
        assert rank.best == min(rank.place, above[50])
        assert rank.worst == max(rank.place, level[-51])


GRID = st.integers(0, 4).map(lambda level: level / 10)  # so coarse that means are often equal


def counted(resampled, row, better):
    """Best and worst place of a row: those above and beside it counted resample by resample."""
    ahead = (lambda a, b: a > b + 1e-9) if better == "higher" else (lambda a, b: a < b - 1e-9)
    best, worst = [], []
    for number in range(RESAMPLES):
        own = resampled[row][number]
        others = [each[number] for other, each in enumerate(resampled) if other != row]
        best.append(1 + sum(ahead(each, own) for each in others))
        worst.append(1 + len(others) - sum(ahead(own, each) for each in others))
    return sorted(best)[50], sorted(worst)[1949]


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(st.lists(GRID, min_size=1, max_size=5), min_size=1, max_size=5),
    better=st.sampled_from(["higher", "lower"]),
)
def test_ranks_are_those_of_counting_whatever_the_values(rows, better):
    resampled = [means(row, number) if len(row) > 1 else None for number, row in enumerate(rows)]
    averages = [sum(row) / len(row) for row in rows]
    found = ranks(averages, resampled, better)
    several = [each for each in resampled if each is not None]
    for row, rank in enumerate(found):
        ahead = [a > averages[row] + 1e-9 for a in averages]
        if better == "lower":
            ahead = [a < averages[row] - 1e-9 for a in averages]
        assert rank.place == 1 + sum(ahead)
        assert rank.of == len(rows)
        if resampled[row] is None:
            assert (rank.best, rank.worst) == (1, len(rows))
        else:
            own = sum(each is not None for each in resampled[:row])
            best, worst = counted(several, own, better)
            worst += len(rows) - len(several)
            assert (rank.best, rank.worst) == (min(best, rank.place), max(worst, rank.place))


@settings(max_examples=15, deadline=None)
@given(
    rows=st.lists(st.lists(GRID, min_size=2, max_size=5), min_size=2, max_size=6), data=st.data()
)
def test_ranks_do_not_depend_on_the_order_of_rows_and_turn_with_the_sign(rows, data):
    resampled = [means(row, number) for number, row in enumerate(rows)]
    averages = [np.mean(row) for row in rows]
    found = ranks(averages, resampled, "higher")
    order = data.draw(st.permutations(range(len(rows))))
    turned = ranks([-averages[i] for i in order], [-resampled[i] for i in order], "lower")
    assert turned == [found[i] for i in order]


def test_a_row_with_one_seed_may_have_any_place():
    sure = [0.8, 0.81, 0.82, 0.8, 0.81]
    found = ranks([0.808, 0.1], [means(sure, 1), None], "higher")
    assert [place(rank) for rank in found] == [(1, 1, 2), (2, 1, 2)]


def test_metrics_of_which_less_is_better_are_those_that_say_so():
    own = [name for name, plugin in plugins("metric").items() if plugin.distribution == "drbench"]
    assert {name for name in own if load("metric", name).direction == "lower"} == LOWER_IS_BETTER
    assert set(own) == LOWER_IS_BETTER | HIGHER_IS_BETTER


@pytest.mark.parametrize(
    ("reference", "chance", "expected"),
    [(1.0, 0.2, "higher"), (0.0, 2.0, "lower"), (None, 0.2, None), (0.3, 0.3, None)],
)
def test_a_strangers_metric_is_read_by_its_perfect_code_and_chance(reference, chance, expected):
    assert direction("theirs", {"x"}, reference=reference, chance=chance) == expected


# On the board


def scores(value, metric="mig", **more):
    result = MetricResult(value=value, **({"reason": "none"} if value is None else {}), **more)
    return {"before": {metric: result}, "after": {metric: result}}


def cells(board, metric="mig"):
    return {row.model: row.metrics[metric] for row in board.rows}


def test_rows_are_ranked_by_mean_among_rows_of_their_target(make_record):
    records = [
        make_record(seed=seed, model=model, scores=scores(base + seed / 100))
        for model, base in (("worse", 0.1), ("better", 0.6), ("middle", 0.3))
        for seed in range(5)
    ]
    found = cells(build(records))
    assert {model: place(cell.rank) for model, cell in found.items()} == {
        "better": (1, 1, 1), "middle": (2, 2, 2), "worse": (3, 3, 3),
    }  # fmt: skip


def test_ranks_and_intervals_do_not_depend_on_rows_beside(make_record):
    mine = [make_record(seed=seed, scores=scores(0.5 + seed / 100)) for seed in range(5)]
    other = [make_record(seed=s, model="ae", scores=scores(0.5 + s / 90)) for s in range(5)]
    alone, both = build(mine), build(mine + other)
    assert cells(both)["beta_vae"].score == cells(alone)["beta_vae"].score
    assert cells(both)["beta_vae"].rank.of == 2


def test_tracks_kinds_and_parameters_are_ranked_apart(make_record):
    found = build(
        [
            make_record(),
            make_record(transfer=False, scores={"after": scores(0.9)["after"]}),
            make_record(model="ae", scores=scores(0.9, parameters={"bins": 10, "seed": 0})),
            make_record(model="gvae", scored_rows=50),
        ]
    )
    of = [row.metrics["mig"].rank.of for row in found.rows]
    assert sorted(of) == [1, 1, 2, 2]  # the seed is no parameter that rows must share


@pytest.mark.parametrize("change", [{"sample": 50}, {"pairs": 7}])
def test_scores_of_other_samples_or_pairs_are_ranked_apart(make_record, change):
    made = make_record(seed=1)
    scoring = made.spec.scoring.model_copy(update=change)
    spec = RunSpec.model_validate(made.spec.model_dump() | {"scoring": scoring.model_dump()})
    other = Record.model_validate(made.model_dump() | {"spec": spec.model_dump(), "key": spec.key})
    found = build([make_record(), other]).rows
    assert [row.metrics["mig"].rank.of for row in found] == [1, 1]


def test_images_of_another_size_are_ranked_apart(make_record):
    small = make_record(model="ae").model_copy(update={"image_shape": (32, 32, 1)})
    assert cells(build([make_record(), small]))["ae"].rank.of == 1


def test_images_of_one_size_are_ranked_together_however_it_was_asked_for(make_record):
    document = make_record(model="ae").spec.model_dump()
    document["data"]["resize"] = document["init"]["data"]["resize"] = 64
    spec = RunSpec.model_validate(document)
    asked = Record.model_validate(
        make_record(model="ae").model_dump() | {"spec": document, "key": spec.key}
    )
    assert cells(build([make_record(), asked]))["ae"].rank.of == 2


def test_a_row_with_a_missing_score_is_unranked_with_the_reason(make_record):
    records = [
        make_record(model="ae"),
        make_record(seed=1),
        make_record(seed=2, scores=scores(None)),
    ]
    found = cells(build(records))
    assert found["beta_vae"].rank is None
    assert found["beta_vae"].unranked.startswith("a run has no score: seed 2 ")
    assert found["ae"].rank.of == 1


def test_a_metric_whose_direction_nobody_knows_is_unranked(make_record):
    provenance = make_record().provenance.model_copy(
        update={"plugins": {"metric:theirs": Software(distribution="theirs", version="1")}}
    )
    (row,) = build([make_record(scores=scores(0.5, "theirs"), provenance=provenance)]).rows
    assert "higher or lower" in row.metrics["theirs"].unranked


def test_no_record_turns_a_metric_round(make_record):
    """A record says itself where its metrics came from, and what a perfect code scores."""
    honest = [make_record(scores=scores(0.9)), make_record(model="ae", scores=scores(0.1))]
    provenance = make_record().provenance.model_copy(
        update={"plugins": {"metric:mig": Software(distribution="evil", version="1")}}
    )
    evil = make_record(
        model="aaa", scores=scores(0.0, reference=0.0, chance=1.0), provenance=provenance
    )
    board = build([*honest, evil])
    assert board.ranking.directions == {"mig": "higher"}
    found = cells(board)
    assert found["beta_vae"].rank.place == 1
    assert "under a name of drbench's own" in found["aaa"].unranked


def test_rows_that_contradict_each_other_on_what_is_better_are_unranked(make_record):
    theirs = {"plugins": {"metric:theirs": Software(distribution="theirs", version="1")}}
    provenance = make_record().provenance.model_copy(update=theirs)
    records = [
        make_record(
            model=f"m{best:g}", provenance=provenance,
            scores=scores(0.5, "theirs", reference=best, chance=0.5),
        )
        for best in (0.0, 1.0)
    ]  # fmt: skip
    assert [each.rank for each in cells(build(records), "theirs").values()] == [None, None]
    assert cells(build(records[:1]), "theirs")["m0"].rank.place == 1


def checked(record, state, **changes):
    check = Verification(
        record_hash=changes.get("record_hash", record_hash(record)),
        state=state,
        by="A",
        date="2026-01-02",
        versions={},
        checks={},
        notes=("it does not hold",) if state == "refuted" else (),
    )
    return Verifications(key=record.key, verifications=(check,))


def test_the_official_track_ranks_only_what_was_reencoded(make_record):
    honest = [make_record(seed=seed, origin="official") for seed in (0, 1)]
    (row,) = build(honest, [checked(honest[0], "rescored")]).official
    assert (row.state, row.metrics["mig"].rank) == ("self-reported", None)
    assert "self-reported" in row.metrics["mig"].unranked
    states = [checked(honest[0], "re-encoded"), checked(honest[1], "retrained")]
    (row,) = build(honest, states).official
    assert (row.state, row.metrics["mig"].rank.place) == ("re-encoded", 1)
    assert [run.state for run in row.runs] == ["re-encoded", "retrained"]


def test_rescored_is_not_enough_for_the_official_track(make_record):
    record = make_record(origin="official")
    (row,) = build([record], [checked(record, "rescored")]).official
    assert row.metrics["mig"].rank is None


def test_a_refuted_run_is_never_ranked(make_record):
    record = make_record()
    (row,) = build([record], [checked(record, "refuted")]).rows
    assert row.metrics["mig"].rank is None
    assert "refuted" in row.metrics["mig"].unranked


def test_a_refuted_run_does_not_count_and_takes_nobody_out_of_the_ranking(make_record):
    bad, good = make_record(scores=scores(0.9)), make_record(seed=1, scores=scores(0.4))
    (row,) = build([bad, good], [checked(bad, "refuted")]).rows
    assert (row.state, row.n_seeds, row.metrics["mig"].score.after.values) == (
        "self-reported", 1, (0.4,),
    )  # fmt: skip
    assert [run.key for run in row.uncounted] == [bad.key]
    assert row.metrics["mig"].rank.place == 1


def test_a_run_that_nobody_checked_takes_no_official_row_out_of_the_ranking(make_record):
    known = [make_record(seed=seed, origin="official", scores=scores(0.5)) for seed in (0, 1)]
    stranger = make_record(seed=2, origin="official", scores=scores(0.9))
    states = [checked(each, "re-encoded") for each in known]
    (row,) = build([*known, stranger], states).official
    assert (row.state, row.n_seeds, row.metrics["mig"].score.after.mean) == ("re-encoded", 2, 0.5)
    assert row.metrics["mig"].rank.place == 1
    assert [(run.key, run.state) for run in row.uncounted] == [(stranger.key, "self-reported")]


def test_a_check_of_another_record_counts_for_nothing(make_record):
    record = make_record()
    (row,) = build([record], [checked(record, "retrained", record_hash="0" * 64)]).rows
    assert row.state == "self-reported"


def test_few_seeds_are_said(make_record):
    few, enough = ([make_record(seed=seed) for seed in range(n)] for n in (4, 5))
    assert [build(few).rows[0].few_seeds, build(enough).rows[0].few_seeds] == [True, False]
