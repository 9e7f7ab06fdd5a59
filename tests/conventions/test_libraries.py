"""Conventions against the libraries' own code.

The numbers were measured by running that code on the same arrays: disent 0.8.0 from the package
index; disentanglement_lib 1.5 from the package index, its configuration replaced by the values of
its study; of the review and the seed paper's repository the functions that the conventions name,
with pyitlib 0.3.1. What is drawn without a seed is a mean of 2 to 30 runs, and the tolerance three
standard deviations of one of ours.
"""

import pytest

from drbench.conventions.explain import CONVENTIONS

pytestmark = pytest.mark.slow

EXACT = 1e-6


def value(representation, metric, library, seed=0):
    (convention,) = [c for c in CONVENTIONS[metric] if c.library == library]
    return list(convention.choices.score(representation, seed).values())


@pytest.mark.parametrize(
    ("case", "metric", "expected"),
    [
        ("mixed", "mig", [0.366996]),
        ("mixed", "modularity", [0.918095]),
        ("mixed", "sap", [0.748285]),
        ("mixed", "dci", [0.468304, 0.576288, 0.877019]),
        ("cubed", "sap", [0.936708]),
        ("cubed", "dci", [1.0, 1.0, 0.903026]),
        ("rotated", "modularity", [0.944985]),
        ("rotated", "dci", [0.754044, 0.827729, 0.999998]),
        ("missing", "dci", [1.0, 0.8, 0.799999]),
    ],
)
def test_the_review(bench, mixed, case, metric, expected):
    library = "Ubisoft review (Lasso)" if metric == "dci" else "Ubisoft review"
    representation = mixed if case == "mixed" else bench[case]
    assert value(representation, metric, library) == pytest.approx(expected, abs=EXACT)


@pytest.mark.parametrize(
    ("case", "metric", "expected", "tolerance"),
    [
        ("mixed", "mig", [0.3941], 0.012),
        ("rotated", "mig", [0.5994], 0.003),
        ("mixed", "sap", [0.2268], 0.017),
        ("mixed", "dci", [0.3346, 0.3355, 1.0], 0.018),
        ("rotated", "dci", [0.8278, 0.8278, 1.0], 0.005),
        ("missing", "factor_vae_score", [0.8003], 0.01),
        ("rotated", "factor_vae_score", [0.806], 0.02),
    ],
)
def test_disent(bench, mixed, case, metric, expected, tolerance):
    representation = mixed if case == "mixed" else bench[case]
    assert value(representation, metric, "disent") == pytest.approx(expected, abs=tolerance)


@pytest.mark.parametrize(
    ("case", "metric", "expected", "tolerance"),
    [
        ("mixed", "mig", 0.3952, 0.012),
        ("mixed", "modularity", 0.8754, 0.02),
        ("constants", "modularity", 0.5, 1e-3),
        ("rotated", "modularity", 0.9307, 0.002),
        ("rotated", "beta_vae_score", 0.8018, 0.02),
        ("missing", "factor_vae_score", 0.8006, 0.01),
    ],
)
def test_disentanglement_lib(bench, mixed, case, metric, expected, tolerance):
    representation = mixed if case == "mixed" else bench[case]
    found = value(representation, metric, "disentanglement_lib")
    assert found == pytest.approx([expected], abs=tolerance)


def test_the_seed_papers_mig(shuffled):
    assert value(shuffled, "mig", "seed paper's code") == pytest.approx([0.395612], abs=EXACT)


@pytest.mark.parametrize(
    ("variant", "expected"), [("code (avg)", 0.5516), ("code (max)", 0.7573), ("table", 0.587)]
)
def test_the_seed_papers_omes(shuffled, variant, expected):
    found = [value(shuffled, "omes", f"seed paper's {variant}", seed)[0] for seed in range(3)]
    assert sum(found) / 3 == pytest.approx(expected, abs=0.02)


def test_the_seed_papers_pruned_trees(shuffled):
    found = value(shuffled, "gbt_pruned", "seed paper's code")
    assert found == pytest.approx([0.475], abs=0.04)
