"""`drbench leaderboard verify`: check runs on this machine."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from drbench.cli.board_review import DEFAULT_BOARD, BoardOption
from drbench.cli.frame import Table, emit

if TYPE_CHECKING:
    from drbench.trust.verify import Verdict

Level = Literal["re-encoded", "retrained"]


def verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[SUBMITTER/KEY]...",
            help="Runs, or how they begin; none for all submissions that wait.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="All runs of the board.")] = False,
    level: Annotated[
        Level,
        typer.Option(
            help="re-encoded: with the weights that came. retrained: trained anew from the spec, "
            "the source included; only that is ranked."
        ),
    ] = "re-encoded",
    write: Annotated[
        bool, typer.Option("--write", help="Put what is found here on the board, as its keeper.")
    ] = False,
    by: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Who keeps it; by default who is logged in."),
    ] = None,
    timeout: Annotated[
        float, typer.Option(metavar="MINUTES", min=0.01, help="Longest time for one run.")
    ] = 60.0,
    board: BoardOption = DEFAULT_BOARD,
) -> None:
    """Score runs on this machine, beside what the board has; fails if any cannot be checked."""
    from drbench.errors import BoardError, RequestError
    from drbench.trust.names import given_name
    from drbench.trust.verify import verify as verify_board

    if by and not write:
        raise RequestError("--by names who writes: add --write, or leave out --by.")
    verdicts = verify_board(
        board, names or [], every=every, level=level, by=given_name("--by", by) if write else None,
        minutes=timeout,
    )  # fmt: skip
    document = {"board": str(board), "written": write, "verdicts": [asdict(v) for v in verdicts]}
    if not verdicts:
        emit(document, f"{board}: nothing waits to be checked.")
        return
    counts = {v.outcome: sum(w.outcome == v.outcome for w in verdicts) for v in verdicts}
    reasons = [f"{_short(v.name)}: {v.reason}" for v in verdicts if v.reason]
    emit(
        document,
        Table(
            ("run", "outcome", "metric", "stage", "board", "here", "tolerance"), _lines(verdicts)
        ),
        *(["\n".join(reasons)] if reasons else []),
        ", ".join(f"{count} {outcome}" for outcome, count in counts.items()) + ".",
    )
    if failed := counts.get("not checked", 0):
        raise BoardError(f"{failed} of {len(verdicts)} runs cannot be checked here.")


def _lines(verdicts: "list[Verdict]") -> list[tuple[object, ...]]:
    """Every score here, beside that on the board."""
    lines: list[tuple[object, ...]] = []
    for verdict in verdicts:
        first: tuple[str, str] = (_short(verdict.name), verdict.outcome)
        if not verdict.scores:
            lines.append((*first, None, None, None, None, None))
        for each in verdict.scores:
            beyond = verdict.outcome == "differs" and each.apart > each.tolerance
            tolerance = f"{each.tolerance:g}{' exceeded' if beyond else ''}"
            lines.append((*first, each.metric, each.stage, each.board, each.here, tolerance))
            first = ("", "")
    return lines


def _short(name: str) -> str:
    submitter, _, key = name.partition("/")
    return f"{submitter}/{key[:12]}"
