"""The report card: its truths are true, it marks what is off, and the page is what was measured."""

import importlib
import itertools
import json
import sys
from collections import Counter
from math import log
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[1] / "docs"
MODULES = ("bench", "libraries", "page")


@pytest.fixture(scope="module")
def card():
    """The modules of docs/report_card, which is a script and no package."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(DOCS / "report_card")
        yield {name: importlib.import_module(name) for name in MODULES}
    for name in MODULES:
        del sys.modules[name]


def information(a, b):
    """Of two lists of labels, by counting."""
    n, both, left, right = len(a), Counter(zip(a, b, strict=True)), Counter(a), Counter(b)
    return sum(k / n * log(k * n / (left[x] * right[y])) for (x, y), k in both.items())


def table(case):
    """Information of each latent about each factor, of latents told apart to 9 digits."""
    latents, codes = case["latents"].round(9), case["codes"]
    return np.array(
        [[information(z.tolist(), v.tolist()) for v in codes.T] for z in latents.T]
    ), np.array([information(v.tolist(), v.tolist()) for v in codes.T])


EXACT = ("perfect", "permuted", "cubed", "small", "constants", "duplicated", "rotated", "missing")


@pytest.mark.parametrize("name", EXACT)
def test_truths_of_information_hold_by_counting(card, name):
    info, entropy = table(card["bench"].case(name))
    truth = {
        metric: cases[name] for metric, cases in card["bench"].truths().items() if name in cases
    }
    gaps = np.sort(info / entropy, axis=0)
    assert np.mean(gaps[-1] - gaps[-2]) == pytest.approx(truth["mig"], abs=1e-6)
    told = info[info.max(axis=1) > 1e-9]
    square = np.sort(told, axis=1) ** 2
    modular = 1 - square[:, :-1].sum(axis=1) / square[:, -1] / (len(entropy) - 1)
    assert modular.mean() == pytest.approx(truth["modularity"], abs=1e-6)
    best = dict.fromkeys(range(len(entropy)), 0.0)
    for row in told:
        first, second = np.sort(row)[[-1, -2]]
        best[int(row.argmax())] = max(best[int(row.argmax())], first - second)
    assert sum(best.values()) / entropy.sum() == pytest.approx(truth["dcimig"], abs=1e-6)


@pytest.mark.parametrize("name", EXACT)
def test_truths_of_sap_hold_by_counting(card, name):
    """R2 by correlation; accuracy by the most frequent class of each value of the latent."""
    case = card["bench"].case(name)
    latents, codes = case["latents"].round(9), case["codes"]
    r2 = [[0 if z.std() == 0 else np.corrcoef(z, v)[0, 1] ** 2 for v in codes.T] for z in latents.T]
    gaps = np.sort(np.array(r2), axis=0)
    truths = card["bench"].truths()
    assert np.mean(gaps[-1] - gaps[-2]) == pytest.approx(truths["sap_r2"][name], abs=1e-6)
    accuracy = np.array([[modes(z.tolist(), v.tolist()) for v in codes.T] for z in latents.T])
    gaps = np.sort(accuracy, axis=0)
    assert np.mean(gaps[-1] - gaps[-2]) == pytest.approx(truths["sap"][name], abs=1e-6)


def modes(z, v):
    """Accuracy of guessing, for each value of z, the class that is most frequent there."""
    where = {}
    for value, label in zip(z, v, strict=True):
        where.setdefault(value, Counter())[label] += 1
    return sum(counts.most_common(1)[0][1] for counts in where.values()) / len(z)


def test_truths_of_omes_hold_over_all_pairs(card):
    """Correlation over every pair of rows that differ in one factor only."""
    case = card["bench"].case("rotated")
    z, codes = case["latents"], case["codes"]
    overlap = np.zeros((5, 5))
    for j in range(5):
        lines = {}
        for row, code in enumerate(codes.tolist()):
            lines.setdefault(tuple(code[:j] + code[j + 1 :]), []).append(row)
        pairs = np.array([p for line in lines.values() for p in itertools.permutations(line, 2)])
        for d in range(5):
            overlap[d, j] = 1 - abs(np.corrcoef(z[pairs[:, 0], d], z[pairs[:, 1], d])[0, 1])
    assert card["bench"]._omes(overlap) == pytest.approx(
        card["bench"].truths()["omes_max"]["rotated"], abs=1e-6
    )


def test_truths_agree_with_published_closed_forms(card):
    truths = card["bench"].truths()
    assert truths["dci_c"]["duplicated"] == pytest.approx(1 - log(2) / log(10))
    assert truths["omes_max"]["perfect"] == pytest.approx(0.5105, abs=1e-4)


@pytest.mark.parametrize(
    ("value", "cell"),
    [(0.985, "0.985"), (0.97, "0.970 off"), (1.03, "1.030 off"), ("nan", "nan"), (None, "")],
)
def test_a_score_further_off_than_allowed_is_marked(card, value, cell):
    assert card["page"]._cell(value, 1.0, 0.02) == cell


def test_the_page_is_what_was_measured(card):
    results = json.loads((DOCS / "report_card" / "results.json").read_text(encoding="utf-8"))
    assert set(results) == {library.name for library in card["libraries"].LIBRARIES}
    assert (DOCS / "report_card.md").read_text(encoding="utf-8") == card["page"].page(results)
