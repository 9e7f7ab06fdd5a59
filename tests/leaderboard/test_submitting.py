"""The submission guide and the recipe for CI: what they say to type is typed here."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args

import pytest
import typer

from drbench import Scoring
from drbench.board.entry import Level
from drbench.cli import build_app, run, split_everywhere
from drbench.runs.defaults import SAMPLE
from drbench.trust.store import built_board, load_entries, read_files
from drbench.trust.verify import Outcome

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDE = (DOCS / "submitting.md").read_text(encoding="utf-8")
TRUST = (DOCS / "trust.md").read_text(encoding="utf-8")
README = (ROOT / "leaderboard" / "README.md").read_text(encoding="utf-8")
RECIPE = (DOCS / "ci" / "validate-leaderboard.yml").read_text(encoding="utf-8")
SHOWN = [line for block in re.findall(r"```\n(.*?)```", GUIDE, re.DOTALL)
         for line in block.splitlines()]  # fmt: skip
yaml = pytest.importorskip("yaml")
STEPS = {step["name"]: step["run"] for step in yaml.safe_load(RECIPE)["jobs"]["validate"]["steps"]
         if "name" in step}  # fmt: skip
# What makes the runs of the guide small: appended to its commands, where the last of two counts.
TINY = {
    "train": "--origin rendered --seeds 0-1 --steps 2 --resize 16 --set width=4 --set batch=8 "
    "--levels pos_x=4 --levels pos_y=4 --levels orientation=4 --levels color=2 "
    "--sample 100 --pairs 8 --metric mig",
    "transfer": "--origin rendered --steps 2 --levels object_hue=2 --levels floor_hue=2 "
    "--levels wall_hue=2 --levels scale=3 --sample 100 --pairs 8 --metric mig",
}
COMMANDS = [
    *SHOWN,
    *re.findall(r"`(drbench [^`]+)`", GUIDE),
    *re.findall(r"(drbench leaderboard [^|\n]+)", RECIPE),
    *re.findall(r"^(drbench [^#\n]+)", README, re.MULTILINE),
    *re.findall(r"`(drbench [^`]+)`", README),
]


def parse(line):
    """Let the command that a line names read its arguments, without running it."""
    program, *words = shlex.split(line)
    assert program == "drbench"
    words, _, _ = split_everywhere(words)
    command = typer.main.get_command(build_app(words))
    while isinstance(command, typer.core.TyperGroup):
        command = command.commands[words.pop(0)]
    command.make_context("drbench", words)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_one_that_drbench_takes(line):
    parse(line)


@pytest.mark.parametrize("line", ["drbench leaderboard publish", "drbench leaderboard add x --no"])
def test_the_check_itself_can_fail(line):
    with pytest.raises(typer.BadParameter.__mro__[1]):
        parse(line)


def test_a_stranger_needs_three_commands():
    first = re.search(r"```\n(.*?)```", GUIDE, re.DOTALL)[1].splitlines()
    assert [line.split()[1:3] for line in first] == [
        ["transfer", "runs/src"], ["leaderboard", "add"], ["leaderboard", "publish"]
    ]  # fmt: skip


# A stranger, and a maintainer


def type_in(line, *more):
    """Run a command of the guide."""
    program, *words = shlex.split(line)
    assert program == "drbench"
    assert run([*words, *shlex.split(TINY.get(words[0], "")), *more]) == 0, line


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def shown(start):
    """The first command in the guide's blocks that begins so."""
    return next(line for line in SHOWN if line.startswith(f"drbench {start}"))


@pytest.fixture(scope="module")
def story(tmp_path_factory, session_cache):
    """A repository with a board of one seed, and a stranger's branch that submits two."""
    folder = tmp_path_factory.mktemp("story")
    git(folder, "init", "--quiet", "--bare", "--initial-branch=main", "board.git")
    (folder / "gitconfig").write_text("[user]\n\tname = A Stranger\n\temail = s@example.org\n")
    address = f"git:{folder}/board.git#leaderboard"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DRBENCH_CACHE", str(session_cache))
        patch.setenv("GIT_CONFIG_GLOBAL", str(folder / "gitconfig"))
        patch.setenv("GIT_CONFIG_NOSYSTEM", "1")
        type_in(shown("train"))
        type_in(shown("transfer"))
        type_in("drbench leaderboard add runs/shapes/0 --as keeper --board first")
        type_in(f"drbench leaderboard publish {address} --branch main --board first")
        type_in(shown("leaderboard add"))
        publish = shown("leaderboard publish")
        type_in(publish.replace("git:ADDRESS_OF_YOUR_FORK#leaderboard", address))
        git(folder, "clone", "--quiet", "--branch=main", "board.git", "base")
        branches = git(folder / "board.git", "branch", "--format=%(refname:short)").split()
        (branch,) = [name for name in branches if name != "main"]
        git(folder, "clone", "--quiet", f"--branch={branch}", "board.git", "submission")
        yield folder


@pytest.fixture
def pull_request(story, tmp_path, monkeypatch):
    """Working trees as the guide and the recipe have them, in the current folder."""
    for name in ("base", "submission"):
        shutil.copytree(story / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(story / "gitconfig"))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    return tmp_path


def test_what_a_stranger_typed_arrives_with_its_weights(story):
    base, submission = story / "base" / "leaderboard", story / "submission" / "leaderboard"
    assert [entry.spec.seed for entry in load_entries(base)] == [0]
    assert load_entries(submission) == load_entries(base)
    waiting = read_files(submission).waiting
    assert sorted((each.submitter, each.spec.seed) for each in waiting) == [
        ("your-name", 0), ("your-name", 1),
    ]  # fmt: skip
    assert len(list(base.glob("evidence/weights/*"))) == 2
    assert len(list(submission.glob("evidence/weights/*"))) == 4
    added = {path.name for path in submission.iterdir()} - {path.name for path in base.iterdir()}
    assert added == {"submissions"}


def test_a_keeper_checks_and_publishes_it_as_the_guide_says(pull_request, story):
    (section,) = re.findall(r"## What keepers do\n.*?```\n(.*?)```", GUIDE, re.DOTALL)
    lines = section.splitlines()
    assert [line.split()[2] for line in lines] == [
        "validate", "verify", "verify", "diff", "publish"
    ]  # fmt: skip
    shutil.copytree(story / "board.git", pull_request / "board.git")
    for line in lines:
        type_in(line.replace("git:ADDRESS", f"git:{pull_request}/board.git"))
    git(pull_request, "clone", "--quiet", "board.git", "published")
    rows = built_board(pull_request / "published" / "leaderboard").rows
    assert sorted((row.submitter, row.level, row.n_seeds) for row in rows) == [
        ("keeper", "retrained", 1), ("your-name", "retrained", 2),
    ]  # fmt: skip
    assert run(["leaderboard", "validate", "--board", "published/leaderboard"]) == 0
    assert git(pull_request / "published", "rev-list", "--count", "HEAD") == "2"


def test_the_guide_asks_for_what_the_official_table_wants():
    assert all("--sample" not in line for line in SHOWN)
    assert Scoring(metrics={}).sample == SAMPLE


@pytest.mark.parametrize("word", [*get_args(Level), *get_args(Outcome)])
def test_every_state_is_explained(word):
    assert word in TRUST + GUIDE + README


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", GUIDE + TRUST))
def test_links_lead_somewhere(link):
    assert (DOCS / link).exists()


# The recipe


def test_the_recipe_runs_strangers_files_with_reading_rights_only():
    recipe = yaml.safe_load(RECIPE)
    assert recipe["permissions"] == {"contents": "read"}
    assert list(recipe[True]) == ["pull_request"]  # YAML 1.1 reads the key `on` as true
    steps = recipe["jobs"]["validate"]["steps"]
    (install,) = [step["run"] for step in steps if "pip install" in step.get("run", "")]
    assert install == "pip install ./base[train]"
    assert all("${{" not in step.get("run", "") for step in steps)


def run_recipe(folder):
    """Run the recipe's steps as its shell does; the first that fails, and what it said."""
    assert yaml.safe_load(RECIPE)["defaults"] == {"run": {"shell": "bash"}}
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    for name, script in STEPS.items():
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            return name, done.stdout + done.stderr
    return None, done.stdout


def test_the_recipe_passes_a_good_submission_and_runs_no_code_of_it(pull_request):
    ran = pull_request / "ran"
    for name in ("sitecustomize.py", "drbench.py"):
        (pull_request / "submission" / name).write_text(f"open({str(ran)!r}, 'w')\n")
    failed, output = run_recipe(pull_request)
    assert failed is None, output
    assert "is valid: 1 entries, 2 waiting" in output
    assert not ran.exists()


def test_the_recipe_passes_the_first_submission_to_a_repository_without_a_board(pull_request):
    shutil.rmtree(pull_request / "base" / "leaderboard")
    board = pull_request / "submission" / "leaderboard"
    kept = {d for each in read_files(board).waiting for d in each.weights.values()}
    for path in [*board.iterdir(), *board.glob("evidence/weights/*")]:
        if path.is_file() and path.stem not in kept:
            path.unlink()
    for name in ("records", "schema"):
        shutil.rmtree(board / name)
    failed, output = run_recipe(pull_request)
    assert failed is None, output


def edit_published(board):
    (path,) = (board / "records").glob("*/*.json")
    document = json.loads(path.read_text())
    document["record"]["scores"]["after"]["mig"]["value"] += 0.01
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")


def break_json(board):
    path = next((board / "submissions").glob("*/*.json"))
    path.write_text(path.read_text()[:1000])


def come_without_weights(board):
    (submission, _) = read_files(board).waiting
    for digest in submission.weights.values():
        (board / "evidence" / "weights" / f"{digest}.safetensors").unlink()


def claim_an_entry(board):
    shutil.copytree(board / "records" / "keeper", board / "records" / "your-name")


@pytest.mark.parametrize(
    ("forge", "sentence"),
    [
        (edit_published, "is not what was published"),
        (break_json, "no JSON, or only half of it"),
        (come_without_weights, "is missing, but"),
        (claim_an_entry, "is new"),
    ],
)
def test_the_recipe_fails_a_bad_submission_and_says_why(pull_request, forge, sentence):
    forge(pull_request / "submission" / "leaderboard")
    failed, output = run_recipe(pull_request)
    assert failed == "Submissions and their weights, and nothing else"
    assert sentence in output
