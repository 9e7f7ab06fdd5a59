"""What every place that boards are published to can do."""

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import final

_WEB = re.compile(r"https?://", re.IGNORECASE)
_USERINFO = re.compile(r"[A-Za-z0-9+.-]+://([^/]*)@")


class MovedError(Exception):
    """Someone else published to the place since it was fetched: fetch, merge and put again."""


@final
@dataclass(frozen=True)
class Stage:
    """A copy of what a place holds, to merge a board into."""

    folder: Path
    """The published board; without records if there is none yet."""
    elsewhere: frozenset[str] = frozenset()
    """Paths of evidence that the place holds and that was not copied: its name is its content."""


class Place(ABC):
    """A folder or a git repository; writing happens in `put` alone."""

    @property
    @abstractmethod
    def name(self) -> str:
        """What would be written to, for people."""

    @abstractmethod
    def fetch(self, workspace: Path, board: Path) -> Stage:
        """Copy what is published into an empty workspace.

        Raises
        ------
        BoardError
            If the place cannot be read.
        """

    @abstractmethod
    def put(self, board: Path, stage: Stage, paths: list[str], message: str) -> str:
        """Publish files of a stage and say where they are now.

        Parameters
        ----------
        board : path
            The board that was merged into the stage.
        stage : Stage
            What `fetch` returned, with the board merged in.
        paths : list of str
            Files of the stage that are new, changed or gone, relative to its folder.
        message : str
            What the change is called, where the place keeps a history.

        Raises
        ------
        MovedError
            If what is published is no longer what was fetched; nothing was written.
        BoardError
            If the place cannot be written.
        """


def shown(url: str) -> str:
    """An address as it may be printed: without the password or token that it may hold.

    Examples
    --------
    >>> shown("https://me:secret@example.org/board.git?private_token=secret")
    'https://example.org/board.git'
    >>> shown("ssh://git@example.org/board.git")
    'ssh://git@example.org/board.git'
    """
    if secret := userinfo(url):
        url = url.replace(f"{secret}@", "", 1)
    return url.partition("?")[0] if _WEB.match(url) else url


def userinfo(url: str) -> str:
    """What of an address may be secret; of a web address that is the name as well: tokens are.

    Examples
    --------
    >>> userinfo("https://token@example.org"), userinfo("ssh://git@example.org")
    ('token', '')
    """
    match = _USERINFO.match(url)
    return match[1] if match and (":" in match[1] or _WEB.match(url)) else ""
