"""Every error drbench raises on purpose: one tree, one sentence each, with what to do next."""

import difflib
from collections.abc import Iterable


class DrbenchError(Exception):
    """Base of all errors of drbench: the work failed (exit code 1)."""

    exit_code = 1


class RequestError(DrbenchError):
    """The request itself was wrong: a bad value, a wrong combination (exit code 2)."""

    exit_code = 2


class UnknownNameError(RequestError):
    """A name that nothing is registered under."""

    def __init__(self, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> None:
        known = sorted(known)
        close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
        advice = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known) or 'none'}."
        super().__init__(f"No {kind} named {name!r}: {advice}{' ' + hint if hint else ''}")


class MissingExtraError(DrbenchError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(
            f"This needs {module}, which is not installed: pip install 'drbench[{extra}]'"
        )


class DataError(DrbenchError):
    """Files of a data set that are truncated, of another kind, or of the wrong shape."""


class MissingFilesError(DataError):
    """Files of a data set that are not where they were looked for."""


class PluginError(DrbenchError):
    """A plugin that cannot be imported or does not keep its contract."""


class RepresentationError(RequestError):
    """Arrays that are not a representation: lengths, types, NaN, labels out of range."""


class RunError(DrbenchError):
    """A run folder that is incomplete, of another run, or in the way."""


class BoardError(DrbenchError):
    """A record or a board that is invalid."""


class MissingBoardError(BoardError):
    """A folder that was named as a board and holds none: the request was wrong (exit code 2)."""

    exit_code = 2
