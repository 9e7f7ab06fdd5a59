"""Evidence: encoders' weights, each in a file named after the SHA-256 of its bytes."""

import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from drbench.errors import BoardError
from drbench.files import replacing, sha256_file
from drbench.runs.folder import RunFolder
from drbench.runs.record import Record
from drbench.trust.bounds import MAX_FILE

EVIDENCE = "evidence/weights"
"""Folder of a board that holds them."""
_NAME = re.compile(r"([0-9a-f]{64})\.safetensors")


def weights_name(digest: str) -> str:
    """Path of a file of weights, relative to its board's folder."""
    return f"{EVIDENCE}/{digest}.safetensors"


def weights_of_run(folder: RunFolder, record: Record) -> dict[str, Path]:
    """The encoder's files of a run by their SHA-256.

    Raises
    ------
    BoardError
        For a file that is missing, too large, or not what the record says.
    """
    files = {}
    for stage, digest in record.provenance.encoder_hash.items():
        path = folder.encoder_file(stage)
        if not path.is_file():
            raise BoardError(f"{path} is missing: a run is added with its encoder's weights.")
        if problem := weights_problem(path, digest):
            raise BoardError(f"{problem} Do the run again.")
        files[digest] = path
    return files


def weights_problem(path: Path, digest: str) -> str:
    """What is wrong with a file of weights, in a sentence; empty if nothing is."""
    if path.is_symlink() or not path.is_file():
        return f"{path} is no regular file: put the file itself there."
    if (size := path.stat().st_size) > MAX_FILE:
        return f"{path} has {size:,} bytes: a file of weights has at most {MAX_FILE:,}."
    if (actual := sha256_file(path)) != digest:
        return f"{path} has the SHA-256 {actual[:12]}..., but {digest[:12]}... is expected."
    return ""


def bring_weights(board: Path, files: Mapping[str, Path]) -> list[str]:
    """Copy weights into a board by their SHA-256; the caller holds its lock.

    They go there before what names them: what nothing names yet does no harm.

    Returns
    -------
    names : list of str
        What is new, relative to the board's folder.

    Raises
    ------
    BoardError
        For a file that changed on the way.
    """
    new = {d: path for d, path in files.items() if not (board / weights_name(d)).is_file()}
    for digest, path in new.items():
        with replacing(board / weights_name(digest)) as partial:
            shutil.copyfile(path, partial)
            if sha256_file(partial) != digest:
                raise BoardError(f"{path} changed while it was copied: try again.")
    return sorted(map(weights_name, new))


def weights_files(board: Path) -> list[Path]:
    """All that lies among a board's weights, but for what an interrupted command left."""
    return [path for path in sorted((board / EVIDENCE).glob("*")) if not is_leftover(path)]


def drop_weights(board: Path, kept: Collection[str]) -> None:
    """Remove weights that nothing names any more; the caller holds the lock."""
    for path in weights_files(board):
        if (match := _NAME.fullmatch(path.name)) and match[1] not in kept:
            path.unlink()


def evidence_problems(board: Path, named: Mapping[str, Path]) -> Iterator[str]:
    """Weights that are missing, not what their names say, or named by nothing.

    Parameters
    ----------
    board : path
    named : mapping of str to path
        SHA-256 of the weights that files of the board name, and the file that does.
    """
    for folder in (board / "evidence", board / EVIDENCE):
        if folder.is_symlink():
            yield f"{folder} is a link: a board's files lie in its own folder."
    for digest, path in named.items():
        if not (board / weights_name(digest)).exists():
            yield f"{board / weights_name(digest)} is missing, but {path} names it."
    for path in weights_files(board):
        if not (match := _NAME.fullmatch(path.name)):
            yield f"{path} does not belong there: only SHA256.safetensors does."
        elif problem := weights_problem(path, match[1]):
            yield problem
        elif match[1] not in named:
            yield f"{path} belongs to nothing on the board: delete it."


def is_leftover(path: Path) -> bool:
    """Whether an interrupted command left a file: it stands for nothing."""
    return path.name.startswith(".") and path.name.endswith(".partial")
