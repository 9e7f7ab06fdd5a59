"""Evidence: encoders' weights and latents beside the records that name them by their hashes."""

import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from drbench.errors import BoardError
from drbench.files import replacing, sha256_file
from drbench.runs.folder import RunFolder
from drbench.runs.record import Record

EVIDENCE = "evidence"
EVIDENCE_NAME = re.compile(r"(weights|latents)/([0-9a-f]{64})\.safetensors")
"""Path of a file of evidence below its folder: it is named after the SHA-256 of its bytes."""
MAX_BYTES = 64 * 2**20
"""Of a file of evidence."""


def evidence_names(record: Record) -> set[str]:
    """Files of evidence that a record's hashes name, relative to the folder of evidence."""
    origin = record.provenance
    hashes = {"weights": origin.encoder_hash, "latents": origin.latents_hash}
    return {
        f"{kind}/{digest}.safetensors"
        for kind, by_stage in hashes.items()
        for digest in by_stage.values()
    }


def evidence_of_run(folder: RunFolder, record: Record) -> dict[str, Path]:
    """Files of a run that its record names, by their path below the folder of evidence.

    Returns
    -------
    files : dict of str to path
        All of them, or none if the folder lacks any: half of it proves nothing.

    Raises
    ------
    BoardError
        For a file that is too large, or not what the record says.
    """
    origin = record.provenance
    found = {}
    for stage in record.scores:
        weights, latents = origin.encoder_hash[stage], origin.latents_hash[stage]
        found[f"weights/{weights}.safetensors"] = folder.encoder_file(stage)
        found[f"latents/{latents}.safetensors"] = folder.representation_file(stage)
    if not all(path.is_file() for path in found.values()):
        return {}
    for name, path in found.items():
        if problem := _size_problem(path):
            raise BoardError(problem)
        if sha256_file(path) != Path(name).stem:
            raise BoardError(
                f"{path} is not what {folder.record_file} says: its SHA-256 is "
                f"{sha256_file(path)[:12]}..., not {Path(name).stem[:12]}.... Do the run again, or "
                "add its record.json alone, from a folder of its own: without evidence."
            )
    return found


def bring_evidence(board: Path, files: Mapping[str, Path]) -> list[str]:
    """Copy evidence into a board; the caller holds its lock.

    It goes there before the records that it belongs to: what nothing points at yet does no harm.

    Parameters
    ----------
    board : path
    files : mapping of str to path
        By their path below the folder of evidence; what is there already is left alone.

    Returns
    -------
    names : list of str
        What is new.

    Raises
    ------
    BoardError
        For a file that changed on the way.
    """
    new = [name for name in files if not (board / EVIDENCE / name).is_file()]
    for name in new:
        with replacing(board / EVIDENCE / name) as partial:
            shutil.copyfile(files[name], partial)
            if sha256_file(partial) != Path(name).stem:
                raise BoardError(f"{files[name]} changed while it was copied: try again.")
    return new


def without_evidence(board: Path, records: Iterable[Record]) -> list[Record]:
    """Records whose evidence is not, or not wholly, on the board."""
    return [
        record
        for record in records
        if not all((board / EVIDENCE / name).is_file() for name in evidence_names(record))
    ]


def evidence_files(board: Path) -> dict[str, Path]:
    """Files of evidence of a board by their path below its folder.

    Raises
    ------
    BoardError
        For the first file that is no evidence, or not what its name says.
    """
    folder = board / EVIDENCE
    found = {}
    for path in sorted(path for path in folder.rglob("*") if not path.is_dir()):
        name = path.relative_to(folder).as_posix()
        if problem := evidence_problem(path, name):
            raise BoardError(problem)
        found[name] = path
    return found


def evidence_problem(path: Path, name: str) -> str:
    """What is wrong with a file of evidence, in a sentence; empty if nothing is."""
    match = EVIDENCE_NAME.fullmatch(name)
    if not match:
        return (
            f"{path} is no evidence: only weights/SHA256.safetensors and "
            "latents/SHA256.safetensors belong there."
        )
    if path.is_symlink() or not path.is_file():
        return f"{path} is no regular file: put the file itself there."
    if problem := _size_problem(path):
        return problem
    if sha256_file(path) != match[2]:
        return f"{path} is not what its name says: its SHA-256 is {sha256_file(path)[:12]}..."
    return ""


def evidence_problems(board: Path, records: dict[Path, Record]) -> Iterator[str]:
    """Files that do not belong there, are not what they say, or lack their companions."""
    folder = board / EVIDENCE
    if not folder.is_dir():
        return
    if folder.is_symlink():
        yield f"{folder} is a link: a board's files lie in its own folder."
    names = set()
    for path in sorted(path for path in folder.rglob("*") if path.is_symlink() or path.is_file()):
        name = path.relative_to(folder).as_posix()
        names.add(name)
        if problem := evidence_problem(path, name):
            yield problem
    wanted: set[str] = set()
    for path, record in records.items():
        own = evidence_names(record)
        wanted |= own
        missing = sorted(own - names)
        # The other files may be there for the sake of another run: of its source, say.
        if missing and f"weights/{record.provenance.encoder_hash['after']}.safetensors" in names:
            yield f"{path} has evidence, but {folder / missing[0]} is missing."
    for name in sorted(names - wanted):
        if EVIDENCE_NAME.fullmatch(name):
            yield f"{folder / name} belongs to no record of the board."


def _size_problem(path: Path) -> str:
    size = path.stat().st_size
    if size <= MAX_BYTES:
        return ""
    return f"{path} has {size:,} bytes: a file of evidence has at most {MAX_BYTES:,}."
