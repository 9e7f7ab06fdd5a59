"""What is imported when: looked up in sys.modules of a fresh interpreter."""

import subprocess
import sys

import pytest

from drbench.cli import COMMANDS

pytestmark = pytest.mark.slow

HEAVY = (
    "numpy",
    "numba",
    "torch",
    "sklearn",
    "scipy",
    "pydantic",
    "pandas",
    "matplotlib",
    "rich",
    "PIL",
)


def imported_by(code: str) -> set[str]:
    """Top-level names, and drbench's modules in full, that a piece of code imports."""
    report = "import sys; print('\\n' + ' '.join(sys.modules), end='')"
    out = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    ).stdout
    modules = out.rpartition("\n")[2].split()
    return {module.partition(".")[0] for module in modules} | set(modules)


@pytest.mark.parametrize(
    "arguments",
    [
        ["datasets", "list"],
        ["models", "list"],
        ["metrics", "list"],
        ["plugins", "list"],
        ["datasets", "list", "--json", "-"],
        ["--version"],
        ["--help"],
    ],
    ids=" ".join,
)
def test_listing_imports_nothing_heavy_and_no_plugin(arguments: list[str]) -> None:
    imported = imported_by(f"from drbench.cli import run; assert run({arguments!r}) == 0")
    assert "typer" in imported
    assert not imported.intersection(HEAVY)
    assert "drbench_plugins" not in imported
    assert not [name for name in imported if name.startswith("drbench.metrics.")]


def test_no_module_of_the_command_line_imports_what_it_calls() -> None:
    modules = {f"drbench.cli.{place.partition(':')[0]}" for place in COMMANDS.values()}
    imported = imported_by(f"import {', '.join(sorted(modules))}")
    assert modules <= imported
    assert not imported.intersection(HEAVY)


def test_a_list_imports_no_other_commands_module() -> None:
    imported = imported_by("from drbench.cli import run; run(['datasets', 'list'])")
    assert "drbench.cli.datasets" in imported
    assert "drbench.cli.models" not in imported


@pytest.mark.parametrize("module", ["drbench", "drbench.registry"])
def test_importing_drbench_imports_nothing_heavy(module: str) -> None:
    assert not imported_by(f"import {module}").intersection(HEAVY)


def test_every_public_name_but_those_of_training_needs_neither_torch_nor_scikit_learn() -> None:
    code = (
        "import drbench\n"
        "need_torch = {'Batch', 'Encoder', 'Generative', 'Trainable', 'execute', 'load_model',\n"
        "              'Run', 'train', 'transfer'}\n"
        "for name in drbench.__all__:\n"
        "    if name not in need_torch: getattr(drbench, name)"
    )
    assert not imported_by(code).intersection({"torch", "sklearn"})


def test_checks_import_torch_for_models_only() -> None:
    assert not imported_by("import drbench.checks").intersection({"torch", "sklearn"})
