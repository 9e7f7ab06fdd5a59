"""Starting a check in a process of its own, which can be stopped and may fail alone."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from drbench.board.entry import Level
from drbench.errors import BoardError
from drbench.files import cache_dir, data_dir, write_text
from drbench.frozen import Frozen
from drbench.runs.record import RECORD, Record, Stage
from drbench.runs.spec import RunSpec
from drbench.trust.reading import read_model

REQUEST, PROBLEM, RUN, CACHE = "request.json", "problem.txt", "run", "cache"
"""In the folder of a check: what is asked, why it cannot be done, and the run trained anew.
CACHE lies beside it: checks share what they prepare and train, and nothing that was there."""


COMPILED = "numba"
"""Folder of a cache that holds compiled functions."""


class Request(Frozen):
    """What a checking process is asked."""

    spec: RunSpec
    """The run."""
    level: Level
    """Whether its weights are used, or trained anew."""
    weights: dict[Stage, str] = {}
    """Files of the encoder's weights, where they are used."""


def checked_alone(
    folder: Path,
    request: Request,
    *,
    minutes: float,
    environment: Mapping[str, str] | None = None,
) -> Record:
    """What a process of its own makes of a run.

    Parameters
    ----------
    folder : path
        Where the process works; of a run trained anew its folder is left in `RUN`.
    request : Request
    minutes : float
        After which the process and all that it started are ended.
    environment : mapping, optional
        More variables of the process.

    Raises
    ------
    BoardError
        With the reason, if there is no record.
    """
    write_text(folder / REQUEST, request.model_dump_json())
    _share_compiled(folder.parent / CACHE)
    # Official files are where they are; whatever else is remembered here is not believed.
    variables = os.environ | {
        "DRBENCH_DATA": str(data_dir()),
        "DRBENCH_CACHE": str(folder.parent / CACHE),
        **(environment or {}),
    }
    command = [sys.executable, "-m", "drbench.trust.check", str(folder)]
    process = subprocess.Popen(  # noqa: S603 - our own module
        command, env=variables, stdin=subprocess.DEVNULL, start_new_session=True
    )
    try:
        status = process.wait(minutes * 60)
    except subprocess.TimeoutExpired as error:
        raise BoardError(
            f"it takes more than {minutes:g} minutes: allow more with --timeout."
        ) from error
    finally:
        _end(process)
    if status == 0:
        return read_model(folder / RECORD, Record)
    if (folder / PROBLEM).is_file():
        raise BoardError((folder / PROBLEM).read_text(encoding="utf-8"))
    raise BoardError(
        f"its process ended with {f'signal {-status}' if status < 0 else f'status {status}'}, and "
        "left no record."
    )


def _share_compiled(cache: Path) -> None:
    """Let a cache have what was compiled here: that is our code, and takes a minute."""
    cache.mkdir(parents=True, exist_ok=True)
    with suppress(OSError):  # there already, or where links are not to be had
        (cache / COMPILED).symlink_to((cache_dir() / COMPILED).absolute(), target_is_directory=True)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process and what it started, if they still run."""
    if os.name == "posix":
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    else:
        process.kill()
    process.wait()
