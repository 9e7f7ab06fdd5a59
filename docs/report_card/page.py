"""The page of the report card, from its results."""

import ast
from pathlib import Path
from typing import Any

from bench import CASES, CHANCE, CHANCE_TOLERANCE, LARGE_ROWS, TOLERANCE, tolerance, truths
from libraries import LIBRARIES, NOT_RUN

METRICS = {
    "mig": "MIG",
    "dci_d": "DCI disentanglement",
    "dci_c": "DCI completeness",
    "dci_i": "DCI informativeness, as accuracy",
    "dci_i_r2": "DCI informativeness, as R²",
    "dci_i_mixed": "DCI informativeness, as R², of a factor with two levels as AUC",
    "sap": "SAP, as accuracy",
    "sap_r2": "SAP, as R²",
    "sap_mixed": "SAP, as R², of a factor with two levels as accuracy",
    "modularity": "Modularity",
    "explicitness_auc": "Explicitness, as AUC",
    "factor_vae": "FactorVAE score",
    "beta_vae": "BetaVAE score",
    "irs": "IRS",
    "gaussian_tc": "Gaussian total correlation, nats",
    "dcimig": "DCIMIG",
    "jemmig": "JEMMIG, normalised, 10 bins",
    "mig_sup": "MIG-sup",
    "infom": "InfoM",
    "infoc": "InfoC",
    "infoe": "InfoE",
    "omes_max": "OMES, max pooling",
    "omes_sobol": "OMES on Sobol indices, max pooling",
}
NOTES = {
    "drbench": "SAP standardises the latents and penalises the mean loss of the support vector "
    "machine as disentanglement-lib does with its 10,000 training rows (C = 0.01 of their sum), "
    "however many there are. Linear machines, in whatever library, cannot find the middle classes "
    "of one latent as the thresholds of the definition do. Explicitness is one-vs-rest, "
    "with the same limit; multinomial regression has not. DCIMIG of cubed latents loses to 10 "
    "bins.",
    "disent": "It draws 10,000 training and 5,000 test rows from the grid by default, here with "
    "every row many times over and in both parts: of noise, informativeness reports what trees "
    "remember. The same holds for disentanglement-lib.",
    "disentanglement-lib": "Sample sizes and bins as in its `unsupervised_study_v1`. SAP does not "
    "standardise the latents. Constant latents enter modularity by rounding errors of their "
    "information, and make the total correlation infinite.",
    "latte-metrics": "Information is estimated by nearest neighbours. It wants at least as many "
    "latents as factors. Its last version wants Python below 3.11.",
    "latentverse": "Factors of three levels and more are treated as numbers. Importances of DCI "
    "are mutual information by nearest neighbours.",
    "reliably-metrics": "DCI is by regression trees, informativeness R² on the training rows. "
    "`factorvae_metric` draws a factor but does not hold it fixed. `irs` is the exponential of a "
    "negated mean deviation, not the quantity of Suter et al.",
    "avitai-artifex": "DCI is by random forests of depth 5 without a seed, whose importances of a "
    "latent are not normalised over the factors before the entropy is taken.",
    "ml4h-latentverse": "The forerunner of latentverse. It takes one factor: called for each, and "
    "averaged.",
}


def calls(adapter: str) -> dict[str, str]:
    """Calls of an adapter and their source, from its text: the page cannot drift from it."""
    module = ast.parse((Path(__file__).parent / "adapters.py").read_text(encoding="utf-8"))
    (function,) = (
        node for node in module.body if isinstance(node, ast.FunctionDef) and node.name == adapter
    )
    returned = function.body[-1]
    assert isinstance(returned, ast.Return)
    assert isinstance(returned.value, ast.Dict)
    found = {}
    for key, value in zip(returned.value.keys, returned.value.values, strict=True):
        assert isinstance(key, ast.Constant)
        assert isinstance(value, ast.Lambda)
        call = value.body
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "take":
            call = call.args[0]
        found[str(key.value)] = ast.unparse(call)
    return found


def page(results: dict[str, Any]) -> str:
    """The whole page in Markdown."""
    known = [library.name for library in LIBRARIES if library.name in results]
    parts = [_head(), _summary(results, known)]
    parts += ["## Values", *(_table(metric, results, known) for metric in METRICS)]
    parts += ["## Notes", "\n".join(f"- **{name}**: {NOTES[name]}" for name in known)]
    parts += [_seconds(results, known), _failures(results, known), _versions(results, known)]
    parts += [_called(known)]
    parts += [
        "## Found besides, and not in the tables",
        "\n".join(f"- {names}: {reason}." for names, reason in NOT_RUN.items()),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _head() -> str:
    cases = "\n".join(f"| {name} | {what} |" for name, what in CASES.items())
    return f"""# Report card

drbench and the libraries on the package index that score disentanglement, on codes whose scores are
known. Written by `python docs/report_card`, which makes an environment for each library, calls it
as its documentation says, and keeps every result in [results.json](report_card/results.json).
Nothing on this page is written by hand but the notes; our misses stand beside those of others.

| case | latents, on the 720 rows of a grid of 4 x 3 x 5 x 2 x 6 classes |
|---|---|
{cases}

**Truth** follows from a metric's definition with endless data and a predictor that errs only where
it must; where it depends on bins, predictor or estimator, there is none
([bench.py](report_card/bench.py)). **off** marks a score that is further from it than
{TOLERANCE}, or {CHANCE_TOLERANCE} where noise or guessing enters ({", ".join(CHANCE)}). A score
without a mark is within that, or has no truth. *error* and *none* are explained under Failures."""


def _summary(results: dict[str, Any], known: list[str]) -> str:
    rows = []
    for name in known:
        title = f"{name} {results[name]['version']}"
        if not any("values" in got for got in _all(results[name])):
            rows.append(f"| {title} | 0 | 0 | all |")
            continue
        right = off = failed = 0
        for metric, truth in truths().items():
            for case, true in truth.items():
                got = _value(results[name], metric, case)
                if isinstance(got, float):
                    right += abs(got - true) <= tolerance(case)
                    off += abs(got - true) > tolerance(case)
                else:
                    failed += got is not None
        rows.append(f"| {title} | {right} | {off} | {failed} |")
    return "\n".join(
        [
            "## In short",
            "",
            "Scores that have a truth, over all metrics a library has:",
            "",
            "| library | right | off | error or none |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _all(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """What came of each call on each case."""
    return [got for cases in entry["results"].values() for got in cases.values()]


def _table(metric: str, results: dict[str, Any], known: list[str]) -> str:
    truth = truths()[metric]
    rows = []
    for name in known:
        values = {case: _value(results[name], metric, case) for case in CASES}
        if any(value is not None for value in values.values()):
            cells = [_cell(values[case], truth.get(case), tolerance(case)) for case in CASES]
            rows.append(f"| {name} | {' | '.join(cells)} |")
    if not rows:
        return ""
    known_scores = " | ".join(f"{truth[case]:.3f}" if case in truth else "" for case in CASES)
    return "\n".join(
        [
            f"### {METRICS[metric]}",
            "",
            f"| | {' | '.join(CASES)} |",
            "|---" * (len(CASES) + 1) + "|",
            f"| **truth** | {known_scores} |",
            *rows,
        ]
    )


def _value(entry: dict[str, Any], metric: str, case: str) -> float | str | None:
    """A score; "error" or why there is none; None if the library does not have the metric."""
    for call in entry["results"].values():
        if any(metric in got.get("values", {}) for got in call.values()):
            got = call.get(case, {})
            value: float | str | None = got.get("values", {}).get(metric)
            return "error" if "error" in got else value
    return None


def _cell(value: float | str | None, truth: float | None, allowed: float) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value if value in ("error", "inf", "nan") else "none"
    near = truth is None or abs(value - truth) <= allowed
    return f"{value:.3f}".replace("-0.000", "0.000") + ("" if near else " off")


def _seconds(results: dict[str, Any], known: list[str]) -> str:
    rows = []
    for name in known:
        for call, cases in results[name]["results"].items():
            cells = [_time(cases.get(case, {})) for case in ("perfect", "large")]
            rows.append(f"| {name} | {call} | {' | '.join(cells)} |")
    return "\n".join(
        [
            "## Seconds",
            "",
            "One call on one core in a process of its own, data and imports ready. What took "
            "less than 10 s was called before, on other latents, so that compiling and lazy "
            "imports are not counted; of what took longer they are. *perfect* has 720 rows and 5 "
            f"latents, *large* {LARGE_ROWS:,} rows, 10 latents and 6 factors of 57 classes "
            "together. disent and disentanglement-lib draw 10,000 or 15,000 rows in both. "
            "Libraries were run one after the other on a shared machine whose speed changes by up "
            "to a factor of two: quote large ratios only.",
            "",
            "| library | call | perfect | large |",
            "|---|---|---|---|",
            *rows,
        ]
    )


def _time(got: dict[str, Any]) -> str:
    if "error" in got:
        return got["error"] if got["error"].startswith("over") else "error"
    if "seconds" not in got:
        return ""
    return f"{got['seconds']:.0f}" if got["seconds"] >= 10 else f"{got['seconds']:.2g}"


def _failures(results: dict[str, Any], known: list[str]) -> str:
    where: dict[tuple[str, str, str], list[str]] = {}
    for name in known:
        if results[name]["error"]:
            where[name, "environment", results[name]["error"]] = []
        for call, cases in results[name]["results"].items():
            for case, got in cases.items():
                reasons = [got["error"]] if "error" in got else []
                reasons += [v for v in got.get("values", {}).values() if isinstance(v, str)]
                for reason in reasons:
                    where.setdefault((name, call, reason), []).append(case)
    lines = [
        f"- {name}, {call}{_listed(cases)}: {reason if len(reason) < 180 else reason[:180] + '…'}"
        for (name, call, reason), cases in where.items()
    ]
    return "\n".join(["## Failures", "", *(lines or ["None."])])


def _listed(cases: list[str]) -> str:
    if not cases:
        return ""
    every = all(case in cases for case in CASES)
    return f" ({'all' if every else ', '.join(sorted(cases, key=[*CASES, 'large'].index))})"


def _versions(results: dict[str, Any], known: list[str]) -> str:
    rows = []
    for name in known:
        entry = results[name]
        beside = ", ".join(f"{k} {v}" for k, v in sorted(entry.get("beside", {}).items()))
        rows.append(
            f"| {name} | {entry['version']} | {beside} | {entry['date']} | {entry['machine']} |"
        )
    return "\n".join(
        [
            "## Versions",
            "",
            "`python docs/report_card` wants python3.7, python3.10 and python3.12 on the PATH for "
            "the libraries that need them; it takes disk for their environments (about 8 GB) under "
            "`DRBENCH_CACHE`.",
            "",
            "| library | version | beside it | measured | machine |",
            "|---|---|---|---|---|",
            *rows,
        ]
    )


def _called(known: list[str]) -> str:
    blocks = []
    for library in LIBRARIES:
        if library.name in known:
            lines = "\n".join(calls(library.adapter).values())
            blocks.append(f"{library.name}\n\n```text\n{lines}\n```")
    return "\n\n".join(
        [
            "## How each was called",
            "From [adapters.py](report_card/adapters.py), where the preparations are too: `z` are "
            "the latents (n, latent), `v` the classes (n, factor), `data` a ground truth of the "
            "library's own kind that holds the whole grid; "
            "`score(name)` of drbench is `drbench.score(z, v, [name])[name]`.",
            *blocks,
        ]
    )
