"""The submission guide and the recipe for CI: what they say to type is typed here."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from drbench.trust.verification import STATES, record_hash

from drbench import Scoring
from drbench.board.official import SAMPLE
from drbench.cli import build_app, run, split_everywhere
from drbench.trust.evidence import evidence_names
from drbench.trust.store import built_board, load_board, write_board

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
GUIDE = (DOCS / "submitting.md").read_text(encoding="utf-8")
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
    """The one command in the guide's blocks that begins so."""
    (line,) = [line for line in SHOWN if line.startswith(f"drbench {start}")]
    return line


@pytest.fixture(scope="module")
def story(tmp_path_factory, session_cache):
    """A repository that holds one seed, and a stranger's branch that adds another."""
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
        type_in("drbench leaderboard add runs/shapes/0 --board first")
        type_in('drbench leaderboard verify --by "Maintainer" --write --board first')
        type_in(f"drbench leaderboard publish {address} --branch main --board first")
        type_in(shown("leaderboard add"))
        publish = [line for line in SHOWN if "ADDRESS_OF_YOUR_FORK" in line]
        assert len(publish) == 1
        type_in(publish[0].replace("git:ADDRESS_OF_YOUR_FORK#leaderboard", address))
        git(folder, "clone", "--quiet", "--branch=main", "board.git", "base")
        (branch,) = [
            name
            for name in git(folder / "board.git", "branch", "--format=%(refname:short)").split()
            if name != "main"
        ]
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


def test_what_a_stranger_typed_arrives_with_its_evidence(story):
    base, submission = story / "base" / "leaderboard", story / "submission" / "leaderboard"
    assert [record.spec.seed for record in load_board(base)] == [0]
    assert sorted(record.spec.seed for record in load_board(submission)) == [0, 1]
    assert len(list(base.glob("evidence/*/*.safetensors"))) == 4
    assert len(list(submission.glob("evidence/*/*.safetensors"))) == 8


def test_a_maintainer_checks_and_publishes_it_as_the_guide_says(pull_request, story):
    (section,) = re.findall(r"## What maintainers do\n.*?```\n(.*?)```", GUIDE, re.DOTALL)
    lines = section.splitlines()
    assert [line.split()[2] for line in lines] == ["validate", "diff", "verify", "publish"]
    shutil.copytree(story / "board.git", pull_request / "board.git")
    for line in lines:
        type_in(line.replace("git:ADDRESS", f"git:{pull_request}/board.git"))
    git(pull_request, "clone", "--quiet", "board.git", "published")
    (row,) = built_board(pull_request / "published" / "leaderboard").rows
    assert [run.state for run in row.runs] == ["re-encoded", "re-encoded"]
    assert git(pull_request / "published", "rev-list", "--count", "HEAD") == "2"


def test_states_that_a_submission_gave_itself_do_not_survive_the_guide(pull_request, story):
    (section,) = re.findall(r"## What maintainers do\n.*?```\n(.*?)```", GUIDE, re.DOTALL)
    (check,) = [line for line in section.splitlines() if " verify " in line]
    claim_state(pull_request)
    come_without_evidence(pull_request)
    assert run(shlex.split(check)[1:]) == 1
    board = pull_request / "submission" / "leaderboard"
    assert [path.stem for path in (board / "verifications").iterdir()] == [
        record_of(pull_request, 0).stem
    ]
    (row,) = built_board(board).rows
    assert {run.seeds[0]: [check.by for check in run.checks] for run in row.all_runs} == {
        0: ["Your Name"], 1: []
    }  # fmt: skip


def test_the_guide_asks_for_what_the_official_table_wants():
    assert all("--sample" not in line for line in SHOWN)
    assert Scoring(metrics={}).sample == SAMPLE


def test_every_state_is_explained():
    assert [state for state in STATES if f"| {state} |" not in GUIDE] == []


@pytest.mark.parametrize("link", re.findall(r"\]\(([^)#]+)\)", GUIDE))
def test_links_lead_somewhere(link):
    assert (DOCS / link).exists()


# The recipe


def test_the_recipe_runs_strangers_files_with_reading_rights_only():
    recipe = yaml.safe_load(RECIPE)
    assert recipe["permissions"] == {"contents": "read"}
    assert list(recipe[True]) == ["pull_request"]  # YAML 1.1 reads the key `on` as true
    steps = recipe["jobs"]["validate"]["steps"]
    (install,) = [step["run"] for step in steps if "pip install" in step.get("run", "")]
    assert install == "pip install ./base"
    assert all("${{" not in step.get("run", "") for step in steps)


def run_recipe(folder):
    """Run the recipe's steps as its shell does; the first that fails, and what it said."""
    assert yaml.safe_load(RECIPE)["defaults"] == {"run": {"shell": "bash"}}
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
    }
    for name, script in STEPS.items():
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
            cwd=folder, env=environment, capture_output=True, text=True,
        )  # fmt: skip
        if done.returncode:
            return name, done.stdout + done.stderr
    return None, (folder / "summary.md").read_text()


def record_of(folder, seed):
    (found,) = [
        path
        for path in (folder / "submission" / "leaderboard" / "records").iterdir()
        if json.loads(path.read_text())["spec"]["seed"] == seed
    ]
    return found


def test_the_recipe_passes_a_good_submission_and_runs_no_code_of_it(pull_request):
    ran = pull_request / "ran"
    for name in ("sitecustomize.py", "drbench.py", "leaderboard/conftest.py"):
        (pull_request / "submission" / name).write_text(f"open({str(ran)!r}, 'w')\n")
    failed, said = run_recipe(pull_request)
    assert failed is None, said
    assert f"run   {record_of(pull_request, 1).stem[:12]}" in said
    assert not ran.exists()


def test_the_recipe_passes_the_first_submission_to_a_repository_without_a_board(pull_request):
    shutil.rmtree(pull_request / "base" / "leaderboard")
    board = pull_request / "submission" / "leaderboard"
    shutil.rmtree(board / "verifications")
    write_board(board)
    failed, said = run_recipe(pull_request)
    assert failed is None, said


def edit_published(folder):
    edit(record_of(folder, 0))


def edit_new(folder):
    edit(record_of(folder, 1))


def edit(path):
    document = json.loads(path.read_text())
    document["scores"]["after"]["mig"]["value"] += 0.01
    path.write_text(json.dumps(document, indent=1, sort_keys=True, ensure_ascii=False) + "\n")
    write_board(path.parents[1])


def remove(folder):
    record = record_of(folder, 0)
    shutil.rmtree(folder / "submission" / "leaderboard" / "verifications")
    record.unlink()
    write_board(record.parents[1])


def break_json(folder):
    path = record_of(folder, 1)
    path.write_text(path.read_text()[:1000])


def edit_derived(folder):
    path = folder / "submission" / "leaderboard" / "leaderboard.json"
    path.write_text(path.read_text().replace('"rendered"', '"official"'))


def come_without_evidence(folder):
    board = folder / "submission" / "leaderboard"
    record = next(each for each in load_board(board) if each.key == record_of(folder, 1).stem)
    for name in evidence_names(record):
        (board / "evidence" / name).unlink()


def remove_published_evidence(folder):
    board = folder / "submission" / "leaderboard"
    record = next(each for each in load_board(board) if each.key == record_of(folder, 0).stem)
    for name in evidence_names(record):
        (board / "evidence" / name).unlink()


def claim_state(folder):
    board = folder / "submission" / "leaderboard"
    (path,) = (board / "verifications").iterdir()
    key = record_of(folder, 1).stem
    claim = path.read_text().replace(path.stem, key)
    hashes = {record.key: record_hash(record) for record in load_board(board)}
    claim = claim.replace(hashes[path.stem], hashes[key])
    (board / "verifications" / f"{key}.json").write_text(claim)
    write_board(board)


def claim_more(folder):
    """In the file of a published check, which is no new file."""
    board = folder / "submission" / "leaderboard"
    (path,) = (board / "verifications").iterdir()
    path.write_text(path.read_text().replace("re-encoded", "retrained"))
    write_board(board)


@pytest.mark.parametrize(
    ("forge", "step", "sentence"),
    [
        (edit_published, "Schema", "was published as"),
        (edit_new, "Scores of new", "mig"),
        (remove, "Schema", "was published and is gone"),
        (break_json, "What a reviewer", "no JSON, or only half of it"),
        (edit_derived, "Schema", "is not what its records give"),
        (come_without_evidence, "Scores of new", "evidence"),
        (remove_published_evidence, "Nothing that was", "evidence/weights/"),
        (claim_state, "Schema", "states are given by maintainers"),
        (claim_more, "Schema", "retrained by Maintainer: states are given by maintainers"),
    ],
)
def test_the_recipe_fails_a_bad_submission_at_the_step_that_says_why(
    pull_request, forge, step, sentence
):
    forge(pull_request)
    failed, said = run_recipe(pull_request)
    assert failed
    assert failed.startswith(step), said
    assert sentence in said
