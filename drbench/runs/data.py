"""Opening the images that a spec names."""

from collections.abc import Mapping, Sequence

from drbench.data.ground_truth import GroundTruth
from drbench.data.opening import find_dataset, identify, load_dataset
from drbench.data.spec import DatasetSpec
from drbench.errors import RequestError
from drbench.runs.spec import DataRef


def data_ref(
    name: str,
    origin: str | None = None,
    *,
    resize: int | None = None,
    levels: Mapping[str, int] | None = None,
    factors: Sequence[str] | None = None,
    called: str | None = None,
    pattern: str | None = None,
) -> DataRef:
    """Name images as a spec does: without paths, of the maker's files if no origin is named.

    Parameters
    ----------
    name, origin, factors, pattern
        As in `drbench.load_dataset`.
    resize, levels
        As in DataRef.
    called : str, optional
        What images of one's own are called; default: their folder's own name.

    Raises
    ------
    UnknownNameError, RequestError
        For what does not exist.
    """
    name, content = identify(name, called=called, pattern=pattern)
    spec = find_dataset(name, factors, content=content).spec
    return DataRef(
        name=name,
        origin=origin or spec.default_origin,
        content=content,
        resize=resize,
        levels=levels or {},
        factors=None if factors is None else tuple(factors),
    )


def open_data(
    data: DataRef, *, like: tuple[int, int, int] | None = None, prepare: bool = False
) -> GroundTruth:
    """Open what a DataRef names, in its size, or with the image shape of another data set.

    Raises
    ------
    RequestError
        If a size is asked for that `like` rules out.
    """
    if like is not None:
        require_size(data, like)
    asked = (data.resize, data.resize) if data.resize else None
    size = like[:2] if like else asked
    truth = load_dataset(
        data.name,
        origin=data.origin,
        prepare=prepare,
        size=size,
        factors=data.factors,
        content=data.content,
    )
    truth = truth.subgrid(data.levels)
    return truth.with_channels(like[2]) if like else truth


def require_size(data: DataRef, like: tuple[int, int, int]) -> None:
    """Refuse a size that is not that of the source."""
    if data.resize not in (None, like[0]):
        raise RequestError(
            f"--resize {data.resize}: the source was trained on {like[0]}x{like[1]} pixels, and "
            "its weights fit no other size."
        )


def declared(data: DataRef) -> DatasetSpec:
    """What a DataRef's data set declares, cut down to its levels, its files untouched.

    Raises
    ------
    UnknownNameError, RequestError
        For a data set, an origin, a factor or a number of levels that does not exist.
    """
    spec = find_dataset(data.name, data.factors, content=data.content).spec
    spec.require_origin(data.origin)
    return spec.subgrid(data.levels)


def image_shape(data: DataRef) -> tuple[int, int, int]:
    """Height, width and channels of a DataRef's images, its files untouched."""
    height, width, channels = declared(data).image_shape
    return (data.resize or height, data.resize or width, channels)
