"""What a data set plugin is handed to open its files: where they are, and a place to prepare."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

import numpy as np

from drbench.data.files.fetch import pinned
from drbench.data.files.prepared import open_prepared
from drbench.data.files.rows import Rows
from drbench.data.files.stored import Contents, open_stored
from drbench.data.ground_truth import GroundTruth
from drbench.data.spec import DatasetSpec, Origin
from drbench.errors import DataError, MissingFilesError
from drbench.files import data_dir, sha256_file


@final
@dataclass(frozen=True)
class Source:
    """Where one origin of a data set comes from."""

    spec: DatasetSpec
    origin: Origin
    root: Path | None = None
    """Folder given by the user; None for DRBENCH_DATA or the cache."""
    prepare: bool = False
    """Whether images that could be computed on demand should be prepared for training."""
    size: tuple[int, int] | None = None
    """Height and width that will be asked for; None for the set's own. A plugin may heed it to
    keep less; what it opens in another size is resized on demand."""
    faults: list[DataError] | None = None
    """Where faults of single images are collected; None to stop at the first."""

    @property
    def folders(self) -> list[Path]:
        """Folders in which the maker's files may lie, in the order in which they are tried."""
        root = self.root if self.root is not None else data_dir()
        return [*(root / folder for folder in self.spec.folders), root]

    def file(self, *names: str) -> Path:
        """The first of these files that exists.

        Raises
        ------
        MissingFilesError
            Naming the places looked at and what to do.
        """
        for folder in self.folders:
            for name in names:
                if (folder / name).is_file():
                    return folder / name
        raise self.missing(" or ".join(names))

    def folder(self, pattern: str) -> Path:
        """The first folder that holds a file matching a pattern (such as `obj*__*.png`).

        Raises
        ------
        MissingFilesError
            Naming the places looked at and what to do.
        """
        for folder in self.folders:
            if next(folder.glob(pattern), None) is not None:
                return folder
        raise self.missing(pattern)

    def missing(self, what: str) -> MissingFilesError:
        """The error for files that are not there."""
        advice = f"Get them with `drbench datasets fetch {self.spec.name}`"
        if "rendered" in self.spec.origins:
            advice += ", or use `--origin rendered`, which needs no files"
        places = ", ".join(str(folder) for folder in self.folders)
        return MissingFilesError(
            f"{self.spec.name}: no {what} in {places}. {advice}, or point DRBENCH_DATA at them."
        )

    def stored(self, *, inputs: Iterable[Path], read: Callable[[], Contents]) -> GroundTruth:
        """The set as `read` finds it in the files `inputs`, kept in the cache at `size`.

        The way to open a set that is files; see `drbench.data.files.stored.open_stored`. `read` is
        called only if the cache does not hold the set yet.
        """
        inputs = list(inputs)

        def sound() -> Contents:
            self._require_fetched(inputs)
            contents = read()
            return replace(contents, images=self._sound(contents.images))

        return open_stored(self.spec, self.origin, inputs=inputs, size=self.size, read=sound)

    def prepared(
        self,
        name: str,
        *,
        inputs: Iterable[Path] = (),
        shape: tuple[int, ...],
        chunks: Callable[[], Iterator[np.ndarray]],
        required: bool = True,
    ) -> Rows | None:
        """Rows of a uint8 array kept in the cache, made once from `chunks`.

        See `drbench.data.files.prepared.open_prepared`. With `required=False` the array is made
        only if preparation was asked for, and None is returned where it does not exist.
        """
        inputs = list(inputs)

        def sound() -> Iterator[np.ndarray]:
            self._require_fetched(inputs)
            yield from self._sound(chunks())

        return open_prepared(
            name, inputs=inputs, shape=shape, chunks=sound, make=required or self.prepare
        )

    def fault(self, error: DataError) -> None:
        """Stop at the fault of one image, or note it, where all of them are to be named.

        A reader that goes on after this puts any image in its place: it is never kept.
        """
        if self.faults is None:
            raise error
        self.faults.append(error)

    def _require_fetched(self, inputs: Iterable[Path]) -> None:
        """Refuse files that are no longer what was fetched: not every format would notice."""
        for path in inputs:
            fetched = pinned(path.parent, self.spec).files.get(path.name)
            if fetched is not None and sha256_file(path) != fetched.sha256:
                raise DataError(
                    f"{path} has changed since it was fetched on {fetched.date}: it is damaged. "
                    f"Delete it and run `drbench datasets fetch {self.spec.name}`."
                )

    def _sound(self, blocks: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        """Blocks as they come; after the last of them the faults that were noted."""
        yield from blocks
        if self.faults:
            raise self.faults[0]
