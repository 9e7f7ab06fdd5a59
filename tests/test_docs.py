"""The README says what is there."""

import re
from pathlib import Path

import pytest

from drbench import registry
from drbench.cli import COMMANDS

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", registry.KINDS)
def test_every_registered_name_is_in_the_readme(kind):
    missing = [name for name in registry.names(kind) if f"`{name}`" not in README]
    assert not missing


def test_every_command_is_in_the_readme():
    assert [name for name in COMMANDS if name not in README] == []


def test_the_python_in_the_readme_runs(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    exec(block, {})
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["omes", "mig"]


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_of_the_readme_lead_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", registry.names("dataset"))
def test_every_data_set_has_a_card(name):
    assert (ROOT / "datasets_cards" / f"{name}.md").is_file()
