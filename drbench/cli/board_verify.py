"""`drbench leaderboard verify`: check that records are what they claim to be."""

from dataclasses import asdict
from typing import Annotated, Literal

import typer

from drbench.cli.board_review import DEFAULT_BOARD, BoardOption
from drbench.cli.frame import Table, emit

LevelName = Literal["rescored", "re-encoded", "retrained"]


def verify(
    keys: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY]...",
            help="Keys of records, or their first digits; none for all not verified as far yet.",
            show_default=False,
        ),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="All records, also those that are verified: what the board says of them counts "
            "for nothing, and --write first removes their verifications, so that only "
            "those made now are there.",
        ),
    ] = False,
    level: Annotated[
        LevelName | None,
        typer.Option(
            help="How far: rescored (metrics from the latents), re-encoded (latents from the "
            "weights, too), retrained (the run from its spec, too). Default: re-encoded, or "
            "rescored where its data set or model is not here."
        ),
    ] = None,
    by: Annotated[str | None, typer.Option(metavar="NAME", help="Who checks.")] = None,
    write: Annotated[
        bool, typer.Option("--write", help="Write what was found to the board; needs --by.")
    ] = False,
    board: BoardOption = DEFAULT_BOARD,
) -> None:
    """Compute what records claim again, from their evidence; fails if any does not hold."""
    from drbench.errors import BoardError
    from drbench.trust.verify.verify import verify as verify_board

    verdicts = verify_board(board, keys or [], every=every, level=level, by=by, write=write)
    held = sum(verdict.holds for verdict in verdicts)
    said = f"{held} of {len(verdicts)} runs hold." if verdicts else f"{board}: nothing to verify."
    table = Table(
        ("run", "outcome", "largest difference"),
        [(v.key[:12], v.outcome, _largest(v.checks)) for v in verdicts],
    )
    sentences = [
        f"{verdict.key[:12]}: {line}"
        for verdict in verdicts
        for line in (verdict.reason, *verdict.notes)
        if line
    ]
    document = {
        "board": str(board),
        "written": write,
        "verdicts": [asdict(verdict) for verdict in verdicts],
    }
    blocks = [table] if verdicts else []
    emit(document, *blocks, *(["\n".join(sentences)] if sentences else []), said)
    if failed := len(verdicts) - held:
        raise BoardError(f"{failed} of {len(verdicts)} runs do not hold, or cannot be verified.")


def _largest(checks: dict[str, float]) -> str | None:
    """The largest differences, for people."""
    return ", ".join(f"{name} {apart:.1g}" for name, apart in checks.items()) or None
