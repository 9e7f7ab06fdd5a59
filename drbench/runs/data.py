"""Opening the images that a spec names."""

from drbench.data.dataset import find_dataset, load_dataset
from drbench.data.ground_truth import GroundTruth
from drbench.errors import RequestError
from drbench.runs.spec import DataRef


def open_data(
    data: DataRef, *, like: tuple[int, int, int] | None = None, prepare: bool = False
) -> GroundTruth:
    """Open what a DataRef names, in its size, or with the image shape of another data set.

    Raises
    ------
    RequestError
        If a size is asked for that `like` rules out.
    """
    truth = load_dataset(data.name, origin=data.origin, prepare=prepare).subgrid(data.levels)
    if like is None:
        return truth.resized(data.resize) if data.resize else truth
    if data.resize not in (None, like[0]):
        raise RequestError(
            f"--resize {data.resize}: the source was trained on {like[0]}x{like[1]} pixels, and "
            "its weights fit no other size."
        )
    return truth.resized(*like[:2]).with_channels(like[2])


def image_shape(data: DataRef) -> tuple[int, int, int]:
    """Height, width and channels of a DataRef's images, its files untouched."""
    height, width, channels = find_dataset(data.name).spec.image_shape
    return (data.resize or height, data.resize or width, channels)
