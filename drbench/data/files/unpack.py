"""Unpack archives of strangers: nothing outside the folder, no links, no more than is announced."""

import itertools
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol, final

from drbench.errors import DataError, DrbenchError
from drbench.files import replacing
from drbench.progress import progress

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.xz")
"""Endings of the archives that `unpack` understands."""
MAX_RATIO = 200
"""How much larger than the archive its content may be: images compress far less."""
MAX_MEMBERS = 5_000_000
"""How many files an archive may hold."""


@final
@dataclass(frozen=True)
class Member:
    """One entry of an archive that is not a folder."""

    name: str
    size: int
    is_file: bool
    """Whether it is a plain file: no link, no device."""


class _Archive(Protocol):
    def members(self) -> Iterator[Member]: ...

    def streams(self) -> Iterator[tuple[Member, IO[bytes]]]: ...


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of an archive that can be unpacked."""
    return path.name.endswith(SUFFIXES)


def unpack(archive: Path, folder: Path) -> None:
    """Unpack an archive; members that are there in full already are left alone.

    Raises
    ------
    DataError
        If it is damaged, or a member is a link, would land outside the folder or is larger than
        announced, or it would grow beyond all measure; nothing is unpacked of an archive whose
        table already tells.
    DrbenchError
        If the disk is too small.
    """
    with _explained(archive), _opened(archive) as opened:
        members = list(itertools.islice(opened.members(), MAX_MEMBERS + 1))
        targets = {member.name: _target(archive, member, folder) for member in members}
        missing = [member for member in members if not _complete(member, targets[member.name])]
        _check_size(archive, members)
        _check_space(archive, folder, sum(member.size for member in missing))
        wanted = {member.name for member in missing}
        with progress(f"unpacking {archive.name}", len(wanted)) as advance:
            for member, stream in opened.streams() if wanted else ():
                if member.name in wanted:
                    _extract(archive, member, stream, targets[member.name])
                    advance()


def _extract(archive: Path, member: Member, stream: IO[bytes], target: Path) -> None:
    with replacing(target) as partial, partial.open("wb") as sink:
        left = member.size
        while block := stream.read(min(left + 1, 1 << 20)):
            left -= len(block)
            if left < 0:
                raise DataError(
                    f"{archive}: the member {member.name!r} is larger than the archive says. "
                    "Delete the archive; it is not the maker's."
                )
            sink.write(block)
        if left:
            raise EOFError(f"{member.name} ends early")


def _target(archive: Path, member: Member, folder: Path) -> Path:
    home, own = folder.resolve(), archive.resolve()
    target = (home / member.name).resolve()
    if not member.is_file or not target.is_relative_to(home) or target in (home, own):
        raise DataError(
            f"{archive}: the member {member.name!r} is a link, leads out of the folder or would "
            "replace the archive: nothing was unpacked. Delete the archive; it is not the maker's."
        )
    return target


def _complete(member: Member, target: Path) -> bool:
    return target.is_file() and target.stat().st_size == member.size


def _check_size(archive: Path, members: list[Member]) -> None:
    total, own = sum(member.size for member in members), archive.stat().st_size
    if len(members) > MAX_MEMBERS or total > MAX_RATIO * own + 10**6:
        raise DataError(
            f"{archive}: {own:,} bytes would become {len(members):,} files of {total:,} bytes: "
            "nothing was unpacked. Delete the archive; it is not the maker's."
        )


def _check_space(archive: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DrbenchError(
            f"Unpacking {archive} needs {needed / 1e6:,.0f} MB in {folder}, where "
            f"{free / 1e6:,.0f} MB are free: free some, or set DRBENCH_DATA to a larger disk."
        )


@contextmanager
def _opened(archive: Path) -> Iterator[_Archive]:
    if archive.name.endswith(".zip"):
        with zipfile.ZipFile(archive) as zipped:
            yield _Zip(zipped)
    else:
        with tarfile.open(archive) as tarred:
            yield _Tar(tarred)


@contextmanager
def _explained(archive: Path) -> Iterator[None]:
    try:
        yield
    except (
        zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, RuntimeError,
        NotImplementedError,
    ) as error:  # fmt: skip
        kind = "ZIP" if archive.name.endswith(".zip") else "TAR"
        reason = str(error).partition("\n")[0].rstrip(":")  # tarfile goes on about each compression
        raise DataError(
            f"{archive} is no whole {kind} archive ({reason}): delete it and fetch it again."
        ) from error
    except OSError as error:
        raise DrbenchError(
            f"Unpacking {archive} failed: {error.strerror or error}. See whether the file and its "
            "folder can be used, and run the same command again."
        ) from error


@final
class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._files = [member for member in archive.infolist() if not member.is_dir()]

    def members(self) -> Iterator[Member]:
        return map(self._member, self._files)

    def streams(self) -> Iterator[tuple[Member, IO[bytes]]]:
        for file in self._files:
            with self._archive.open(file) as stream:
                yield self._member(file), stream

    @staticmethod
    def _member(file: zipfile.ZipInfo) -> Member:
        kind = stat.S_IFMT(file.external_attr >> 16)
        return Member(file.filename, file.file_size, kind in (0, stat.S_IFREG))


@final
class _Tar:
    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def members(self) -> Iterator[Member]:
        return (self._member(file) for file in self._archive if not file.isdir())

    def streams(self) -> Iterator[tuple[Member, IO[bytes]]]:
        for file in self._archive:
            stream = self._archive.extractfile(file) if file.isreg() else None
            if stream is not None:
                yield self._member(file), stream

    @staticmethod
    def _member(file: tarfile.TarInfo) -> Member:
        return Member(file.name, file.size, file.isreg())
