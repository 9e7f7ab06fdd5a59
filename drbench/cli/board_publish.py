"""`drbench leaderboard publish`: merge a board into a published one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from drbench.cli.board_review import DEFAULT_BOARD, BoardOption, difference_tables
from drbench.cli.frame import Table, emit


def publish(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A folder, git:ADDRESS or git:ADDRESS#FOLDER; a data set repository of the "
            "Hugging Face hub is git:https://huggingface.co/datasets/OWNER/NAME.",
        ),
    ],
    board: BoardOption = DEFAULT_BOARD,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
    branch: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Commit to this branch, not to a new one."),
    ] = None,
    message: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Message of the commit.")
    ] = None,
    submit: Annotated[
        bool,
        typer.Option(
            "--submit", help="Send specs and weights alone, to a board that somebody else keeps."
        ),
    ] = False,
    name: Annotated[
        str | None, typer.Option("--as", metavar="NAME", help="Under whose name, with --submit.")
    ] = None,
) -> None:
    """Merge a board, or its runs as submissions, into a folder or a git repository."""
    from drbench.errors import RequestError
    from drbench.publish.publish import publish as publish_board
    from drbench.trust.names import given_name

    if name is not None and not submit:
        raise RequestError("--as says under whose name runs are submitted: add --submit.")
    done = publish_board(
        board, target, branch=branch, message=message, dry_run=dry_run,
        submit=submit, submitter=name if name is None else given_name("--as", name),
    )  # fmt: skip
    files = _grouped(done.added, "added") + _grouped(done.changed, "changed")
    files += _grouped(done.removed, "removed")
    if done.where:
        summary = f"published: {done.where}"
    elif files:
        summary = f"dry run: this would go to {done.place}; nothing was written."
    else:
        summary = f"nothing to publish: {done.place} has it all."
    tables = [Table(("file", "change"), files), *difference_tables(done.differences)]
    document: dict[str, object] = {
        "place": done.place,
        "where": done.where,
        "added": done.added,
        "changed": done.changed,
        "removed": done.removed,
        "differences": [asdict(each) for each in done.differences],
    }
    emit(document, *(table for table in tables if table.rows), summary)


def _grouped(paths: Sequence[str], change: str) -> list[tuple[str, str]]:
    """A line for each file, or for a folder's files together: their names are hashes."""
    folders = Counter(folder + slash for folder, slash, _ in (p.rpartition("/") for p in paths))
    lines = [(path, change) for path in paths if "/" not in path]
    del folders[""]
    for folder, count in folders.items():
        lines.append((f"{folder} ({count} {'file' if count == 1 else 'files'})", change))
    return lines
