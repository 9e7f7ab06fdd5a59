"""Ranks and how sure they are, against constructed cases and brute force."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import make_entry, make_record, make_spec

from drbench.board.bootstrap import RESAMPLES, resample, resampled_means
from drbench.board.build import build
from drbench.board.ranking import ranks
from drbench.metrics.result import MetricResult
from drbench.runs.record import Software


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


# On the board


def scores(value, metric="mig", **more):
    result = MetricResult(value=value, **({"reason": "none"} if value is None else {}), **more)
    return {"before": {metric: result}, "after": {metric: result}}


def cells(board, metric="mig"):
    return {row.model: row.metrics[metric] for row in board.rows}


def test_rows_are_ranked_by_mean_among_rows_of_their_target():
    entries = [
        make_entry(seed=seed, model=model, scores=scores(base + seed / 100))
        for model, base in (("worse", 0.1), ("better", 0.6), ("middle", 0.3))
        for seed in range(5)
    ]
    found = cells(build(entries))
    assert {model: place(cell.rank) for model, cell in found.items()} == {
        "better": (1, 1, 1), "middle": (2, 2, 2), "worse": (3, 3, 3),
    }  # fmt: skip


def test_ranks_and_intervals_do_not_depend_on_rows_beside():
    mine = [make_entry(seed=seed, scores=scores(0.5 + seed / 100)) for seed in range(5)]
    other = [make_entry(seed=s, model="ae", scores=scores(0.5 + s / 90)) for s in range(5)]
    alone, both = build(mine), build(mine + other)
    assert cells(both)["beta_vae"].score == cells(alone)["beta_vae"].score
    assert cells(both)["beta_vae"].rank.of == 2


def ranked(*entries):
    """How many rows each row is ranked among."""
    return [row.metrics["mig"].rank.of for row in build(entries).rows]


def scored_on(**scoring):
    spec = make_spec(model="ae")
    return spec.model_copy(update={"scoring": spec.scoring.model_copy(update=scoring)})


def from_another_source():
    spec = make_spec()
    data = spec.init.data.model_copy(update={"name": "white_color_dsprites"})
    return spec.model_copy(update={"init": spec.init.model_copy(update={"data": data})})


def by(distribution, definition="1", **changes):
    """An entry whose mig came from there."""
    software = Software(distribution=distribution, version="1", definition=definition)
    provenance = make_record(**changes).provenance.model_copy(
        update={"plugins": {"metric:mig": software}}
    )
    return make_entry(provenance=provenance, **changes)


@pytest.mark.parametrize(
    "other",
    [
        make_entry(model="ae", scores=scores(0.9, parameters={"bins": 10, "seed": 0})),
        make_entry(model="ae", origin="official"),
        make_entry(spec=scored_on(sample=50)),
        make_entry(spec=scored_on(pairs=7)),
        make_entry(model="ae", image_shape=(32, 32, 3)),
        make_entry(model="ae", factors=make_record().factors[1:]),
        by("theirs", model="ae"),
        by("drbench", "2", model="ae"),
    ],
)
def test_what_cannot_be_compared_is_ranked_apart(other):
    assert ranked(make_entry(), other) == [1, 1]


@pytest.mark.parametrize(
    "other",
    [
        make_entry(submitter="bob"),
        make_entry(model="ae", scored_rows=50),
        make_entry(transfer=False, image_shape=(64, 64, 3)),  # a transfer is held to that
        make_entry(spec=from_another_source()),
    ],
)
def test_what_can_be_compared_is_ranked_together(other):
    assert ranked(make_entry(), other) == [2, 2]


def test_a_row_with_a_missing_score_is_unranked_with_the_reason():
    entries = [
        make_entry(model="ae"),
        make_entry(seed=1),
        make_entry(seed=2, scores=scores(None)),
    ]
    found = cells(build(entries))
    assert found["beta_vae"].rank is None
    assert found["beta_vae"].unranked.startswith("a run has no score: seed 2 ")
    assert found["ae"].rank.of == 1


def test_the_metrics_own_direction_counts():
    """Stored by who keeps the board: no board depends on the plugins that are installed."""
    entries = [make_entry(model="a", scores=scores(0.9)), make_entry(model="b", scores=scores(0.1))]
    turned = [entry.model_copy(update={"directions": {"mig": "lower"}}) for entry in entries]
    for board, best in ((build(entries), "a"), (build(turned), "b")):
        assert cells(board)[best].rank.place == 1
    assert build(turned).ranking.directions == {"mig": "lower"}
    both = build([entries[0], turned[1]])
    assert both.ranking.directions == {}
    assert [row.metrics["mig"].rank.of for row in both.rows] == [1, 1]


def test_only_what_was_trained_anew_is_ranked():
    strong = make_entry(submitter="bob", level="re-encoded", scores=scores(0.99))
    board = build([make_entry(), strong])
    rows = {row.submitter: row.metrics["mig"] for row in board.rows}
    assert (rows["ann"].rank.place, rows["ann"].rank.of) == (1, 1)
    assert rows["bob"].rank is None
    assert rows["bob"].unranked.startswith("weights from the author")


def test_nobody_lowers_anothers_row():
    mine = [make_entry(seed=seed) for seed in range(3)]
    spoilt = make_entry(seed=3, submitter="bob", scores=scores(0.0))
    alone = build(mine).rows[0]
    beside = next(row for row in build([*mine, spoilt]).rows if row.submitter == "ann")
    assert beside.metrics["mig"].score == alone.metrics["mig"].score
    assert (beside.id, beside.n_seeds) == (alone.id, 3)


def test_runs_scored_with_different_parameters_are_not_ranked():
    entries = [
        make_entry(seed=seed, scores=scores(0.5, parameters={"bins": bins}))
        for seed, bins in enumerate((5, 20))
    ]
    (row,) = build(entries).rows
    assert "different parameters" in row.metrics["mig"].unranked
