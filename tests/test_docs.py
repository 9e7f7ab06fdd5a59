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


def test_every_command_is_among_the_commands_of_the_readme():
    section = README.partition("\n## Commands\n")[2].partition("\n## ")[0]
    lines = re.findall(r"^drbench (.*)$", section, re.MULTILINE)
    # `drbench train | transfer` names two commands, `datasets list | show D` one and its parts.
    listed = {word.split()[0] for line in lines for word in re.split(r" \| |  +drbench ", line)}
    listed |= {word for line in lines for word in re.findall(r"  (\w+) list \|", line)}
    assert sorted(set(COMMANDS) - listed) == []


def test_the_python_in_the_readme_prints_what_the_readme_says(capsys):
    (block,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    (printed,) = re.findall(r"```text\n(.*?)```", README, re.DOTALL)
    exec(block, {})
    assert capsys.readouterr().out == printed


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", README))
def test_links_of_the_readme_lead_somewhere(link):
    assert (ROOT / link).exists()


@pytest.mark.parametrize("name", registry.names("dataset"))
def test_every_data_set_has_a_card(name):
    assert (ROOT / "datasets_cards" / f"{name}.md").is_file()
