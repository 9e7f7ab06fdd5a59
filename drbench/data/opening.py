"""Finding a data set by its name, and opening it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drbench import registry
from drbench.data.codes import absent
from drbench.data.dataset import Dataset
from drbench.data.ground_truth import GroundTruth
from drbench.data.source import Source
from drbench.data.spec import Origin
from drbench.errors import PluginError, RequestError, UnknownNameError


def find_dataset(name: str, factors: Sequence[str] | None = None) -> Dataset:
    """Load the data set of a name.

    Parameters
    ----------
    name : str
        A registered name, of which no file is touched; or `folder:PATH` or
        `hf:OWNER/NAME[:split]`, whose tables are read.
    factors : sequence of str, optional
        Of the latter, the columns that are factors; `["none"]` for none at all.

    Raises
    ------
    UnknownNameError, RequestError
        For a name that does not exist, and factors where they are declared.
    """
    if is_open(name):
        return _find_open(name, factors)
    if factors is not None:
        raise RequestError(
            f"{name} declares its factors: they are picked for folder:PATH and hf:OWNER/NAME only."
        )
    plugin = registry.find("dataset", name)
    loaded = plugin.load()
    if not (isinstance(loaded, type) and issubclass(loaded, Dataset)):
        raise PluginError(f"The data set plugin {name!r} of {plugin.origin} is no drbench.Dataset.")
    dataset: Dataset = loaded()
    if dataset.spec.name != name:
        raise PluginError(
            f"The data set plugin {name!r} of {plugin.origin} calls itself {dataset.spec.name!r} "
            "in its spec: the two names must be equal."
        )
    return dataset


def is_open(name: str) -> bool:
    """Whether a name is a reference to images of anyone's, not that of a plugin."""
    return ":" in name


def _find_open(name: str, factors: Sequence[str] | None) -> Dataset:
    kind, _, reference = name.partition(":")
    if kind == "folder":
        from drbench.data.open_sets.folder import folder_set

        return folder_set(reference, factors)
    if kind == "hf":
        from drbench.data.open_sets.hub import hub_set

        return hub_set(reference, factors)
    raise UnknownNameError("kind of data set", f"{kind}:", ["folder:", "hf:"])


def load_dataset(
    name: str,
    *,
    origin: Origin = "official",
    root: Path | str | None = None,
    prepare: bool = False,
    size: tuple[int, int] | None = None,
    factors: Sequence[str] | None = None,
) -> GroundTruth:
    """Open a data set by its name.

    Parameters
    ----------
    name : str
        Registered name, see `drbench datasets list`; or `folder:PATH`, `hf:OWNER/NAME[:split]`.
    origin : {"official", "rendered"}
        The maker's files, or a drawing computed from the classes.
    root : path, optional
        Folder that holds the official files, directly, in a folder named after the set, or under
        the archive's own top folder. Default: DRBENCH_DATA, then the user's cache.
    prepare : bool
        Also prepare what could be computed on demand, for the speed of long training.
    size : (height, width), optional
        Resize the images to it, by area; sets that are files are then prepared at this size.
    factors : sequence of str, optional
        Columns of a `folder:` or `hf:` set that are factors; default: those that look like it.

    Raises
    ------
    UnknownNameError, RequestError
        For a name or an origin that does not exist.
    MissingFilesError, DataError
        For files that are missing or damaged.
    """
    dataset = find_dataset(name, factors)
    dataset.spec.require_origin(origin)
    folder = Path(root) if root is not None else None
    opened = open_dataset(dataset, Source(dataset.spec, origin, folder, prepare=prepare, size=size))
    return opened if size is None else opened.resized(*size)


def open_dataset(dataset: Dataset, source: Source) -> GroundTruth:
    """Open a data set, and say in its notes what the maker's files lack of the declared grid."""
    opened = dataset.open(source)
    # Sets whose factors depend on each other lack combinations by nature; a drawing lacks none.
    if source.origin == "rendered" or not opened.spec.independent:
        return opened
    lacking = absent(opened.codes, opened.spec.factors)
    return replace(opened, notes=(*opened.notes, lacking)) if lacking else opened
