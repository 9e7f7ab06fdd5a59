"""Finding the representation that a command was pointed at."""

from pathlib import Path
from typing import TYPE_CHECKING

from drbench.errors import RequestError
from drbench.progress import say

if TYPE_CHECKING:
    from drbench.representation.representation import Representation


def load_representation(path: Path, kind: str) -> "tuple[Path, Representation]":
    """The representation in a folder or in a run, after training, and where it lies.

    Parameters
    ----------
    path : path
        Folder that encode wrote, a run, or npz + csv of an outsider.
    kind : str
        mean or sampled.

    Raises
    ------
    RequestError
        For another kind.
    RepresentationError
        If there is no representation, or a damaged one.
    """
    from drbench.representation.representation import Representation

    if kind not in ("mean", "sampled"):
        raise RequestError(f"--kind {kind}: expected mean or sampled.")
    of_run = path / "representation" / "after"
    folder = of_run if of_run.is_dir() else path
    representation = Representation.load(folder, kind="sampled" if kind == "sampled" else "mean")
    for line in representation.notes:
        say(f"note: {line}")
    return folder, representation


def require_factors(folder: Path, representation: "Representation", what: str) -> None:
    """Refuse a representation without factors.

    Raises
    ------
    RequestError
        With `what` needs them.
    """
    if not representation.factors:
        raise RequestError(
            f"{folder} has no factors, which {what} needs: give the classes of each row in a "
            "classes.csv, or score it with metrics of the latents alone (gaussian_tc, latent_mi)."
        )
