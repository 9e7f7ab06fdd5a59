"""Publishing to a folder: a shared disk, a web server's root, a working tree."""

import shutil
from pathlib import Path
from typing import final

from drbench.errors import BoardError, RequestError
from drbench.publish.places.contents import bring, published_files
from drbench.publish.places.place import Place, Stage
from drbench.trust.evidence import EVIDENCE


@final
class Folder(Place):
    """A folder that holds a board, or will."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def name(self) -> str:
        return str(self.path)

    def fetch(self, workspace: Path, board: Path) -> Stage:
        if self.path.resolve().is_relative_to(board.resolve()):
            raise RequestError(
                f"{self.path} is the board itself, or in it: name a folder elsewhere."
            )
        if self.path.exists() and not self.path.is_dir():
            raise BoardError(f"{self.path} is a file: name a folder to publish to.")
        stage = workspace / "board"
        stage.mkdir()
        elsewhere = set()
        for path in published_files(self.path):
            if path.startswith(f"{EVIDENCE}/"):
                elsewhere.add(path)
            else:
                (stage / path).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.path / path, stage / path)
        return Stage(stage, frozenset(elsewhere))

    def put(self, board: Path, stage: Stage, paths: list[str], message: str) -> str:
        # Merged again in place, under the folder's lock: others may have published meanwhile.
        bring(board, self.path)
        return self.name
