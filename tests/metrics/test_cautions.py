"""What is said of a sample that makes scores doubtful: once, and where it matters."""

import numpy as np
import pytest

from drbench import Factor, Representation, grid_codes, score

BINNED = ["mig", "mig_sup", "modularity", "dcimig", "jemmig"]
LABELLED = [*BINNED, "omes", "omes_sobol", "dci", "gbt", "gbt_pruned", "irs", "probe"]


def warnings(codes: np.ndarray, sizes: list[int], metrics: list[str]) -> dict[str, str]:
    factors = [Factor(name=f"f{j}", kind="categorical", size=size) for j, size in enumerate(sizes)]
    latents = codes + 0.1 * np.random.default_rng(0).normal(size=codes.shape)
    known = Representation.from_arrays(latents, codes, factors=factors)
    fast = {name: {"rounds": 1} for name in ("dci", "gbt", "gbt_pruned") if name in metrics}
    results = score(known, metrics=metrics, parameters=fast)
    return {name: "; ".join(result.warnings) for name, result in results.items()}


def grid(*sizes: int, times: int = 1) -> np.ndarray:
    return np.tile(np.asarray(grid_codes(sizes)), (times, 1))


@pytest.mark.parametrize("name", LABELLED)
def test_a_large_complete_sample_has_no_warnings(name):
    assert warnings(grid(4, 8, 10, times=2), [4, 8, 10], [name]) == {name: ""}


@pytest.mark.parametrize("name", LABELLED)
def test_absent_classes_are_counted(name):
    codes = grid(4, 8, 10, times=2)
    codes[:, 0] *= 2  # classes 0, 2, 4, 6 of nine
    assert warnings(codes, [9, 8, 10], [name]) == {
        name: "factor f0: 5 of its 9 classes do not occur here"
    }


def test_a_factor_without_a_score_is_no_concern_of_the_metric():
    codes = grid(4, 3, 5, times=10)
    assert warnings(codes, [4, 3, 9], ["gaussian_tc", "latent_mi"]) == {
        "gaussian_tc": "",
        "latent_mi": "",
    }
    codes[:, 1] = 0
    (line,) = warnings(codes, [4, 3, 5], ["mig"]).values()
    assert line == "factor f1 has a single value here and is left out"


@pytest.mark.parametrize("name", [*BINNED, "omes", "gaussian_tc"])
def test_more_levels_than_bins_are_said_where_latents_are_binned(name):
    said = warnings(grid(21, 3, 5), [21, 3, 5], [name])[name]
    assert ("factor f0 has 21 levels, more than the" in said) == (name in BINNED)


def test_as_many_levels_as_bins_are_enough():
    assert warnings(grid(20, 3, 5), [20, 3, 5], ["mig"]) == {"mig": ""}


def test_few_rows_are_said_of_scores_without_standard_errors():
    said = warnings(grid(4, 3, 5), [4, 3, 5], ["mig", "gaussian_tc", "omes"])
    assert said["mig"] == said["gaussian_tc"] == "60 rows only: below 100 most of a score is chance"
    assert "rows only" not in said["omes"]
    assert "pairs only" in said["omes"]


def test_classes_of_few_rows_are_counted():
    codes = grid(4, 3, 5, times=10)
    rare = codes.copy()
    rare[9:, 0] = np.maximum(rare[9:, 0], 1)  # nine rows of class 0 are left
    assert (rare[:, 0] == 0).sum() == 9
    said = warnings(rare, [4, 3, 5], ["mig", "omes"])
    assert said["mig"] == "factor f0: 1 of 4 classes have fewer than 10 rows: score more rows"
    assert "fewer than 10 rows" not in said["omes"]
    rare[-1] = codes[0]
    assert warnings(rare, [4, 3, 5], ["mig"]) == {"mig": ""}
