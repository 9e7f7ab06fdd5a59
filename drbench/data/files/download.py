"""One file over HTTP: resumed where it stopped, verified before it counts."""

import hashlib
import json
import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import filelock

from drbench.data.spec import RemoteFile
from drbench.errors import DataError, DrbenchError
from drbench.files import cache_dir, sha256_text, write_text
from drbench.progress import progress, say

if TYPE_CHECKING:
    import requests

ATTEMPTS = 3
"""Times that one address is tried if the connection breaks."""
PAUSE = 1.0
"""Seconds before it is tried again."""
_TIMEOUT = (20, 60)  # seconds to connect, seconds without a byte
_BLOCK = 1 << 16  # what a cut connection can lose


def download(file: RemoteFile, path: Path) -> None:
    """Download a file to `path`; a part that an earlier attempt left is continued.

    The addresses are tried in turn. What arrives is kept beside `path` as a `.partial` file until
    its size and checksum are right.

    Raises
    ------
    DataError
        If what arrives is a web page, or has another size or checksum than the file's.
    DrbenchError
        If no address answers, or the disk fails.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(_lock(path)):
            if path.exists():  # another process was first
                return
            _from_any_address(file, partial)
            partial.replace(path)
            _validator_file(partial).unlink(missing_ok=True)
    except OSError as error:
        raise DrbenchError(
            f"Keeping {path} failed: {error.strerror or error}. Free some space or point "
            "DRBENCH_DATA at another folder."
        ) from error


def checksum(path: Path, algorithm: str = "sha256") -> str:
    """Checksum of a file as `algorithm:digits`."""
    with path.open("rb") as file:
        return f"{algorithm}:{hashlib.file_digest(file, algorithm).hexdigest()}"


def fault_of(file: RemoteFile, path: Path) -> str:
    """How a file on disk differs from the declared one; empty if it does not."""
    size = path.stat().st_size
    if file.bytes is not None and size != file.bytes:
        return f"has {size:,} bytes, not {file.bytes:,}"
    if file.hash is not None:
        digest = checksum(path, file.hash.partition(":")[0])
        if digest != file.hash:
            return f"has the checksum {digest}, not {file.hash}"
    return ""


def _from_any_address(file: RemoteFile, partial: Path) -> None:
    failures: list[DrbenchError] = []
    for url in (file.url, *file.mirrors):
        try:
            _from_address(url, file, partial)
        except DrbenchError as error:
            if isinstance(error, DataError):
                _forget(partial)
            failures.append(error)
            if url != (file.url, *file.mirrors)[-1]:
                say(f"{error} Trying the next address.")
        else:
            return
    raise failures[-1]


def _from_address(url: str, file: RemoteFile, partial: Path) -> None:
    """Download from one address, and once more from the start if a continued part was wrong."""
    continued = partial.exists()
    _receive(url, file, partial)
    fault = fault_of(file, partial)
    if fault and continued:
        _forget(partial)
        _receive(url, file, partial)
        fault = fault_of(file, partial)
    if not _length(partial):
        fault = "is empty"
    if fault:
        raise DataError(
            f"What {url} gave {fault}: the file has changed or the way to it is damaged. Try "
            "again, or compare with the maker's page."
        )


def _receive(url: str, file: RemoteFile, partial: Path) -> None:
    import requests
    import urllib3

    before = _length(partial)
    for attempt in range(1, ATTEMPTS + 1):
        try:
            _append(url, file, partial)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            gained = _length(partial) - before
            if attempt < ATTEMPTS and not isinstance(error, requests.HTTPError):
                time.sleep(PAUSE)
            elif gained:
                raise DrbenchError(
                    f"Fetching {url} broke off after {_length(partial):,} bytes ({error}). They "
                    "are kept: run the same command again to go on."
                ) from error
            else:
                raise DrbenchError(
                    f"Fetching {url} failed: {error}. Try again, or put the file there by hand: "
                    f"{partial.with_name(file.name)}."
                ) from error
        else:
            return


def _append(url: str, file: RemoteFile, partial: Path) -> None:
    """Ask for what is missing, and append it."""
    import requests

    have = _length(partial)
    validator = _validator(partial)
    if have and file.bytes is not None and have >= file.bytes:
        return
    if have and not validator and file.hash is None:
        _forget(partial)  # nothing would tell whether the rest is of the same file
        have = 0
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers |= {"Range": f"bytes={have}-"} | ({"If-Range": validator} if validator else {})
    with requests.get(url, headers=headers, stream=True, timeout=_TIMEOUT) as response:
        if response.status_code == requests.codes.requested_range_not_satisfiable:
            total = response.headers.get("Content-Range", "").rpartition("/")[2]
            if total == str(have):
                return  # the part is the whole
            _forget(partial)
            raise requests.ConnectionError("the part that was kept does not fit; starting over")
        response.raise_for_status()
        goes_on = response.status_code == requests.codes.partial_content
        start = have if goes_on else 0
        if goes_on and not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            _forget(partial)
            raise requests.ConnectionError("the server continued at another place")
        if goes_on and have and validator and _validator_of(response) not in ("", validator):
            _forget(partial)
            raise requests.ConnectionError("the server continued another file")
        _save(url, file, response, partial, start)


def _save(
    url: str, file: RemoteFile, response: "requests.Response", partial: Path, start: int
) -> None:
    length = response.headers.get("Content-Length", "")
    total = start + int(length) if length.isdecimal() else None
    if total is not None and file.bytes not in (None, total):
        kind = response.headers.get("Content-Type", "")
        if "html" not in kind:  # of a web page the next lines say more
            raise DataError(
                f"{url} offers {total:,} bytes, the file has {file.bytes:,}: it has changed or is "
                "another. Nothing was fetched; compare with the maker's page."
            )
    limit = file.bytes if file.bytes is not None else total
    _check_space(partial, (limit or 0) - start)
    write_text(_validator_file(partial), json.dumps({"validator": _validator_of(response)}))
    label = f"fetching {file.name}" + (f" from byte {start:,} on" if start else "")
    with (
        progress(label, limit or 0, done=start) as advance,
        partial.open("ab" if start else "wb") as sink,
    ):
        written = start
        # As they come: some servers call the file's own compression one of the connection, and
        # what is undone would not be the file.
        for block in response.raw.stream(_BLOCK, decode_content=False):
            if written == 0:
                _refuse_page(url, block, response.headers.get("Content-Type", ""))
            written += len(block)
            if limit is not None and written > limit:
                raise DataError(
                    f"{url} gave more than the {limit:,} bytes of the file: it was stopped, and "
                    "nothing was kept."
                )
            sink.write(block)
            advance(len(block))


def _refuse_page(url: str, start: bytes, kind: str) -> None:
    page = start[:256].lstrip().lower().startswith((b"<!doctype html", b"<html"))
    if page or kind.startswith("text/html"):
        raise DataError(
            f"{url} gave a web page, not the file: it may need a click or a login. Fetch it with a "
            "browser and put it in the data folder."
        )


def _check_space(partial: Path, needed: int) -> None:
    free = shutil.disk_usage(partial.parent).free
    if needed > free:
        raise DrbenchError(
            f"{partial.parent} has {free / 1e6:,.0f} MB free, {needed / 1e6:,.0f} MB are to come: "
            "free some, or set DRBENCH_DATA to a larger disk."
        )


def _lock(path: Path) -> Path:
    """One lock for each file that is fetched, kept out of the user's data folder."""
    locks = cache_dir() / "locks"
    locks.mkdir(parents=True, exist_ok=True)
    return locks / f"{sha256_text(str(path.absolute()))[:16]}.lock"


def _length(partial: Path) -> int:
    return partial.stat().st_size if partial.exists() else 0


def _validator_of(response: "requests.Response") -> str:
    """What the server calls these very bytes; empty if it says nothing that can be relied on."""
    tag = response.headers.get("ETag", "")
    strong = tag if not tag.startswith("W/") else ""
    return str(strong or response.headers.get("Last-Modified", ""))


def _validator_file(partial: Path) -> Path:
    return partial.with_name(f"{partial.name}.json")


def _validator(partial: Path) -> str:
    """What the server called the bytes that were kept, so that a changed file is not mixed in."""
    try:
        return str(json.loads(_validator_file(partial).read_bytes())["validator"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


def _forget(partial: Path) -> None:
    partial.unlink(missing_ok=True)
    _validator_file(partial).unlink(missing_ok=True)
