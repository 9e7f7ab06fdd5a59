"""plugins/README.md: every block of it runs, and is what it claims to be."""

import re
import shlex
from pathlib import Path

import pytest

from drbench.cli import run
from drbench.cli.plugins import rendered

PLUGINS = Path(__file__).resolve().parents[1] / "plugins"
TEXT = (PLUGINS / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+) ?(\S*)\n(.*?)^```$", TEXT, flags=re.MULTILINE | re.DOTALL)
COMMANDS = [line for kind, _, text in BLOCKS if kind == "bash" for line in text.splitlines()]
FILES = {name: text for kind, name, text in BLOCKS if kind == "python"}


def test_no_block_goes_untested() -> None:
    assert TEXT.count("```") == 2 * len(BLOCKS)
    assert {kind for kind, _, _ in BLOCKS} == {"bash", "python", "toml"}
    assert len(COMMANDS) == 9
    assert len(FILES) == 4


def test_commands_in_their_order_write_the_files_shown_and_succeed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for line in COMMANDS:
        monkeypatch.delenv("DRBENCH_PLUGINS", raising=False)
        program, *arguments = shlex.split(line)
        assert program == "drbench"
        assert run(arguments) == 0, line
    for path in tmp_path.iterdir():
        if path.suffix == ".py":
            assert path.read_text(encoding="utf-8") == FILES[path.name]


@pytest.mark.parametrize(
    ("kind", "name"),
    [("dataset", "squares"), ("model", "linear_ae"), ("metric", "best_correlation")],
)
def test_files_shown_are_the_templates(kind: str, name: str) -> None:
    assert FILES[f"{name}.py"] == rendered(kind, name)
    assert len([line for line in FILES[f"{name}.py"].splitlines() if line.strip()]) < 45


def test_the_distribution_shown_is_the_example() -> None:
    (toml,) = [text for kind, _, text in BLOCKS if kind == "toml"]
    assert toml == (PLUGINS / "example" / "pyproject.toml").read_text(encoding="utf-8")
    name = "test_drbench_example.py"
    assert FILES[name] == (PLUGINS / "example" / name).read_text(encoding="utf-8")
