"""The before (gain) tables."""

import pytest

from drbench.board.board import Change
from drbench.board.cells import summarise
from drbench.metrics.result import MetricResult
from drbench.report.tables import MISSING, percent, transfer_tables

NAMES = ["shape", "scale", "orientation", "pos_x", "pos_y"]


def scores(level, missing=False):
    accuracies = {name: level + i / 10 for i, name in enumerate(NAMES)}
    mig = MetricResult(value=None, reason="one class only") if missing else MetricResult(value=0.1)
    return {
        "gbt": MetricResult(value=level + 0.2, per_factor=accuracies),
        "omes": MetricResult(value=0.3, parts={"os": level, "mes": level / 2}),
        "dci": MetricResult(value=0.9, parts={"disentanglement": level / 10}),
        "mig": mig,
    }


@pytest.fixture
def tables(make_record):
    return transfer_tables(
        make_record(seed=s, scores={"before": scores(0.2 + s / 10), "after": scores(0.4)})
        for s in (0, 1)
    )


def test_columns_are_the_targets_factors_with_their_sizes(tables):
    columns = ["shape (2)", "scale (2)", "orientation (2)", "pos x (2)", "pos y (2)"]
    assert list(tables[0].columns) == ["model", "code", *columns, "all"]


def test_cells_are_mean_before_and_mean_gain_in_percent(tables):
    full, _ = tables[0].rows
    assert full[1] == "full"
    assert list(full[2:]) == [
        "25.0 (+15.0)", "35.0 (+15.0)", "45.0 (+15.0)", "55.0 (+15.0)", "65.0 (+15.0)",
        "45.0 (+15.0)",
    ]  # fmt: skip


def test_modularity_and_compactness_come_from_omes_dci_and_mig(tables):
    assert list(tables[1].columns[2:]) == [
        "modularity: OS", "modularity: DCI", "compactness: MES", "compactness: MIG",
    ]  # fmt: skip
    (row,) = tables[1].rows
    assert list(row[2:]) == ["25.0 (+15.0)", "2.5 (+1.5)", "12.5 (+7.5)", "10.0 (+0.0)"]


def test_a_metric_that_was_not_scored_shows_as_missing_with_the_reason(tables):
    pruned = tables[0].rows[1]
    assert set(pruned[2:]) == {MISSING}
    assert any("pruned: not scored" in note for note in tables[0].notes)


def test_a_seed_without_a_value_shows_as_missing_with_the_reason(make_record):
    broken = {"before": scores(0.2), "after": scores(0.4, missing=True)}
    good = {"before": scores(0.2), "after": scores(0.4)}
    records = [make_record(seed=0, scores=good), make_record(seed=1, scores=broken)]
    _, properties = transfer_tables(records)
    assert properties.rows[0][-1] == "10.0 (n/a)"
    assert any("seed 1 after: one class only" in note for note in properties.notes)


def test_models_are_blocks_of_one_table(make_record):
    both = {"before": scores(0.2), "after": scores(0.4)}
    records = [make_record(model=model, scores=both) for model in ("beta_vae", "ada_gvae")]
    accuracies, _ = transfer_tables(records)
    assert [row[0] for row in accuracies.rows] == ["ada_gvae (1 seed)", "", "beta_vae (1 seed)", ""]


def test_targets_of_other_origin_are_tables_of_their_own(make_record):
    both = {"before": scores(0.2), "after": scores(0.4)}
    records = [make_record(origin=origin, scores=both) for origin in ("official", "rendered")]
    captions = [table.title for table in transfer_tables(records)]
    assert len(captions) == 4
    assert "official" in captions[0]
    assert "rendered" in captions[2]


def test_rows_of_one_target_meet_whatever_lies_between_them(make_record):
    both = {"before": scores(0.2), "after": scores(0.4)}
    records = [
        make_record(model=model, origin=origin, scores=both)
        for model in ("ada_gvae", "beta_vae")
        for origin in ("rendered", "official")
    ]
    rendered = transfer_tables(records)[2]
    assert [row[0] for row in rendered.rows if row[0]] == [
        "ada_gvae (1 seed)", "beta_vae (1 seed)",
    ]  # fmt: skip


def test_a_factor_without_a_score_shows_as_missing_with_the_reason(make_record):
    accuracies = dict.fromkeys(NAMES[1:], 0.5) | {"shape": None}
    gbt = {"gbt": MetricResult(value=None, per_factor=accuracies, reason="one shape only")}
    accuracy, _ = transfer_tables([make_record(scores={"before": gbt, "after": gbt})])
    assert list(accuracy.rows[0][2:]) == [MISSING, *["50.0 (+0.0)"] * 4, MISSING]
    reasons = [note for note in accuracy.notes if "full" in note]
    assert reasons == [
        "beta_vae (1 seed), full: seed 0 before: one shape only; seed 0 after: one shape only"
    ]


def test_settings_are_told_where_models_of_a_name_differ(make_record):
    both = {"before": scores(0.2), "after": scores(0.4)}
    one = make_record(scores=both)
    other = make_record(
        scores=both, spec=one.spec.model_copy(update={"hyperparameters": {"beta": 2.0}})
    )
    accuracy, _ = transfer_tables([one, other])
    assert sorted(row[0] for row in accuracy.rows if row[0]) == [
        "beta_vae, beta 1 (1 seed)", "beta_vae, beta 2 (1 seed)",
    ]  # fmt: skip


def test_source_runs_are_left_out(make_record):
    assert transfer_tables([make_record(transfer=False)]) == []


@pytest.mark.parametrize(
    ("before", "gain", "text"),
    [
        (0.349, 0.051, "34.9 (+5.1)"),
        (0.5, -0.0004, "50.0 (+0.0)"),
        (0.5, -0.25, "50.0 (-25.0)"),
        (0.5, None, "50.0 (n/a)"),
        (None, None, "n/a"),
    ],
)
def test_percent(before, gain, text):
    after = None if before is None or gain is None else before + gain
    change = Change(before=summarise([before]), after=summarise([after]), gain=summarise([gain]))
    assert percent(change) == text
