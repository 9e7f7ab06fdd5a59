"""Rewriting a board of version 1.0 of the format as one of this version.

Of 1.0 specs, fields that change no number leave, and what is at its default is left out; the key
becomes another, so does the name of the network in each file of weights, and with it the file's
SHA-256. Latents and verifications have no place any more. Needs torch.
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import safetensors.torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from drbench.board.entry import Level
from drbench.errors import BoardError, DrbenchError, MissingBoardError
from drbench.files import write_bytes, write_text
from drbench.frozen import first_problem
from drbench.models.model import load_model
from drbench.runs.identity import canonical, stored_key, stored_network_key
from drbench.runs.record import Record, trained_by
from drbench.runs.spec import RunSpec
from drbench.trust.evidence import weights_name, weights_problem
from drbench.trust.problems import problems_of
from drbench.trust.reading import check_json, read_text
from drbench.trust.store import RECORDS, entry_of, name_of, write_board


@final
@dataclass(frozen=True)
class Migration:
    """What became of a board."""

    entries: tuple[str, ...]
    """Names of the entries that records became."""
    left_out: tuple[str, ...]
    """Why the other records did not, a sentence each."""
    before: Path
    """Where the board as it was lies now."""


def migrate(board: Path, *, name: str, level: Level = "re-encoded") -> Migration | None:
    """Rewrite a board of version 1.0; None if there is nothing to rewrite.

    The new board is written aside, and then takes the old one's place, which is kept beside it: so
    nothing is lost, whatever interrupts it.

    Parameters
    ----------
    board : path
    name : str
        Whose runs they are, and who keeps the board.
    level : {"re-encoded", "retrained"}
        retrained if the runs were done on the machine of who keeps the board.

    Raises
    ------
    BoardError
        If there is no board, if an older one lies beside it already, or if it is of both versions.
    """
    old = board.with_name(f"{board.name}-1.0")
    files = sorted((board / RECORDS).glob("[!.]*.json"))
    if not (board / RECORDS).is_dir():
        raise MissingBoardError(f"{board} is no leaderboard: it has no folder {RECORDS}.")
    if not files:
        return None
    if any((board / RECORDS).glob("*/")):
        raise BoardError(f"{board / RECORDS} holds records of two versions: move one of them away.")
    if old.exists():
        raise BoardError(f"{old} exists, where the old board would be kept: move it away.")
    new = board.with_name(f"{board.name}-2.0")
    shutil.rmtree(new, ignore_errors=True)  # of a migration that was interrupted
    (new / RECORDS).mkdir(parents=True)
    names, left_out = [], []
    for file in files:
        try:
            names.append(_migrated(board, file, new, name, level))
        except DrbenchError as error:
            left_out.append(f"{file}: {error}")
    for path in board.glob("*.md"):
        shutil.copyfile(path, new / path.name)
    write_board(new)
    board.rename(old)
    new.rename(board)
    return Migration(tuple(names), tuple(left_out), old)


def _migrated(board: Path, file: Path, new: Path, name: str, level: Level) -> str:
    """Write the entry and the weights that a record of 1.0 becomes, and return its name."""
    document = check_json(read_text(file), file)
    try:
        spec = canonical(RunSpec.model_validate(_spec(document["spec"])))
        hashes = {
            stage: _rewritten(board, digest, new, stored_network_key(trained_by(spec, stage)))
            for stage, digest in document["provenance"]["encoder_hash"].items()
        }
        record = Record.model_validate(
            {k: v for k, v in document.items() if k != "schema_version"}
            | {
                "key": stored_key(spec),
                "network": stored_network_key(spec),
                "spec": spec.model_dump(),
                "hyperparameters": load_model(spec.model, **spec.hyperparameters).model_dump(),
                "provenance": {
                    k: v for k, v in document["provenance"].items() if k != "latents_hash"
                }
                | {"encoder_hash": hashes},
            }
        )
    except ValidationError as error:
        raise BoardError(": ".join(filter(None, first_problem(error)))) from error
    except (KeyError, TypeError, AttributeError) as error:
        raise BoardError("it is no record as drbench 0.1 wrote it") from error
    done = record.provenance.created
    entry = entry_of(record, submitter=name, level=level, by=name, checked=done)
    for problem in problems_of(entry):
        raise BoardError(problem)
    write_text(new / name_of(entry), entry.to_json())
    return name_of(entry)


def _spec(old: dict[str, Any]) -> dict[str, Any]:
    """A spec of 1.0 in fields of this version: what is scored on the way changes no number."""
    training = {k: v for k, v in old["training"].items() if k != "score_every"}
    spec = {k: v for k, v in old.items() if k != "schema_version"} | {"training": training}
    return spec | {"init": _spec(old["init"]) if old["init"] else None}


def _rewritten(board: Path, digest: str, new: Path, network: str) -> str:
    """Copy a file of weights under the present name of its network, and return its SHA-256."""
    path = board / weights_name(digest)
    if not path.exists():
        raise BoardError(f"{path}, its weights, is missing: nothing of it can be checked")
    if problem := weights_problem(path, digest):
        raise BoardError(problem)
    try:
        with safe_open(path, framework="pt") as opened:
            tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
    except SafetensorError as error:
        raise BoardError(f"{path} is no safetensors file, or a damaged one: {error}.") from error
    content = safetensors.torch.save(tensors, metadata={"run": network})
    now = hashlib.sha256(content).hexdigest()
    write_bytes(new / weights_name(now), content)
    return now
