"""Fetch the maker's files: download, verify, unpack."""

import shutil
import stat
import zipfile
import zlib
from pathlib import Path
from typing import Any, final

from drbench.data.spec import DatasetSpec, RemoteFile
from drbench.errors import DataError, DrbenchError, RequestError
from drbench.files import data_dir, replacing
from drbench.progress import Progress, progress


def fetch(spec: DatasetSpec, root: Path | None = None) -> Path:
    """Download the files of a data set, verify them, and unpack the archives among them.

    What is there already and has the right checksum is not downloaded again.

    Parameters
    ----------
    spec : DatasetSpec
        Whose files.
    root : path, optional
        Data root; default: DRBENCH_DATA, then the user's cache.

    Returns
    -------
    folder : path
        Folder below the root that holds the files.

    Raises
    ------
    RequestError
        If the data set has no files to fetch.
    DataError
        If what arrives is a web page, has another checksum, or is an archive not safe to unpack.
    DrbenchError
        If the download or the disk fails.
    """
    wanted = [file for file in spec.files if file.same_as is None]
    if not wanted:
        raise RequestError(
            f"{spec.name} has no files to fetch: open it with origin "
            f"{' or '.join(spec.origins)}, or see {spec.homepage or 'its card'}."
        )
    folder = (root if root is not None else data_dir()) / (*spec.folders, "")[0]
    for file in wanted:
        path = _download(file, folder)
        if path.suffix == ".zip":
            unpack(path, folder)
    return folder


def unpack(archive: Path, folder: Path) -> None:
    """Unpack a ZIP archive; members that are there in full already are left alone.

    Raises
    ------
    DataError
        If it is damaged, or a member is a link or would land outside the folder; nothing is
        unpacked then.
    """
    try:
        with zipfile.ZipFile(archive) as opened:
            members = [member for member in opened.infolist() if not member.is_dir()]
            targets = [(member, _target(archive, member, folder)) for member in members]
            missing = [pair for pair in targets if not _complete(*pair)]
            _check_space(archive, folder, sum(member.file_size for member, _ in missing))
            with progress(f"unpacking {archive.name}", len(missing)) as advance:
                for member, target in missing:
                    with replacing(target) as partial, partial.open("wb") as file:
                        shutil.copyfileobj(opened.open(member), file)
                    advance()
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise DataError(
            f"{archive} is no whole ZIP archive ({error}): delete it and fetch it again."
        ) from error


def _target(archive: Path, member: zipfile.ZipInfo, folder: Path) -> Path:
    home = folder.resolve()
    target = (home / member.filename).resolve()
    if stat.S_ISLNK(member.external_attr >> 16) or not target.is_relative_to(home):
        raise DataError(
            f"{archive}: the member {member.filename!r} is a link or leads out of the folder: "
            "nothing was unpacked. Delete the archive; it is not the maker's."
        )
    return target


def _complete(member: zipfile.ZipInfo, target: Path) -> bool:
    return target.is_file() and target.stat().st_size == member.file_size


def _check_space(archive: Path, folder: Path, needed: int) -> None:
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DrbenchError(
            f"Unpacking {archive} needs {needed / 1e6:,.0f} MB in {folder}, where "
            f"{free / 1e6:,.0f} MB are free: free some, or set DRBENCH_DATA to a larger disk."
        )


def _download(file: RemoteFile, folder: Path) -> Path:
    import pooch

    pooch.get_logger().setLevel("WARNING")  # what it would say, the progress says
    try:
        with progress(f"fetching {file.name}", file.bytes or 0) as advance:
            downloader = _Downloader(pooch.HTTPDownloader(progressbar=_Bar(advance)))
            path = pooch.retrieve(
                file.url, file.hash, fname=file.name, path=folder, downloader=downloader
            )
    except ValueError as error:  # how pooch reports a checksum that differs
        raise DataError(
            f"What {file.url} gave does not have the checksum {file.hash}: the download was cut or "
            "the file has changed. Try again, or compare with the maker's page."
        ) from error
    except OSError as error:  # of the network or of the disk
        raise DrbenchError(
            f"Fetching {file.url} into {folder} failed: {error}. Try again, or put the file there "
            "by hand."
        ) from error
    return Path(path)


@final
class _Downloader:
    """Downloads, and refuses a web page in the place of the file."""

    def __init__(self, download: Any) -> None:
        self._download = download

    def __call__(self, url: str, output_file: str, pooch: Any) -> None:
        self._download(url, output_file, pooch)
        with Path(output_file).open("rb") as file:
            start = file.read(256).lstrip().lower()
        if start.startswith((b"<!doctype html", b"<html")):
            raise DataError(
                f"{url} gave a web page, not the file: it may need a click or a login. Fetch it "
                "with a browser and put it in the data folder."
            )


@final
class _Bar:
    """What pooch expects of a progress bar, in terms of ours."""

    def __init__(self, advance: Progress) -> None:
        self._advance = advance
        self._ended = False
        self.total = 0

    def update(self, count: int) -> None:
        if not self._ended:
            self._advance(count)

    def reset(self) -> None:
        """Pooch calls this at the end, before a last update by the total."""
        self._ended = True

    def close(self) -> None:
        """The bar closes with its block."""
