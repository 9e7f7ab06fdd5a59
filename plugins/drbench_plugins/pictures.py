"""PNG files in folders and ZIP archives: read in place, strictly, and decoded by threads."""

import io
import struct
import zipfile
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar, final

import numpy as np
from jaxtyping import Shaped

from drbench import DataError

T = TypeVar("T")

_AHEAD = 128  # images decoded before they are asked for: enough for every thread, little memory
_GREY, _RGB = 0, 2
_COLORS = {_GREY: "grey", _RGB: "RGB", 3: "palette", 4: "grey with alpha", 6: "RGBA"}


@final
@dataclass(frozen=True, slots=True)
class Picture:
    """Where a file lies."""

    place: Path
    """Its folder, or the ZIP archive that holds it."""
    name: str
    """Its name in the folder, or its path in the archive."""

    def __str__(self) -> str:
        return f"{self.place}/{self.name}"

    @property
    def stem(self) -> str:
        """Its name without folders and without the last suffix."""
        return self.name.rpartition("/")[2].rpartition(".")[0]


Load = Callable[[Picture], bytes]


def listed(place: Path, ending: str = ".png") -> list[Picture]:
    """Files with this ending in a folder, not below it, or anywhere in a ZIP archive; unordered.

    Raises
    ------
    DataError
        If an archive is damaged.
    """
    if place.is_dir():
        names = [file.name for file in place.iterdir()]
    else:
        with _damage_named(place), zipfile.ZipFile(place) as archive:
            names = archive.namelist()
    return [Picture(place, name) for name in names if name.endswith(ending)]


@contextmanager
def opened(places: Iterable[Path]) -> Iterator[Load]:
    """A function that gives the bytes of files in these folders and archives, also to threads.

    It raises DataError where a file is missing or damaged.
    """
    with ExitStack() as stack:
        archives = {}
        for place in places:
            if not place.is_dir():
                with _damage_named(place):
                    archives[place] = stack.enter_context(zipfile.ZipFile(place))

        def load(picture: Picture) -> bytes:
            archive = archives.get(picture.place)
            with _damage_named(picture):
                if archive is None:
                    return (picture.place / picture.name).read_bytes()
                return archive.read(picture.name)

        yield load


def read_png(
    load: Load,
    picture: Picture,
    *,
    channels: int,
    depth: int = 8,
    size: tuple[int, int] | None = None,
) -> Shaped[np.ndarray, "height width channel"]:
    """Decode a PNG file that must be of one kind.

    Parameters
    ----------
    load : callable
        Gives its bytes, see `opened`.
    picture : Picture
    channels : {1, 3}
        Grey or RGB.
    depth : {1, 8, 16}
        Bits a channel; the result is bool, uint8 or uint16.
    size : (height, width), optional
        None for any.

    Raises
    ------
    DataError
        If it is of another kind, or damaged.
    """
    from PIL import Image

    data = load(picture)
    if not data.startswith(b"\x89PNG\r\n\x1a\n") or len(data) < 26:
        raise DataError(f"{picture} is no PNG file. Fetch the set again.")
    # Pillow narrows 16 bits to 8 without a word, so the header is read here.
    width, height, bits, color = struct.unpack(">IIBB", data[16:26])
    expected = (depth, _GREY if channels == 1 else _RGB)
    if (bits, color) != expected or size not in (None, (height, width)):
        sides = "" if size is None else f"{size[1]}x{size[0]} of "
        raise DataError(
            f"{picture} is a {width}x{height} PNG of {bits} bits, {_COLORS.get(color, color)}; "
            f"{sides}{depth} bits, {_COLORS[expected[1]]} was expected. Fetch the set again."
        )
    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            image.verify()  # the checksums, which decoding does not compare to the end
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            return np.asarray(image).reshape(height, width, channels)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(
            f"{picture} cannot be decoded ({error}): it is truncated or damaged. "
            "Fetch the set again."
        ) from error


def decoded(
    items: Sequence[T],
    decode: Callable[[T], np.ndarray],
    *,
    blank: tuple[int, int, int],
    fault: Callable[[DataError], None],
    rows: int = 64,
) -> Iterator[Shaped[np.ndarray, "k height width channel"]]:
    """Blocks of decoded images, in order; threads decode ahead of whoever takes them.

    Parameters
    ----------
    items : sequence
        What is decoded, such as pictures.
    decode : callable
        Gives the image of an item; called by threads.
    blank : (height, width, channel)
        Shape of the black image in the place of one that cannot be decoded.
    fault : callable
        Told of an image that cannot be decoded, such as `Source.fault`; it may raise.
    rows : int
        Images in a block.
    """

    def taken(future: "Future[np.ndarray]") -> np.ndarray:
        try:
            return future.result()
        except DataError as error:
            fault(error)
            return np.zeros(blank, dtype=np.uint8)

    pool = ThreadPoolExecutor()  # Pillow lets go of the interpreter while it decodes
    try:
        ahead = deque(pool.submit(decode, item) for item in items[:_AHEAD])
        for start in range(0, len(items), rows):
            block = []
            for following in items[start + _AHEAD : start + _AHEAD + rows]:
                block.append(taken(ahead.popleft()))
                ahead.append(pool.submit(decode, following))
            while ahead and len(block) < rows:
                block.append(taken(ahead.popleft()))
            yield np.stack(block)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _damage_named(what: Path | Picture) -> Iterator[None]:
    """Turn what goes wrong with a file or an archive into one sentence."""
    try:
        yield
    except (FileNotFoundError, KeyError) as error:
        raise DataError(f"{what} is missing. Fetch the set again.") from error
    except (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(
            f"{what} cannot be read ({error}): it is truncated or of another kind. "
            "Fetch the set again."
        ) from error
