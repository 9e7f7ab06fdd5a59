"""A table of rows, as plain text and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, final


@final
@dataclass(frozen=True)
class Table:
    """Rows under headers, for people."""

    columns: Sequence[str]
    """Headers; all empty for a list of names and values."""
    rows: Sequence[Sequence[Any]]
    """Cells: None shows as -, a bool as yes or no, a float with 4 digits."""
    title: str = ""
    decimals: int | None = None
    """Digits after the point of all floats, instead."""
    notes: Sequence[str] = ()
    """What readers should know of single cells, say why one is missing."""

    @property
    def cells(self) -> list[list[str]]:
        """The rows as text."""
        return [[_cell(value, self.decimals) for value in row] for row in self.rows]

    @property
    def numeric(self) -> list[bool]:
        """Which columns hold numbers only, and so align on the right."""
        columns = [
            [c for c in column if c not in (None, "")] for column in zip(*self.rows, strict=True)
        ]
        return [
            bool(column)
            and all(isinstance(c, int | float) and not isinstance(c, bool) for c in column)
            for column in columns
        ] or [False] * len(self.columns)

    @property
    def lines(self) -> list[str]:
        """The table as plain text, without its title and notes."""
        cells = [list(self.columns), *self.cells] if any(self.columns) else self.cells
        widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
        return [
            "  ".join(
                text.rjust(width) if right else text.ljust(width)
                for text, width, right in zip(line, widths, self.numeric, strict=True)
            ).rstrip()
            for line in cells
        ]

    @property
    def html(self) -> str:
        """The table as HTML; all text is shown as text, markup in it included."""
        sides = ["right" if right else "left" for right in self.numeric]
        rows = [_html_row("td", row, sides) for row in self.cells]
        head = _html_row("th", self.columns, sides) if any(self.columns) else ""
        notes = "".join(f"<div>{escape(note)}</div>" for note in self.notes)
        return (
            f"<table><caption>{escape(self.title)}</caption><thead>{head}</thead>"
            f"<tbody>{''.join(rows)}</tbody></table>{notes}"
        )


def _html_row(tag: str, texts: Sequence[str], sides: Sequence[str]) -> str:
    cells = zip(texts, sides, strict=True)
    inner = "".join(
        f'<{tag} style="text-align: {side}">{escape(text)}</{tag}>' for text, side in cells
    )
    return f"<tr>{inner}</tr>"


def _cell(value: Any, decimals: int | None = None) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if not isinstance(value, float):
        return str(value)
    return f"{value:.4g}" if decimals is None else f"{value:.{decimals}f}"
