"""Finding a data set by its name, and opening it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from drbench import registry
from drbench.data.codes import absent
from drbench.data.dataset import Dataset
from drbench.data.ground_truth import GroundTruth
from drbench.data.imaging import image_sides
from drbench.data.open_sets.finding import find_known, find_open, remember
from drbench.data.source import Source
from drbench.data.spec import Origin
from drbench.errors import PluginError, RequestError


def find_dataset(
    name: str,
    factors: Sequence[str] | None = None,
    *,
    content: str | None = None,
    pattern: str | None = None,
) -> Dataset:
    """Load the data set of a name.

    Parameters
    ----------
    name : str
        A registered name, of which no file is touched; or `folder:PATH` or
        `hf:OWNER/NAME[:split]`, whose tables are read.
    factors : sequence of str, optional
        Of the latter, the columns that are factors; `["none"]` for none at all.
    content : str, optional
        Of images of one's own, what `identify` said of them: `name` is then a name without a path.
    pattern : str, optional
        Of `folder:PATH`, what the names of its files look like: names in braces are factors.

    Raises
    ------
    UnknownNameError, RequestError
        For a name that does not exist, and factors where they are declared.
    DataError
        If the content is another.
    """
    if is_open(name):
        if content is not None:
            return find_known(name, content, factors)
        return find_open(name, factors, pattern=pattern)
    if any(option is not None for option in (factors, pattern, content)):
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


def identify(
    name: str, *, called: str | None = None, pattern: str | None = None
) -> tuple[str, str | None]:
    """What a data set is called in a spec, and the content of images of one's own.

    Parameters
    ----------
    name : str
        A registered name, `folder:PATH` or `hf:OWNER/NAME[:split]`.
    called : str, optional
        What images of one's own are called; default: their folder's own name.
    pattern : str, optional
        Of `folder:PATH`, what the names of its files look like.

    Returns
    -------
    name : str
        The registered name, `folder:NAME`, `hf:NAME[:split]` or `hf:OWNER/NAME[:split]`.
    content : str or None
        SHA-256 of images of one's own, by which `find_dataset` finds them again on this machine.
    """
    if is_open(name):
        own = find_open(name, None, pattern=pattern, name=called)
        if not own.home:
            return own.spec.name, None
        remember(own, pattern)
        return own.spec.name, own.content
    if called is not None or pattern is not None:
        option = "--name" if called is not None else "--pattern"
        raise RequestError(f"{option} is for images of your own: {name} is a registered data set.")
    return name, None


def load_dataset(
    name: str,
    *,
    origin: Origin | None = None,
    root: Path | str | None = None,
    prepare: bool = False,
    size: int | tuple[int, int] | None = None,
    factors: Sequence[str] | None = None,
    pattern: str | None = None,
    content: str | None = None,
) -> GroundTruth:
    """Open a data set by its name.

    Parameters
    ----------
    name : str
        Registered name, see `drbench datasets list`; or `folder:PATH`, `hf:OWNER/NAME[:split]`.
    origin : {"official", "rendered", "own"}, optional
        The maker's files, a drawing computed from the classes, or images of one's own. Default:
        official where there is such a one, else the only one.
    root : path, optional
        Folder that holds the official files, directly, in a folder named after the set, or under
        the archive's own top folder. Default: DRBENCH_DATA, then the user's cache.
    prepare : bool
        Also prepare what could be computed on demand, for the speed of long training.
    size : int or (height, width), optional
        Resize the images to it (a number: to a square), by area; sets that are files are then
        prepared at this size.
    factors : sequence of str, optional
        Columns of a `folder:` or `hf:` set that are factors; default: those that look like it.
    pattern : str, optional
        What the names of files in a folder look like, such as `obj{object}__{angle}.png`: what
        stands in braces are factors.
    content : str, optional
        What `identify` said of images of one's own: `name` is then a name without a path.

    Raises
    ------
    UnknownNameError, RequestError
        For a name or an origin that does not exist.
    MissingFilesError, DataError
        For files that are missing or damaged.
    """
    dataset = find_dataset(name, factors, content=content, pattern=pattern)
    origin = origin or dataset.spec.default_origin
    dataset.spec.require_origin(origin)
    folder = Path(root) if root is not None else None
    sides = None if size is None else image_sides(size)
    opened = open_dataset(
        dataset, Source(dataset.spec, origin, folder, prepare=prepare, size=sides)
    )
    return opened if sides is None else opened.resized(*sides)


def open_dataset(dataset: Dataset, source: Source) -> GroundTruth:
    """Open a data set, and say in its notes what the maker's files lack of the declared grid."""
    opened = dataset.open(source)
    # Sets whose factors depend on each other lack combinations by nature; a drawing lacks none.
    if source.origin == "rendered" or not opened.spec.independent:
        return opened
    lacking = absent(opened.codes, opened.spec.factors)
    return replace(opened, notes=(*opened.notes, lacking)) if lacking else opened
