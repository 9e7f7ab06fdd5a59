"""Publishing to a data set repository of the Hugging Face hub, or of a server that speaks it."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, final

from drbench.errors import BoardError, MissingExtraError, RequestError
from drbench.publish.places.contents import may_be_published
from drbench.publish.places.place import MovedError, Place, Stage, shown
from drbench.trust.evidence import EVIDENCE

if TYPE_CHECKING:
    from huggingface_hub.hf_api import RepoFile

_MOVED = (409, 412)
"""Status with which a hub refuses a commit whose parent is no longer the newest."""
_NOT_ALLOWED = (401, 403)
_THREADS = 8


@final
class Hub(Place):
    """A data set repository: a pull request, or a commit on a branch that was named."""

    def __init__(self, repository: str, branch: str | None, endpoint: str | None) -> None:
        try:
            import huggingface_hub
        except ModuleNotFoundError as error:
            raise MissingExtraError("huggingface_hub", extra="hub") from error
        if endpoint is not None and not endpoint.startswith(("http://", "https://")):
            raise RequestError(
                f"--endpoint {endpoint}: expected an address that begins with https:// or http://."
            )
        self.repository = repository
        self.branch = branch
        self.api = huggingface_hub.HfApi(endpoint=endpoint)
        self.parent = ""
        """Commit that was fetched."""

    @property
    def name(self) -> str:
        proposal = f"branch {self.branch}" if self.branch else "a new pull request"
        return f"{proposal} of the data set repository {self.where}"

    @property
    def where(self) -> str:
        """The repository and its hub, for people."""
        return f"{self.repository} at {shown(self.api.endpoint)}"

    def fetch(self, workspace: Path, board: Path) -> Stage:
        from huggingface_hub.hf_api import RepoFile

        stage = workspace / "board"
        stage.mkdir()
        with self._explained():
            info = self.api.dataset_info(self.repository, revision=self.branch)
            if info.sha is None:
                raise BoardError(f"{self.repository} has no commit: add a README.md to it first.")
            self.parent = info.sha
            listed = list(
                self.api.list_repo_tree(
                    self.repository, recursive=True, revision=self.parent, repo_type="dataset"
                )
            )
        files = {
            entry.path: entry
            for entry in listed
            if isinstance(entry, RepoFile) and may_be_published(entry.path)
        }
        stored = {path for path, entry in files.items() if _is_proven(entry)}
        with self._explained(), ThreadPoolExecutor(_THREADS) as pool:
            list(pool.map(lambda path: self._download(path, stage), sorted(files.keys() - stored)))
        return Stage(stage, frozenset(stored))

    def put(self, board: Path, stage: Stage, paths: list[str], message: str) -> str:
        from huggingface_hub import CommitOperationAdd

        with self._explained():
            done = self.api.create_commit(
                self.repository,
                [CommitOperationAdd(path, stage.folder / path) for path in paths],
                commit_message=message,
                repo_type="dataset",
                revision=self.branch,
                create_pr=self.branch is None,
                parent_commit=self.parent,
            )
        return done.pr_url or done.commit_url

    def _download(self, path: str, stage: Path) -> None:
        self.api.hf_hub_download(
            self.repository, path, revision=self.parent, repo_type="dataset", local_dir=stage
        )

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn the library's errors into ours."""
        from huggingface_hub.errors import (
            HfHubHTTPError,
            RepositoryNotFoundError,
            RevisionNotFoundError,
        )

        # The base error of its HTTP library, which differs from version to version.
        unreachable: Any = HfHubHTTPError.__mro__[1]
        where = self.where
        try:
            yield
        except RepositoryNotFoundError as error:
            raise BoardError(
                f"There is no data set repository {where}, or you may not see it: make it with "
                "`hf repo create OWNER/NAME --repo-type dataset`, log in with `hf auth login`."
            ) from error
        except RevisionNotFoundError as error:
            raise BoardError(
                f"There is no branch {self.branch} in {where}: name one that is there, or leave "
                "--branch out for a pull request."
            ) from error
        except HfHubHTTPError as error:
            status = error.response.status_code
            reason = _sentence(error.server_message or error)
            if status in _MOVED:
                raise MovedError(reason) from error
            remedy = " Log in with `hf auth login`." if status in _NOT_ALLOWED else ""
            raise BoardError(f"{where} refuses ({status}): {reason}.{remedy}") from error
        except (unreachable, OSError) as error:
            raise BoardError(
                f"{where} cannot be reached: {_sentence(error)}. Check the address (--endpoint) "
                "and the connection."
            ) from error
        except (RuntimeError, ValueError) as error:  # a failed upload, a README's bad header
            cause = f": {_sentence(error.__cause__)}" if error.__cause__ else ""
            raise BoardError(f"{where} did not take it: {_sentence(error)}{cause}.") from error


def _is_proven(entry: "RepoFile") -> bool:
    """Whether the hub, which hashes large files itself, says that evidence is what its name says.

    Other evidence is downloaded and hashed here.
    """
    if not entry.path.startswith(f"{EVIDENCE}/") or entry.lfs is None:
        return False
    return entry.lfs.sha256 == Path(entry.path).stem


def _sentence(reason: object) -> str:
    text = re.sub(r"\s+", " ", str(reason)).strip()
    return text[:200].rstrip(".") or type(reason).__name__
