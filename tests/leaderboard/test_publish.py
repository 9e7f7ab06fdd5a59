"""Publishing to a folder and to git, with real repositories."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from records import make_entry, write_board

from drbench.cli import run
from drbench.errors import BoardError, RequestError
from drbench.files import sha256_text
from drbench.publish.page.write import write_page
from drbench.publish.places.contents import published_files
from drbench.publish.places.git import Git
from drbench.publish.places.place import MovedError, shown
from drbench.publish.publish import ATTEMPTS, publish
from drbench.trust.evidence import weights_name
from drbench.trust.store import load_entries, read_files
from drbench.trust.validate import validate

pytestmark = pytest.mark.slow


@pytest.fixture
def make_board(tmp_path):
    def make(name, *records):
        return write_board(tmp_path / name, *map(make_entry, records))

    return make


@pytest.fixture
def two_boards(make_board, make_record):
    return make_board("mine", make_record(seed=0)), make_board("yours", make_record(seed=1))


@pytest.fixture(autouse=True)
def _identity(tmp_path, monkeypatch):
    """A user of git of our own, whatever the machine's is."""
    config = tmp_path / "gitconfig"
    config.write_text("[user]\n\tname = A Stranger\n\temail = stranger@example.org\n")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def remote(tmp_path):
    """A real bare repository without a commit."""
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git")
    return tmp_path / "remote.git"


def git(folder, *arguments):
    done = subprocess.run(
        ["git", *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def checkout(remote, tmp_path, branch="main"):
    folder = tmp_path / f"checkout-{len(list(tmp_path.iterdir()))}"
    git(tmp_path, "clone", "--quiet", "--branch", branch, str(remote), str(folder))
    return folder


def snapshot(folder):
    return {p: p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def seeds(board):
    return sorted(entry.spec.seed for entry in load_entries(board))


# A folder


def test_two_boards_published_to_a_folder_are_one_valid_board(two_boards, tmp_path):
    for board in two_boards:
        publish(board, str(tmp_path / "public"))
    assert seeds(tmp_path / "public") == [0, 1]
    assert validate(tmp_path / "public") == []
    assert (tmp_path / "public" / "schema" / "entry.schema.json").is_file()


def test_publishing_leaves_the_own_board_alone(two_boards, tmp_path):
    mine, yours = two_boards
    publish(yours, str(tmp_path / "public"))
    before = snapshot(mine)
    publish(mine, str(tmp_path / "public"))
    assert snapshot(mine) == before


def test_a_second_time_there_is_nothing_to_publish(two_boards, tmp_path):
    publish(two_boards[0], str(tmp_path / "public"))
    before = snapshot(tmp_path / "public")
    again = publish(two_boards[0], str(tmp_path / "public"))
    assert (again.added, again.changed, again.where) == ((), (), None)
    assert snapshot(tmp_path / "public") == before


def weights_of(record):
    """Files of weights of a record, relative to its board."""
    return sorted({weights_name(digest) for digest in record.provenance.encoder_hash.values()})


def test_weights_go_along_and_nothing_else(make_board, make_record, tmp_path):
    mine, public = make_board("mine", make_record()), tmp_path / "public"
    (mine / "private.txt").write_text("not of a board")
    done = publish(mine, str(public))
    names = weights_of(make_record())
    assert [name for name in done.added if name.startswith("evidence/")] == names
    assert all((public / name).read_bytes() == (mine / name).read_bytes() for name in names)
    assert not (public / "private.txt").exists()
    assert validate(public) == []
    assert publish(mine, str(public)).added == ()


def test_weights_that_are_there_are_not_written_again(make_board, make_record, tmp_path):
    public = tmp_path / "public"
    publish(make_board("first", make_record()), str(public))
    before = {name: (public / name).stat().st_mtime_ns for name in weights_of(make_record())}
    publish(make_board("again", make_record(), make_record(seed=2)), str(public))
    assert {name: (public / name).stat().st_mtime_ns for name in before} == before


def test_weights_that_are_not_what_their_name_says_are_not_published(
    make_board, make_record, tmp_path
):
    mine = make_board("mine", make_record())
    (mine / weights_of(make_record())[0]).write_text("forged")
    with pytest.raises(BoardError, match="has the SHA-256"):
        publish(mine, str(tmp_path / "public"))
    assert not (tmp_path / "public").exists()


@pytest.mark.parametrize("kind", ["folder", "git"])
def test_a_newer_entry_replaces_the_published_one_and_its_weights(
    make_board, make_record, remote, tmp_path, kind
):
    target = str(tmp_path / "public") if kind == "folder" else f"git:{remote}"
    branch = None if kind == "folder" else "main"
    old = make_record()
    publish(make_board("old", old), target, branch=branch)
    hashes = {stage: sha256_text(f"new {stage}") for stage in old.scores}
    origin = old.provenance.model_copy(update={"encoder_hash": hashes})
    newer = make_entry(old.model_copy(update={"provenance": origin}), days=1)
    mine = write_board(tmp_path / "new", newer)
    for stage, digest in hashes.items():
        (mine / weights_name(digest)).write_text(f"new {stage}")
    done = publish(mine, target, branch=branch)
    assert list(done.removed) == ([] if kind == "folder" else weights_of(old))
    public = tmp_path / "public" if kind == "folder" else checkout(remote, tmp_path)
    assert load_entries(public) == [newer]
    assert validate(public) == []


@pytest.mark.parametrize("kind", ["folder", "git"])
def test_submitting_sends_specs_and_weights_and_changes_nothing_else(
    make_board, make_record, remote, tmp_path, kind
):
    target = str(tmp_path / "public") if kind == "folder" else f"git:{remote}"
    branch = None if kind == "folder" else "main"
    publish(make_board("theirs", make_record()), target, branch=branch)
    mine = make_board("mine", make_record(), make_record(seed=1))
    done = publish(mine, target, branch=branch, submit=True, submitter="bob")
    public = tmp_path / "public" if kind == "folder" else checkout(remote, tmp_path)
    assert (done.changed, done.removed, done.differences) == ((), (), ())
    assert {name.rpartition("/")[0] for name in done.added} == {
        "submissions/bob", "evidence/weights",
    }  # fmt: skip
    assert sorted(each.spec.seed for each in read_files(public).waiting) == [0, 1]
    assert validate(public) == []
    assert publish(mine, target, branch=branch, submit=True, submitter="bob").where is None


def test_a_readme_of_the_place_stays(two_boards, tmp_path):
    (two_boards[0] / "README.md").write_text("mine")
    public = tmp_path / "public"
    public.mkdir()
    (public / "README.md").write_text("theirs")
    publish(two_boards[0], str(public))
    assert (public / "README.md").read_text() == "theirs"


def test_a_folder_without_readme_gets_the_boards(two_boards, tmp_path):
    (two_boards[0] / "README.md").write_text("mine")
    publish(two_boards[0], str(tmp_path / "public"))
    assert (tmp_path / "public" / "README.md").read_text() == "mine"


@pytest.mark.parametrize("folder", ["", "public"])
def test_a_board_is_not_published_into_itself(two_boards, folder):
    before = snapshot(two_boards[0])
    with pytest.raises(RequestError, match="the board itself, or in it"):
        publish(two_boards[0], str(two_boards[0] / folder))
    assert snapshot(two_boards[0]) == before


def test_half_written_and_foreign_files_are_not_of_a_board(two_boards):
    mine, _ = two_boards
    before = published_files(mine)
    for name in ("evidence/weights/.a.partial", "evidence/weights/a.pkl", "schema", "notes.txt"):
        (mine / name).write_text("")
    (mine / "index.html").symlink_to("/etc/hostname")
    assert published_files(mine) == before
    assert "leaderboard.json" in before


def test_an_invalid_board_is_not_published(two_boards, tmp_path):
    (path,) = (two_boards[0] / "records").glob("*/*")
    path.write_text(path.read_text().replace("0.5", "5.5"))
    with pytest.raises(BoardError, match="is not published, for it is invalid"):
        publish(two_boards[0], str(tmp_path / "public"))
    assert not (tmp_path / "public").exists()


def test_a_board_need_not_be_built_before_it_is_published(two_boards, tmp_path):
    (two_boards[0] / "leaderboard.json").unlink()
    publish(two_boards[0], str(tmp_path / "public"))
    assert validate(tmp_path / "public") == []
    assert not (two_boards[0] / "leaderboard.json").exists()


def test_what_changes_for_readers_is_said(make_board, make_record, tmp_path):
    publish(make_board("one", make_record(seed=0)), str(tmp_path / "public"))
    more = make_board("more", make_record(seed=1), make_record(model="gvae"))
    done = publish(more, str(tmp_path / "public"), dry_run=True)
    said = {(each.what, each.row.split()[4]) for each in done.differences}
    assert {("row", "gvae"), ("run", "beta_vae"), ("mean", "beta_vae")} <= said
    assert {each.new for each in done.differences if each.what == "mean"} == {(0.5 + 0.52) / 2}


def test_the_page_is_drawn_again_if_there_is_one(two_boards, tmp_path):
    for board in two_boards:
        publish(board, str(tmp_path / "public"))
        assert (tmp_path / "public" / "index.html").exists() == (board == two_boards[1])
        write_page(two_boards[1])
    first = (tmp_path / "public" / "index.html").read_text()
    assert publish(two_boards[1], str(tmp_path / "public")).changed == ()
    write_page(tmp_path / "public")
    assert (tmp_path / "public" / "index.html").read_text() == first


def test_a_dry_run_to_a_folder_says_what_would_change_and_writes_nothing(two_boards, tmp_path):
    mine, yours = two_boards
    public = tmp_path / "public"
    first = publish(mine, str(public), dry_run=True)
    assert not public.exists()
    assert "leaderboard.json" in first.added
    publish(mine, str(public))
    before = snapshot(public)
    second = publish(yours, str(public), dry_run=True)
    assert second.changed == ("leaderboard.json",)
    assert [path.partition("/")[0] for path in second.added] == ["evidence", "evidence", "records"]
    assert second.where is None
    assert snapshot(public) == before


def test_ten_publishers_at_once_lose_no_record_in_a_folder(make_board, make_record, tmp_path):
    boards = [make_board(f"b{seed}", make_record(seed=seed)) for seed in range(10)]
    publish_at_once(boards, str(tmp_path / "public"))
    assert seeds(tmp_path / "public") == list(range(10))
    assert validate(tmp_path / "public") == []


def publish_at_once(boards, target, *options):
    """Each board from a process of its own."""
    command = [sys.executable, "-m", "drbench", "leaderboard", "publish", target, *options]
    running = [
        subprocess.Popen(
            [*command, "--board", str(board)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for board in boards
    ]
    said = [process.communicate(timeout=240) for process in running]
    assert [process.returncode for process in running] == [0] * len(boards), said


# A git repository


def test_a_board_becomes_one_commit_on_a_new_branch_named_after_its_content(
    two_boards, remote, tmp_path
):
    publish(two_boards[0], f"git:{remote}", branch="main")
    tip = git(remote, "rev-parse", "main")
    done = publish(two_boards[1], f"git:{remote}", message="Seed 1")
    (branch,) = re.findall(r"drbench/[0-9a-f]{12}", done.where)
    assert git(remote, "rev-parse", f"{branch}^") == tip == git(remote, "rev-parse", "main")
    assert git(remote, "log", "-1", "--format=%an %s", branch) == "A Stranger Seed 1"
    assert seeds(checkout(remote, tmp_path, branch)) == [0, 1]
    assert validate(checkout(remote, tmp_path, branch)) == []
    again = publish(two_boards[1], f"git:{remote}")
    assert again.where is None
    assert git(remote, "rev-list", "--count", branch) == "2"


def test_different_boards_get_different_branches(two_boards, remote):
    for board in two_boards:
        publish(board, f"git:{remote}")
    branches = git(remote, "for-each-ref", "--format=%(refname:short)").split()
    assert len(branches) == 2
    assert all(re.fullmatch("drbench/[0-9a-f]{12}", branch) for branch in branches)


def test_a_board_may_live_in_a_subfolder_beside_other_files(two_boards, remote, tmp_path):
    work = checkout_of_empty(remote, tmp_path)
    (work / "code.py").write_text("pass\n")
    (work / ".gitignore").write_text("*.safetensors\nrecords/\n")
    push_all(work)
    publish(two_boards[0], f"git:{remote}#boards/ours", branch="main")
    done = publish(two_boards[1], f"git:{remote}#boards/theirs")
    (branch,) = re.findall(r"drbench/[0-9a-f]{12}", done.where)
    there = checkout(remote, tmp_path, branch)
    assert (there / "code.py").is_file()
    assert seeds(there / "boards" / "ours") == [0]
    assert seeds(there / "boards" / "theirs") == [1]
    changed = git(remote, "diff", "--name-status", "main", branch).splitlines()
    assert {line.partition("\t")[0] for line in changed} == {"A"}


def test_files_that_are_not_of_a_board_are_never_read(two_boards, remote, tmp_path):
    work = checkout_of_empty(remote, tmp_path)
    for name in ("records/notes.txt", "evidence/weights/a.pkl", "big.bin", "records/.json"):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).write_text("")
    push_all(work)
    publish(two_boards[0], f"git:{remote}", branch="main")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    stage = Git(str(remote), "", "main").fetch(workspace, two_boards[1])
    found = [path for path in stage.folder.rglob("*") if path.is_file()]
    own = [path for path in found if ".git" not in path.parts]
    assert sorted(str(path.relative_to(stage.folder)) for path in own) == published_files(
        two_boards[0]
    ) + sorted(f"schema/{name}.schema.json" for name in ("entry", "leaderboard", "submission"))
    assert (checkout(remote, tmp_path) / "records" / "notes.txt").exists()


def checkout_of_empty(remote, tmp_path):
    git(tmp_path, "clone", "--quiet", str(remote), "work")
    return tmp_path / "work"


def push_all(work, branch="main"):
    git(work, "add", "--all")
    git(work, "commit", "--quiet", "-m", "theirs")
    git(work, "push", "--quiet", "origin", f"HEAD:{branch}")


@pytest.mark.parametrize("subfolder", ["../out", "/etc", "a/../../b", ".git/hooks"])
def test_a_subfolder_outside_the_repository_is_refused(two_boards, remote, subfolder):
    with pytest.raises(RequestError, match="leaves the repository"):
        publish(two_boards[0], f"git:{remote}#{subfolder}")


@pytest.mark.parametrize("name", ["records", "evidence", "leaderboard.json", "boards"])
def test_a_link_in_the_repository_leads_nowhere(two_boards, remote, tmp_path, name):
    outside = tmp_path / "outside"
    outside.mkdir()
    work = checkout_of_empty(remote, tmp_path)
    (work / name).symlink_to(outside)
    push_all(work)
    subfolder = "#boards/ours" if name == "boards" else ""
    with pytest.raises(BoardError, match=f"{name} in .* is a link"):
        publish(two_boards[0], f"git:{remote}{subfolder}", branch="main")
    assert list(outside.iterdir()) == []
    assert git(remote, "rev-list", "--count", "main") == "1"


def test_attributes_of_the_repository_change_no_byte_and_run_no_filter(
    make_board, make_record, remote, tmp_path
):
    work, ran = checkout_of_empty(remote, tmp_path), tmp_path / "ran"
    with (tmp_path / "gitconfig").open("a") as config:
        for way in ("clean", "smudge"):
            config.write(f'[filter "trap"]\n\t{way} = "touch {ran}; cat"\n\trequired\n')
    lines = ("* filter=trap", "*.json text eol=crlf ident", "*.json working-tree-encoding=UTF-16")
    (work / ".gitattributes").write_text("\n".join(lines) + "\n")
    git(work, "-c", "filter.trap.clean=cat", "add", ".")
    git(work, "commit", "--quiet", "-m", "attributes")
    git(work, "push", "--quiet", "origin", "HEAD:main")
    ran.unlink(missing_ok=True)
    for seed in (0, 1):
        board = make_board(f"b{seed}", make_record(seed=seed))
        publish(board, f"git:{remote}", branch="main")
    assert not ran.exists()
    name = f"records/ann/{make_record(seed=0).key}.json"
    stored = git(remote, "show", f"main:{name}")
    assert stored == (tmp_path / "b0" / name).read_text().strip()


def test_evidence_in_large_file_storage_counts_as_what_it_is(
    make_board, make_record, remote, tmp_path
):
    mine = make_board("mine", make_record())
    publish(mine, f"git:{remote}", branch="main")
    work = checkout(remote, tmp_path)
    name = weights_of(make_record())[0]
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 20\n"
    (work / name).write_text(pointer.format(Path(name).stem))
    push_all(work)
    assert publish(mine, f"git:{remote}", branch="main").where is None


def test_a_work_tree_is_never_touched_however_it_looks(
    make_board, make_record, two_boards, tmp_path
):
    git(tmp_path, "init", "--quiet", "--initial-branch=main", "work")
    work = tmp_path / "work"
    publish(two_boards[0], f"git:{work}", branch="other")
    git(work, "checkout", "--quiet", "-b", "main", "other")
    (work / "leaderboard.json").write_text("half written")
    (work / "staged.txt").write_text("staged")
    git(work, "add", "staged.txt")
    (work / "untracked.txt").write_text("untracked")
    before, state = snapshot(work), git(work, "status", "--porcelain")
    inside = make_board("work/inside", make_record(seed=3))
    assert publish(inside, f"git:{work}").where
    assert publish(two_boards[1], f"git:{work}").where
    with pytest.raises(BoardError, match="does not take the branch main"):
        publish(two_boards[1], f"git:{work}", branch="main")
    shutil.rmtree(inside)
    now = {path: content for path, content in snapshot(work).items() if ".git" not in path.parts}
    assert now == {path: old for path, old in before.items() if ".git" not in path.parts}
    assert git(work, "status", "--porcelain") == state


def test_whoever_comes_second_merges_again(two_boards, remote, tmp_path, monkeypatch):
    mine, yours = two_boards
    publish(mine, f"git:{remote}", branch="main", dry_run=True)
    put, calls = Git.put, []

    def late(self, *arguments):
        calls.append(1)
        if len(calls) == 1:  # after our fetch and before our push, someone else publishes
            publish(yours, f"git:{remote}", branch="main")
        return put(self, *arguments)

    monkeypatch.setattr(Git, "put", late)
    publish(mine, f"git:{remote}", branch="main")
    assert len(calls) == 3
    assert seeds(checkout(remote, tmp_path)) == [0, 1]
    assert git(remote, "rev-list", "--count", "main") == "2"


def test_five_publishers_at_once_lose_no_record_in_a_repository(
    make_board, make_record, remote, tmp_path
):
    boards = [make_board(f"b{n}", make_record(seed=n)) for n in range(5)]
    publish_at_once(boards, f"git:{remote}", "--branch", "main")
    assert seeds(checkout(remote, tmp_path)) == [0, 1, 2, 3, 4]
    assert validate(checkout(remote, tmp_path)) == []
    assert git(remote, "rev-list", "--count", "main") == "5"


def test_two_who_publish_the_same_board_at_once_make_one_commit(make_board, make_record, remote):
    boards = [make_board(name, make_record()) for name in ("one", "two")]
    publish_at_once(boards, f"git:{remote}")
    (branch,) = git(remote, "for-each-ref", "--format=%(refname:short)").split()
    assert git(remote, "rev-list", "--count", branch) == "1"


def test_a_place_that_never_rests_is_given_up_with_the_reason(two_boards, remote, monkeypatch):
    tries = []

    def always_late(self, *arguments):
        tries.append(1)
        raise MovedError("fetch first")

    monkeypatch.setattr(Git, "put", always_late)
    monkeypatch.setattr("drbench.publish.publish.LONGEST_PAUSE", 0)
    with pytest.raises(BoardError, match=rf"changed {ATTEMPTS} times meanwhile \(fetch first\)"):
        publish(two_boards[1], f"git:{remote}", branch="main")
    assert len(tries) == ATTEMPTS


def test_a_repository_that_refuses_is_one_sentence_with_its_reason(two_boards, remote):
    hook = remote / "hooks" / "pre-receive"
    hook.write_text("#!/bin/sh\necho 'only maintainers push here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(BoardError, match=r"only maintainers push here.*your own fork"):
        publish(two_boards[0], f"git:{remote}", branch="main")
    assert git(remote, "for-each-ref") == ""


def test_a_repository_that_vanishes_meanwhile_is_one_sentence(two_boards, remote, monkeypatch):
    put = Git.put

    def too_late(self, *arguments):
        remote.rename(remote.with_name("gone"))
        return put(self, *arguments)

    monkeypatch.setattr(Git, "put", too_late)
    with pytest.raises(BoardError, match="Check the address") as failed:
        publish(two_boards[0], f"git:{remote}")
    assert "\n" not in str(failed.value)


def test_a_branch_that_cannot_be_beside_another_is_not_tried_again(two_boards, remote, monkeypatch):
    publish(two_boards[0], f"git:{remote}", branch="drbench")
    monkeypatch.setattr("drbench.publish.publish.ATTEMPTS", 1)
    with pytest.raises(BoardError, match=r"no room for the branch drbench/.* --branch"):
        publish(two_boards[1], f"git:{remote}")


@pytest.mark.parametrize(
    "address", ["ext::sh -c 'touch RAN'", "-oProxyCommand=touch RAN", "--upload-pack=touch RAN"]
)
def test_an_address_never_runs_a_command(two_boards, tmp_path, monkeypatch, address):
    address = address.replace("RAN", str(tmp_path / "ran"))
    with (tmp_path / "gitconfig").open("a") as config:
        config.write('[protocol "ext"]\n\tallow = always\n')
        config.write(f'[url "ext::sh -c \\"touch {tmp_path}/ran\\" "]\n\tinsteadOf = short:\n')
    with pytest.raises(RequestError, match=r"an option|a program"):
        publish(two_boards[0], f"git:{address}")
    with pytest.raises(BoardError, match="transport 'ext' not allowed"):
        publish(two_boards[0], "git:short:x")
    monkeypatch.setenv("GIT_ALLOW_PROTOCOL", "https:ext")
    with pytest.raises(BoardError, match="transport 'ext' not allowed"):
        publish(two_boards[0], "git:short:x")
    with pytest.raises(BoardError, match="transport 'file' not allowed"):  # the user's own choice
        publish(two_boards[0], f"git:{tmp_path}")
    assert not (tmp_path / "ran").exists()


def test_a_dry_run_to_git_needs_no_identity_and_pushes_nothing(two_boards, remote, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    done = publish(two_boards[0], f"git:{remote}", dry_run=True)
    assert "leaderboard.json" in done.added
    assert git(remote, "for-each-ref") == ""


def test_without_an_identity_git_says_how_to_give_one(two_boards, remote, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("EMAIL", "guessed@example.org")  # git would guess the name, too
    with pytest.raises(BoardError, match=r"git config --global user\.name"):
        publish(two_boards[0], f"git:{remote}")
    assert git(remote, "for-each-ref") == ""


def test_hooks_of_whoever_runs_git_are_not_run(two_boards, remote, tmp_path):
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    (hooks / "pre-commit").write_text("#!/bin/sh\nexit 1\n")
    (hooks / "pre-commit").chmod(0o755)
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(f"[core]\n\thooksPath = {hooks}\n")
    assert publish(two_boards[0], f"git:{remote}").where


def test_git_that_runs_us_does_not_lend_its_repository(two_boards, remote, tmp_path, monkeypatch):
    other = checkout_of_empty(remote, tmp_path)
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert publish(two_boards[0], f"git:{remote}").where
    monkeypatch.delenv("GIT_DIR")
    assert git(other, "status", "--porcelain") == ""


@pytest.mark.parametrize(
    ("target", "options", "match"),
    [
        ("git:", {}, "needs an address"),
        ("folder", {"branch": "main"}, "--branch belongs to"),
        ("https://me:secret@x.org/b.git", {}, "https://x.org/b.git is no kind of target"),
        ("git@example.org:b.git", {}, "expected git:ADDRESS"),
        ("hub:lab/board", {}, "git:https://huggingface.co/datasets/OWNER/NAME"),
        ("hf:lab/board", {"branch": "main"}, "git:https://huggingface.co/datasets/OWNER/NAME"),
    ],
)
def test_a_request_that_cannot_be_is_refused(two_boards, target, options, match):
    with pytest.raises(RequestError, match=match):
        publish(two_boards[0], target, **options)


@pytest.mark.parametrize("branch", ["--force", "--upload-pack=touch x", "a..b", "@{-1}", "a:b"])
def test_a_name_that_is_no_branch_is_refused(two_boards, remote, branch):
    with pytest.raises(RequestError, match="no name of a branch"):
        publish(two_boards[0], f"git:{remote}", branch=branch)
    assert git(remote, "for-each-ref") == ""


def test_no_repository_is_one_sentence_with_a_remedy(two_boards, tmp_path):
    with pytest.raises(BoardError, match="git ls-remote") as failed:
        publish(two_boards[0], f"git:{tmp_path}/none.git")
    assert "\n" not in str(failed.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("https://me:secret@example.org/b.git", "https://example.org/b.git"),
        ("https://secret@example.org/b.git", "https://example.org/b.git"),
        ("https://me:sec@ret@example.org/b.git", "https://example.org/b.git"),
        ("https://example.org/b.git?token=secret", "https://example.org/b.git"),
        ("ssh://git:secret@example.org/b.git", "ssh://example.org/b.git"),
        ("ssh://git@example.org/b.git", "ssh://git@example.org/b.git"),
        ("git@example.org:b.git", "git@example.org:b.git"),
        ("/folder/with@sign/b.git", "/folder/with@sign/b.git"),
    ],
)
def test_passwords_in_addresses_are_not_shown(url, said):
    assert shown(url) == said


@pytest.mark.parametrize(
    "address", ["http://me:secret@", "http://secret@", "http://me:sec%40ret@", "git://me:secret@"]
)
@pytest.mark.parametrize("more", [[], ["--branch", "--x"], ["--debug"]])
def test_the_command_never_prints_a_password(two_boards, capfd, address, more):
    target = f"git:{address}127.0.0.1:1/b.git"
    command = ["leaderboard", "publish", target, "--board", str(two_boards[0]), *more]
    assert run(command) != 0
    said = "".join(capfd.readouterr())
    assert said
    assert not re.search("secret|sec%40ret", said)


def test_a_password_that_the_repository_tells_back_is_not_printed(two_boards, remote, tmp_path):
    address = "https://me:secret@example.org/b.git"
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(f'[url "{remote}"]\n\tinsteadOf = {address}\n')
    hook = remote / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho 'not to {address} from me:secret@here' >&2\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(BoardError, match=r"not to https://example\.org/b\.git from here"):
        publish(two_boards[0], f"git:{address}")


def test_a_password_is_not_printed_after_success_either(two_boards, remote, tmp_path, capfd):
    with (tmp_path / "gitconfig").open("a") as config:
        config.write(f'[url "{remote}"]\n\tinsteadOf = https://me:secret@example.org/b.git\n')
    target = "git:https://me:secret@example.org/b.git"
    command = ["leaderboard", "publish", target, "--board", str(two_boards[0])]
    for more in (["--dry-run"], ["--json", "-"], []):
        assert run([*command, *more]) == 0
    said = "".join(capfd.readouterr())
    assert "https://example.org/b.git" in said
    assert "secret" not in said


# The command


def test_the_command_shows_what_would_change_and_then_does_it(two_boards, tmp_path, capsys):
    command = ["leaderboard", "publish", str(tmp_path / "public"), "--board", str(two_boards[0])]
    assert run([*command, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "nothing was written" in out
    assert re.search(r"leaderboard\.json +added", out)
    assert run([*command, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["where"] == str(tmp_path / "public")
    assert run(command) == 0
    assert "nothing to publish" in capsys.readouterr().out


def test_the_command_fails_with_the_code_of_the_fault(two_boards, tmp_path):
    mine = ["--board", str(two_boards[0])]
    assert run(["leaderboard", "publish", "hf:lab/board", *mine]) == 2
    assert run(["leaderboard", "publish", f"git:{tmp_path}/none", *mine]) == 1
    assert run(["leaderboard", "publish", str(Path("x")), "--board", str(tmp_path / "no")]) == 2
