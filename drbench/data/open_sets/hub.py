"""`hf:OWNER/NAME[:split]`: image data sets of the Hugging Face hub, or saved on disk."""

import io
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Shaped, UInt8

from drbench.data.open_sets.columns import read_columns
from drbench.data.open_sets.open_set import OpenSet, own_name
from drbench.data.open_sets.photographs import rgb_pixels
from drbench.data.spec import Factor
from drbench.errors import DataError, MissingExtraError, RequestError
from drbench.files import cache_dir

if TYPE_CHECKING:
    import PIL.ImageFile

DEFAULT_SPLIT = "train"


def hub_set(reference: str, picked: Sequence[str] | None, *, name: str | None = None) -> OpenSet:
    """Find the images of a hub data set, and their factors.

    Images are its first image column. Class labels, integers, reals and text are factors, as
    `drbench.data.open_sets.columns.read_columns` says.

    Parameters
    ----------
    reference : str
        `OWNER/NAME` of the hub, or the path of a folder in which the datasets library saved a set
        (`save_to_disk`), or that it can load (parquet files, image folders); with `:split`, by
        default `:train`, or the only one there is.
    picked : sequence of str, optional
        Columns that are factors.
    name : str, optional
        What a set on this disk is called; default: its folder's own name.

    Raises
    ------
    MissingExtraError
        If the datasets library is not installed.
    RequestError
        If there is no such set, split or image column.
    DataError
        If it cannot be read.
    """
    try:
        import datasets
    except ImportError as error:
        raise MissingExtraError("datasets", "hub") from error

    rows, place, split = _load(reference)
    folder = Path(place).expanduser()
    is_own = folder.is_dir()
    if name and not is_own:
        raise RequestError(
            f"--name is for images on this disk: hf:{place} has its name on the hub."
        )
    # A split that need not be named is not named, so that one set has one name.
    called = (own_name(name, folder) if is_own else place) + (
        "" if split == DEFAULT_SPLIT else f":{split}"
    )
    features = rows.features
    image = next((name for name, kind in features.items() if isinstance(kind, datasets.Image)), "")
    if not image:
        raise RequestError(f"hf:{reference} has no column of images; it has {', '.join(features)}.")
    if not len(rows):
        raise DataError(f"hf:{reference} has no rows in its split {split}: choose another.")
    labels = [
        name
        for name, kind in features.items()
        if isinstance(kind, datasets.Value | datasets.ClassLabel)
    ]
    table = rows.select_columns(labels)
    declared = {
        name: Factor(name=name, kind="categorical", values=tuple(kind.names))
        for name, kind in features.items()
        if isinstance(kind, datasets.ClassLabel)
    }
    stored = rows.select_columns([image]).cast_column(image, datasets.Image(decode=False))
    return OpenSet(
        f"hf:{called}",
        f"Images of the data set {called.partition(':')[0]}, split {split}",
        read_columns(
            {name: _column(table[name][:], name in declared) for name in labels},
            len(rows), picked, declared, where=f"hf:{reference}",
        ),
        partial(_pictures, stored, image, f"hf:{reference}"),
        _inputs(stored, image, folder if is_own else None),
        home=f"hf:{folder.resolve()}:{split}" if is_own else "",
        reading=split,
        licence=rows.info.license or "Its owner's terms.",
        homepage=rows.info.homepage or "",
    )  # fmt: skip


def _column(entries: Sequence[Any], is_class: bool) -> Shaped[np.ndarray, "n"]:
    """Labels of the rows, None where there is none: of a class label the library writes that -1."""
    return np.array([None if is_class and entry == -1 else entry for entry in entries], object)


def _load(reference: str) -> tuple[Any, str, str]:
    """One split of a set, the set's own name or path, and the split's."""
    import datasets
    from datasets.exceptions import DatasetsError

    place, colon, split = reference.rpartition(":")
    if not colon or "/" in split:
        place, split = reference, ""
    folder = Path(place).expanduser()
    datasets.disable_progress_bars()
    try:
        if (folder / "state.json").is_file() or (folder / "dataset_dict.json").is_file():
            loaded = datasets.load_from_disk(str(folder))
        else:
            name = str(folder) if folder.is_dir() else place
            loaded = datasets.load_dataset(name, cache_dir=str(cache_dir() / "hub"))
    except FileNotFoundError as error:  # DatasetNotFoundError is one too
        raise RequestError(
            f"hf:{reference}: there is no folder {folder}, and the hub gives no data set {place}: "
            f"{error}"
        ) from error
    # An IndexError comes of a set without rows.
    except (DatasetsError, OSError, ValueError, IndexError) as error:
        raise DataError(
            f"hf:{reference} cannot be loaded: {error}. See whether `datasets.load_dataset` loads "
            "it."
        ) from error
    splits = loaded if isinstance(loaded, dict) else {str(loaded.split or DEFAULT_SPLIT): loaded}
    chosen = split or (DEFAULT_SPLIT if DEFAULT_SPLIT in splits else next(iter(splits)))
    if chosen not in splits or (not split and DEFAULT_SPLIT not in splits and len(splits) > 1):
        raise RequestError(
            f"hf:{reference}: choose a split, hf:{place}:SPLIT, one of {', '.join(splits)}."
        )
    return splits[chosen], place, chosen


def _pictures(
    rows: Any, image: str, where: str
) -> Iterator[tuple[str, UInt8[np.ndarray, "height width 3"]]]:
    for number, row in enumerate(rows):
        cell, name = row[image], f"{where}, row {number}"
        if cell is None:
            raise DataError(f"{name} has no image: leave the row out.")
        yield name, rgb_pixels(partial(_open, cell), name)


def _open(cell: dict[str, Any]) -> "PIL.ImageFile.ImageFile":
    from PIL import Image

    return Image.open(io.BytesIO(cell["bytes"]) if cell["bytes"] is not None else cell["path"])


def _inputs(rows: Any, image: str, folder: Path | None) -> list[Path]:
    """Files that hold the rows, those of a folder on this disk, and pictures they only point at."""
    if folder is None:
        files = [Path(file["filename"]) for file in rows.cache_files]
    else:
        # What the library keeps beside them begins with a dot or so.
        files = [
            file for file in folder.rglob("*")
            if file.is_file() and not file.name.startswith((".", "cache-"))
        ]  # fmt: skip
    # Embedded pictures are in those files: of their rows the first tells, the others stay unread.
    first = next((row[image] for row in rows if row[image]), None)
    if first and first["bytes"] is None:
        files += [Path(row[image]["path"]) for row in rows if row[image]]
    return sorted(set(files))
