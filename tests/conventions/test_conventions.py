"""Conventions against closed forms and brute force, and their faults shown."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import mutual_info_score

from drbench.conventions.convention import NoValueError
from drbench.conventions.dci import Dci
from drbench.conventions.explain import CONVENTIONS, explain
from drbench.conventions.explicitness import GbtPruned
from drbench.conventions.factor_vae_score import FactorVae
from drbench.conventions.mig import Mig
from drbench.conventions.modularity import Modularity
from drbench.conventions.omes import Omes, association
from drbench.conventions.rows import drawn, is_complete, split_by
from drbench.conventions.sap import Sap
from drbench.conventions.words import shown
from drbench.data.spec import Factor
from drbench.metrics.factor_vae_score import factor_vae_score
from drbench.metrics.gbt_pruned import gbt_pruned
from drbench.metrics.omes import omes
from drbench.metrics.sap import sap
from drbench.representation.representation import Representation

pytestmark = pytest.mark.slow

REVIEW = Mig(
    bins=10,
    edges="of the unit interval",
    factors="binned as latents",
    normaliser="entropy of the latent",
)


def grid(*sizes):
    return np.stack(np.meshgrid(*map(range, sizes), indexing="ij"), -1).reshape(-1, len(sizes))


def value(choices, representation, seed=0):
    return next(iter(choices.score(representation, seed).values()))


def changed(representation, latents):
    return Representation.from_arrays(latents, representation.codes)


def test_mig_by_brute_force():
    rng = np.random.default_rng(0)
    codes = rng.integers(0, [12, 5, 2], size=(300, 3))
    latents = codes @ rng.normal(size=(3, 4)) + rng.normal(size=(300, 4))
    gaps = []
    for v in codes.T:
        tens = [np.floor((c - c.min()) / np.ptp(c) * 10).clip(max=9) for c in (v, *latents.T)]
        shares = [mutual_info_score(tens[0], z) / mutual_info_score(z, z) for z in tens[1:]]
        gaps.append(sorted(shares)[-1] - sorted(shares)[-2])
    found = value(REVIEW, Representation.from_arrays(latents, codes))
    assert found == pytest.approx(np.mean(gaps), abs=1e-9)


def test_half_of_a_factor_counts_in_full_over_the_entropy_of_the_latent():
    codes = grid(4, 4)
    half = Representation.from_arrays(codes // 2, codes)
    assert value(Mig(), half) == pytest.approx(0.5)
    assert value(REVIEW, half) == pytest.approx(1.0)


def test_a_factor_of_more_levels_than_bins_loses_to_binning():
    codes = grid(40, 3)
    perfect = Representation.from_arrays(codes, codes)
    by_latents = value(replace(Mig(), bins=10), perfect)
    assert by_latents == pytest.approx((math.log(10) / math.log(40) + 1) / 2)
    assert value(replace(Mig(), bins=10, factors="binned as latents"), perfect) == pytest.approx(1)


@pytest.mark.parametrize(
    ("rule", "expected"), [("left out", 1.0), ("count as 0", 2 / 3), ("divide 0 by 0", None)]
)
def test_a_factor_of_one_value_in_mig(rule, expected):
    codes = np.hstack([grid(4, 4), np.zeros((16, 1), dtype=int)])
    representation = Representation.from_arrays(codes[:, :2], codes)
    choices = replace(Mig(), single_valued_factors=rule)
    if expected is None:
        with pytest.raises(NoValueError, match="0 / 0"):
            value(choices, representation)
    else:
        assert value(choices, representation) == pytest.approx(expected)


def test_the_reviews_loop_over_latents_ends_at_the_first_dead_one(bench):
    z = bench["perfect"].mean
    dead = np.zeros((len(z), 1))
    review = next(c.choices for c in CONVENTIONS["dci"] if "Lasso" in c.library)
    for place, expected in ((5, 1.0), (0, 0.0)):
        latents = np.hstack([z[:, :place], dead, z[:, place:]])
        assert value(review, changed(bench["perfect"], latents)) == pytest.approx(expected)
    goes_on = replace(review, dead_latents="have weight 0")
    assert value(goes_on, changed(bench["perfect"], np.hstack([dead, z]))) == pytest.approx(1)


def test_a_perfect_code_has_a_perfect_forest():
    codes = grid(3, 4, 5)
    perfect = Representation.from_arrays(codes, codes)
    choices = Dci(rows="all rows, tested on themselves", predictor="random forest")
    parts = choices.score(perfect, 0)
    assert parts["disentanglement"] > 0.95
    assert parts["completeness"] > 0.95
    assert parts == choices.score(perfect, 0)


def test_informativeness_of_guessing_the_mean_is_0_for_many_levels_and_less_for_few():
    rng = np.random.default_rng(0)
    codes = np.tile(grid(2, 50), (10, 1))
    noise = Representation.from_arrays(rng.normal(size=(1000, 2)), codes)
    lasso = Dci(rows="all rows, tested on themselves", predictor="Lasso")
    parts = replace(lasso, informativeness="1 - 12 * squared error").score(noise, 0)
    # The variance of 50 levels in [0, 1] is 51 / (12 * 49), that of two 1/4: both are cut at 0.
    assert parts["informativeness"] == pytest.approx(0, abs=0.01)


def test_constant_latents_in_modularity(bench):
    five_of_ten = bench["constants"]
    assert value(Modularity(), five_of_ten) == pytest.approx(1)
    counted = replace(Modularity(), silent_latents="count as 0")
    assert value(counted, five_of_ten) == pytest.approx(0.5)
    with pytest.raises(NoValueError, match="latent 5"):
        value(replace(Modularity(), silent_latents="divide 0 by 0"), five_of_ten)


def test_scale_alone_moves_sap_that_is_not_standardised(bench):
    perfect, small = bench["perfect"], bench["small"]
    assert value(Sap(), perfect) == value(Sap(), small)
    raw = replace(Sap(), latents="as they are")
    assert abs(value(raw, perfect) - value(raw, small)) > 0.05


def test_sap_by_a_straight_line_is_the_squared_correlation(mixed):
    choices = Sap(
        rows="all rows, tested on themselves", latents="as they are", score_of_a_latent="R^2"
    )
    squared = np.corrcoef(mixed.mean.T, mixed.codes.T)[:4, 4:] ** 2
    gaps = np.sort(squared, axis=0)[-1] - np.sort(squared, axis=0)[-2]
    assert value(choices, mixed) == pytest.approx(gaps.mean())


def test_a_constant_latent_that_is_not_removed_gets_every_vote(bench):
    removed = FactorVae(rows="fresh")
    assert value(removed, bench["constants"]) == 1
    assert value(replace(removed, inactive="none"), bench["constants"]) == pytest.approx(1 / 5)


def test_votes_between_equal_latents_are_cast_as_by_the_metric(bench):
    assert value(FactorVae(), bench["rotated"]) == factor_vae_score(bench["rotated"]).value


def test_the_review_puts_chance_at_0(bench):
    review = next(c.choices for c in CONVENTIONS["factor_vae_score"] if "review" in c.library)
    assert value(review, bench["missing"]) == pytest.approx((0.8 - 1 / 5) / (1 - 1 / 5), abs=0.01)
    # Tested on the rows that it was trained on, noise scores above chance.
    assert value(review, bench["noise"]) > 0.1
    fresh = replace(review, rows="first two thirds, last third")
    assert value(fresh, bench["noise"]) == pytest.approx(0, abs=0.1)


def test_drawn_pairs_are_unbiased(mixed):
    matrices = [
        association(mixed, "drawn from the sample", "below 0.05", seed)[0] for seed in range(40)
    ]
    expected, _ = association(mixed, "interventions, else expected", "below 0.05", 0)
    error = np.std(matrices, axis=0, ddof=1) / np.sqrt(40)
    clear = expected < 0.9  # where the correlation is not about 0, whose absolute value never is
    assert clear.sum() > 3
    assert (np.abs(np.mean(matrices, axis=0) - expected) < 4 * error + 1e-3)[clear].all()
    np.testing.assert_allclose(expected, np.array(omes(mixed).matrix), atol=1e-12)


def test_the_seed_papers_code_stops_at_a_noiseless_latent_of_two_levels(bench):
    avg, best = CONVENTIONS["omes"][0].choices, CONVENTIONS["omes"][1].choices
    with pytest.raises(NoValueError, match="factor factor_3"):
        avg.score(bench["perfect"], 0)
    assert value(best, bench["perfect"]) == pytest.approx(0.5105, abs=0.01)


def test_overlap_alone_finds_the_latent_of_a_factor_of_two_levels(bench):
    # S of such a latent is 0: weighted by S, a latent of noise is taken for it.
    weighted = GbtPruned()
    assert value(weighted, bench["noisy"]) == gbt_pruned(bench["noisy"]).value < 0.95
    assert value(replace(weighted, association="overlap alone"), bench["noisy"]) == 1


def test_a_constant_latent_tells_nothing_in_sap(bench):
    assert value(Sap(), bench["constants"]) == sap(bench["constants"]).value


def test_the_seed_papers_cut_off_is_absolute(bench):
    with pytest.raises(NoValueError, match="every latent counts as inactive"):
        value(replace(Omes(), inactive="below 0.05"), bench["small"])


def test_alpha_0_is_compactness(bench):
    parts = replace(Omes(), alpha=0.0).score(bench["noisy"], 0)
    assert parts["omes"] == parts["mes"] != parts["os"]


def test_a_factor_of_one_value_has_no_pairs():
    codes = np.hstack([grid(6, 6), np.zeros((36, 1), dtype=int)])
    representation = Representation.from_arrays(codes[:, :2], codes)
    with pytest.raises(NoValueError, match="0 pairs"):
        value(replace(Omes(), pairs="drawn from the sample"), representation)


def test_fresh_images_are_the_same_rows_only_where_there_are_no_others():
    codes = grid(30, 30)
    whole = Representation.from_arrays(codes, codes)
    part = Representation.from_arrays(codes[::2], codes[::2])
    assert is_complete(whole)
    assert not is_complete(part)
    split = split_by("10,000 and 5,000 drawn", whole, 0, 0)
    assert (len(split.train), len(split.test), len(drawn(whole, 0))) == (10_000, 5_000, 10_000)
    split = split_by("10,000 and 5,000 drawn", part, 0, 0)
    assert sorted([*split.train, *split.test]) == list(range(450))
    assert len(split.test) == 150
    assert sorted(drawn(part, 0)) == list(range(450))


def test_rows_in_file_order():
    representation = Representation.from_arrays(grid(4, 2, 2)[:, :2], grid(4, 2, 2))
    train, test = split_by("first two thirds, last third", representation, 0, 0)
    assert (train.tolist(), test.tolist()) == (list(range(11)), list(range(11, 16)))


def test_sorted_rows_hold_classes_back():
    codes = grid(3, 20)
    perfect = Representation.from_arrays(codes, codes)
    choices = next(c.choices for c in CONVENTIONS["gbt"] if "seed" in c.library)
    # The third class of the first factor is never trained on; the second factor is told as ever.
    assert value(choices, perfect) == pytest.approx(0.5)


@pytest.mark.parametrize("metric", CONVENTIONS)
def test_every_convention_names_its_source_and_differs_from_ours(metric):
    for convention in CONVENTIONS[metric]:
        assert ":" in convention.source
        assert convention.differences()


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"latents": np.arange(12.0)[:, None]}, "one latent"),
        ({"codes": grid(4, 3) * [1, 0]}, "fewer than two factors vary"),
        ({"latent_groups": [0, 0]}, "scalar latents only"),
        ({"factors": [Factor(name=n, kind="continuous") for n in "ab"]}, "a is continuous"),
    ],
)
def test_what_cannot_be_compared_has_a_reason(given, reason):
    arrays = {"latents": grid(4, 3), "codes": grid(4, 3)}
    found = explain(Representation.from_arrays(**arrays | given), ["mig"])["mig"]
    assert reason in found.reason
    assert found.walks == ()


def test_libraries_are_scored_where_drbench_declines(bench):
    few = bench["noise"]
    rows = np.random.default_rng(0).permutation(720)[:40]
    small = Representation.from_arrays(few.mean[rows], few.codes[rows])
    found = explain(small, ["omes"])["omes"]
    assert "pairs" in found.reason
    assert found.start is None
    assert all(way.steps == () for way in found.walks)
    assert any(way.parts or way.reason for way in found.walks)


def test_slow_conventions_are_left_out_unless_asked_for(mixed, monkeypatch):
    monkeypatch.setattr(Dci, "takes_minutes", lambda self, representation: True)
    found = explain(mixed, ["dci"])["dci"]
    assert found.walks == ()
    assert set(found.left_out) == {c.library for c in CONVENTIONS["dci"]}


@pytest.mark.parametrize("metric", CONVENTIONS)
def test_the_page_has_every_convention_as_it_is(metric):
    page = (Path(__file__).parents[2] / "docs" / "explain.md").read_text(encoding="utf-8")
    for each in CONVENTIONS[metric]:
        choices = "; ".join(f"{name}: {shown(v)}" for name, v in each.differences().items())
        assert f"| `{metric}` | {each.library} | {choices} | {each.source} |" in page


def test_a_collapsed_code_is_explained_under_every_convention():
    codes = grid(4, 3, 5)
    for name, found in explain(Representation.from_arrays(0.0 * codes, codes), CONVENTIONS).items():
        assert found.start is not None or found.reason, name
        for walk in found.walks:
            assert walk.parts is not None or walk.reason, (name, walk.convention.library)


def test_fewer_rows_than_folds_are_a_reason():
    codes = np.array([[0, 0], [0, 1], [1, 0], [1, 1]] * 2)
    small = Representation.from_arrays(codes.astype(float), codes)
    walks = explain(small, ["dci"], slow=True)["dci"].walks
    assert "scikit-learn refuses 10 folds of 8 rows" in {walk.reason for walk in walks}
