"""Publishing to a git repository: one commit on a branch, never forced."""

import os
import re
import shutil
import subprocess
from pathlib import Path, PurePosixPath
from typing import final

from drbench.errors import BoardError, RequestError
from drbench.publish.places.contents import FOLDERS, may_be_published
from drbench.publish.places.place import MovedError, Place, Stage, shown, userinfo
from drbench.trust.evidence import EVIDENCE

_PROTOCOLS = ("file", "git", "http", "https", "ssh")
"""How a repository is reached; git knows others, with which an address is a command to run."""
# The repository is a stranger's: no hooks, no links out of the work tree, no submodules.
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.symlinks=false",
    "core.attributesFile=/dev/null",
    "fetch.recurseSubmodules=false",
    "push.recurseSubmodules=no",
    "user.useConfigOnly=true",
)
# Bytes as they are, whatever the repository's own .gitattributes would have converted or filtered.
_ATTRIBUTES = "* -text !filter !ident !working-tree-encoding\n"
# Variables with which a caller that is itself run by git would send us to its own repository.
_OF_ANOTHER_REPOSITORY = (
    "GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_COMMON_DIR",
    "GIT_NAMESPACE", "GIT_PREFIX", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_SHALLOW_FILE",
    "GIT_QUARANTINE_PATH", "GIT_GRAFT_FILE",
)  # fmt: skip
_RACES = ("[rejected]", "failed to update ref", "cannot lock ref", "reference already exists")
_NO_ROOM = "cannot create"
"""Part of git's reason where a branch cannot be beside one that there is: a/b beside a."""
_POINTER, _POINTER_BYTES = "version https://git-lfs.github.com/spec/v1\noid sha256:", 1024
"""What a repository holds instead of a file in its large file storage, and its largest size."""


@final
class Git(Place):
    """A branch of a repository, reached by the system's git with the user's own credentials."""

    def __init__(self, url: str, subfolder: str, branch: str) -> None:
        _require_address(url)
        inside = PurePosixPath(subfolder)
        if inside.is_absolute() or ".." in inside.parts or ".git" in inside.parts:
            raise RequestError(
                f"git:{shown(url)}#{subfolder} leaves the repository: name a folder inside it."
            )
        if not shutil.which("git"):
            raise BoardError(
                "Publishing to a repository needs git, which is not installed: install it, or "
                "publish to a folder."
            )
        self.url = str(Path(url).absolute()) if Path(url).exists() else url
        self.subfolder = inside
        self.branch = branch
        self.repository = Path()
        self.base: str | None = None
        """Commit of the branch when it was fetched; None if the branch was not there."""

    @property
    def name(self) -> str:
        return f"branch {self.branch} of {shown(self.url)}"

    def fetch(self, workspace: Path, board: Path) -> Stage:
        self.repository = workspace / "repository"
        self.repository.mkdir()
        self._git("init", "--quiet", "--template=")
        (self.repository / ".git" / "info").mkdir(exist_ok=True)
        (self.repository / ".git" / "info" / "attributes").write_text(_ATTRIBUTES)
        if self._run("check-ref-format", "--branch", self.branch).returncode:
            raise RequestError(f"{self.branch!r} is no name of a branch: choose another.")
        heads = self._heads()
        self.base = heads.get(f"refs/heads/{self.branch}")
        folder = self.repository / self.subfolder
        elsewhere: frozenset[str] = frozenset()
        if heads:
            start = f"refs/heads/{self.branch}" if self.base else "HEAD"
            self._git("fetch", "--quiet", "--no-tags", "--depth=1", "--", self.url, start)
            tip = self._git("rev-parse", "FETCH_HEAD")
            self.base = tip if self.base else None
            self._git("update-ref", "--no-deref", "HEAD", tip)
            self._git("read-tree", "HEAD")
            elsewhere = self._check_out(folder)
        folder.mkdir(parents=True, exist_ok=True)
        return Stage(folder, elsewhere)

    def put(self, board: Path, stage: Stage, paths: list[str], message: str) -> str:
        listed = "\0".join(str(self.subfolder / path) for path in paths)
        self._git("add", "--force", "--pathspec-from-file=-", "--pathspec-file-nul", stdin=listed)
        self._git(
            "commit", "--quiet", f"--message={message}",
            hint="If git does not know who you are: git config --global user.name NAME, and "
            "likewise user.email.",
        )  # fmt: skip
        place = f"HEAD:refs/heads/{self.branch}"
        pushed = self._run("push", "--porcelain", "--", self.url, place)
        if pushed.returncode:
            output = pushed.stderr + pushed.stdout
            reason = self._cleaned(_reason(output))
            if _NO_ROOM in output:
                raise BoardError(
                    f"There is no room for the branch {self.branch} in {shown(self.url)}: "
                    f"{reason}. Choose another with --branch."
                )
            moved = self._heads().get(f"refs/heads/{self.branch}") != self.base
            if moved or any(race in output for race in _RACES):
                raise MovedError(reason)
            raise BoardError(
                f"{shown(self.url)} does not take the branch {self.branch}: {reason}. Publish to a "
                "repository that you may write to, such as your own fork."
            )
        commit = self._git("rev-parse", "--short", "HEAD")
        return f"commit {commit} on {self.name}"

    def _check_out(self, folder: Path) -> frozenset[str]:
        """Write a board's files, and no others, from the index to the work tree.

        Returns
        -------
        frozenset of str
            Evidence that lies in large file storage, relative to the board's folder: that its
            content is what its name says is written here, so it need not be fetched.
        """
        ours = {self.subfolder, *(self.subfolder / name for name in FOLDERS)}
        folders = {str(parent) for path in ours for parent in (path, *path.parents)}
        wanted: dict[str, str] = {}
        listed = self._git("ls-tree", "-r", "-z", "--full-tree", "HEAD")
        for about, _, path in (entry.partition("\t") for entry in listed.split("\0")):
            inside = PurePosixPath(path).is_relative_to(self.subfolder)
            name = str(PurePosixPath(path).relative_to(self.subfolder)) if inside else ""
            if path in folders or (may_be_published(name) and not about.startswith("100")):
                raise BoardError(
                    f"{path} in {shown(self.url)} is a link, or a file where a board has a folder: "
                    "remove it there, or name another folder of it, git:ADDRESS#FOLDER."
                )
            if may_be_published(name):
                wanted[name] = path
        self._git("checkout-index", "-z", "--stdin", stdin="\0".join(wanted.values()))
        stored = {name for name in wanted if _is_stored(folder / name, name)}
        for name in stored:
            (folder / name).unlink()
        return frozenset(stored)

    def _heads(self) -> dict[str, str]:
        """Commit of HEAD and of the branch, where the repository has them."""
        reference = f"refs/heads/{self.branch}"
        lines = self._git(
            "ls-remote", "--quiet", "--", self.url, "HEAD", reference,
            hint="Check the address, and that git alone can read it: git ls-remote ADDRESS.",
        ).splitlines()  # fmt: skip
        return {name: commit for commit, _, name in (line.partition("\t") for line in lines)}

    def _git(self, *arguments: str, hint: str = "", stdin: str = "") -> str:
        done = self._run(*arguments, stdin=stdin)
        if done.returncode:
            raise BoardError(
                f"git {arguments[0]} failed for {shown(self.url)}: "
                f"{self._cleaned(_reason(done.stderr))}. {hint}".rstrip()
            )
        return done.stdout.strip()

    def _run(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
        settings = [word for setting in _SETTINGS for word in ("-c", setting)]
        environment = {k: v for k, v in os.environ.items() if k not in _OF_ANOTHER_REPOSITORY}
        allowed = os.environ.get("GIT_ALLOW_PROTOCOL", ":".join(_PROTOCOLS)).split(":")
        environment |= {
            "GIT_ALLOW_PROTOCOL": ":".join(name for name in allowed if name in _PROTOCOLS),
            "GIT_LITERAL_PATHSPECS": "1",
            "GIT_TERMINAL_PROMPT": "0",
            "LC_ALL": "C",
        }
        return subprocess.run(  # noqa: S603 - a list of words, no shell
            ["git", *settings, *arguments],  # noqa: S607 - the user's own git
            cwd=self.repository,
            env=environment,
            input=stdin,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            check=False,
        )

    def _cleaned(self, text: str) -> str:
        secret = userinfo(self.url)
        text = text.replace(self.url, shown(self.url))
        return text.replace(f"{secret}@", "") if secret else text


def _require_address(url: str) -> None:
    """Refuse what git would take for an option, or for a command to run.

    Raises
    ------
    RequestError
        With what to write instead.
    """
    if url.startswith("-"):
        raise RequestError(f"git:{url} looks like an option: write git:./{url} for a folder.")
    if re.match(r"[^/@\[]*::", url):
        raise RequestError(
            f"git:{url} names a program for git to run: give a folder, or an address that begins "
            "with https:// or ssh://."
        )


def _is_stored(file: Path, name: str) -> bool:
    """Whether a file of evidence is a pointer to that very content in large file storage."""
    if not name.startswith(f"{EVIDENCE}/") or file.stat().st_size > _POINTER_BYTES:
        return False
    return file.read_bytes().startswith(f"{_POINTER}{Path(name).stem}\n".encode())


def _reason(output: str) -> str:
    """The line of git's output that says what went wrong."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    reasons = [line for line in lines if line.startswith(("fatal:", "error:", "remote:", "!"))]
    reason = (reasons or lines or ["git gave no reason"])[0]
    return reason.removeprefix("fatal: ").removeprefix("remote: ").rstrip(".")
