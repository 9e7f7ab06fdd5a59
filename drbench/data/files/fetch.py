"""Fetch the maker's files: show the licence, download, verify, pin, unpack."""

import datetime
from pathlib import Path
from typing import final

from pydantic import ValidationError

from drbench.data.files.download import checksum, download, fault_of
from drbench.data.files.unpack import is_archive, unpack
from drbench.data.spec import DatasetSpec, RemoteFile
from drbench.errors import DataError, DrbenchError, MissingFilesError, RequestError
from drbench.files import data_dir, write_text
from drbench.frozen import Frozen
from drbench.progress import say

RECEIPT = "drbench-fetch.json"
"""Name of the file, beside those fetched, that says what they are and under which licence."""


@final
class Fetched(Frozen):
    """What is known of one file in the data folder."""

    url: str
    sha256: str
    bytes: int
    date: str
    """Day on which it was first verified or pinned."""
    published_hash: bool
    """Whether its maker published a checksum; if not, this one was pinned on first use."""


@final
class Receipt(Frozen):
    """What was fetched, and under which terms."""

    dataset: str
    licence: str
    citation: str
    files: dict[str, Fetched] = {}


def fetch(spec: DatasetSpec, root: Path | None = None) -> Path:
    """Download the files of a data set, verify them, and unpack what is not read in place.

    What is there already is verified and not downloaded again. A file without a published checksum
    is pinned: its own is written down on first use, and compared ever after.

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
    MissingFilesError
        If a person has to get one of them: it says how.
    DataError
        If a file, on disk or as it arrives, is a web page, has another size or checksum, or is an
        archive not safe to unpack.
    DrbenchError
        If the download or the disk fails.
    """
    wanted = [file for file in spec.files if file.same_as is None]
    if not wanted:
        raise RequestError(
            f"{spec.name} has no files to fetch: open it with origin "
            f"{' or '.join(spec.origins)}, or see {spec.homepage or 'its card'}."
        )
    folder = fetch_folder(spec, root)
    say(f"{spec.name}: licence: {spec.licence} Cite: {spec.citation}")
    for file in wanted:
        path = folder / file.name
        if not path.exists():
            if file.by_hand:
                raise MissingFilesError(
                    f"{spec.name}: {file.name} cannot be fetched by a program. {file.by_hand} Put "
                    f"it at {path}, then run the same command again."
                )
            download(file, path)
        _verify(spec, file, path)
    for file in wanted:
        if is_archive(folder / file.name) and not file.in_place:
            unpack(folder / file.name, folder)
    return folder


def fetch_folder(spec: DatasetSpec, root: Path | None = None) -> Path:
    """Where the files of a data set are put."""
    return (root if root is not None else data_dir()) / (*spec.folders, "")[0]


def pinned(folder: Path, spec: DatasetSpec) -> Receipt:
    """The receipt in a folder; an empty one if there is none.

    Raises
    ------
    DataError
        If it cannot be read.
    """
    path = folder / RECEIPT
    if not path.exists():
        return Receipt(dataset=spec.name, licence=spec.licence, citation=spec.citation)
    try:
        return Receipt.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise DataError(f"{path} is damaged. Delete it: the files are then pinned anew.") from error


def _verify(spec: DatasetSpec, file: RemoteFile, path: Path) -> None:
    """Compare a file with the published or the pinned checksum, and write the receipt."""
    receipt = pinned(path.parent, spec)
    pin = receipt.files.get(file.name)
    fault = fault_of(file, path)
    if fault:
        raise DataError(
            f"{path} {fault}: it is damaged or not the maker's. Delete it and fetch it again."
        )
    digest = checksum(path).partition(":")[2]
    if pin is not None and pin.sha256 != digest:
        raise DataError(
            f"{path} has the checksum sha256:{digest}, and had sha256:{pin.sha256} on "
            f"{pin.date}: it has changed. Delete it and fetch it again, or delete its entry in "
            f"{path.with_name(RECEIPT)} if the new one is right."
        )
    if pin is not None:
        return
    if file.hash is None:
        say(f"{file.name}: its maker publishes no checksum; pinned sha256:{digest}")
    entry = Fetched(
        url=file.url,
        sha256=digest,
        bytes=path.stat().st_size,
        date=datetime.datetime.now(datetime.UTC).date().isoformat(),
        published_hash=file.hash is not None,
    )
    receipt = receipt.model_copy(update={"files": {**receipt.files, file.name: entry}})
    try:
        write_text(path.with_name(RECEIPT), receipt.model_dump_json(indent=2) + "\n")
    except DrbenchError as error:  # a folder that can only be read still holds good files
        say(f"warning: the checksum is not pinned. {error}")
