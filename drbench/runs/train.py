"""Training and transfer from Python: what the command line does, in one call each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drbench.data.spec import Origin
from drbench.models.budget import Runtime
from drbench.runs.data import data_ref, declared
from drbench.runs.defaults import PAIRS, SAMPLE
from drbench.runs.execute import execute
from drbench.runs.folder import RunFolder
from drbench.runs.request import scoring_request, train_spec, transfer_spec
from drbench.runs.run import Run
from drbench.runs.spec import RunSpec


def train(
    model: str,
    dataset: str,
    *,
    origin: Origin | None = None,
    resize: int | None = None,
    levels: dict[str, int] | None = None,
    factors: Sequence[str] | None = None,
    steps: int | None = None,
    seed: int = 0,
    metrics: Sequence[str] = (),
    sample: int = SAMPLE,
    pairs: int = PAIRS,
    out: Path | str | None = None,
    runtime: Runtime | None = None,
    **settings: Any,
) -> Run:
    """Train a model on a source and score its held-out images.

    Parameters
    ----------
    model, dataset : str
        Registered names; a data set may also be `folder:PATH` or `hf:OWNER/NAME[:split]`.
    origin : {"official", "rendered", "own"}, optional
        The maker's files, a drawing, or images of one's own. Default: official, or the only one.
    resize : int, optional
        Side in pixels to resize to.
    levels : dict of factor to int, optional
        Number of evenly spaced classes kept of a factor.
    factors : sequence of str, optional
        Columns of an open set that are factors.
    steps : int, optional
        Steps of the optimiser. Default: the published 400,000; none of a model that does not train.
    seed : int
        Of weights, batches, split and sample.
    metrics : sequence of str
        What is scored; by default what `drbench score` scores.
    sample, pairs : int
        Held-out rows, and interventions a factor, that are scored, at most.
    out : path, optional
        Folder of the run. Default: one of the cache, where equal runs are done once.
    runtime : Runtime, optional
        How to carry it out: device, threads, log, checkpoints.
    **settings
        Of the model (`beta`, `latents`, ...) and of its training (`lr`, `batch`, ...).

    Returns
    -------
    Run

    Raises
    ------
    RequestError
        For names or values that do not exist.
    DrbenchError
        If the training comes apart, or files are missing or damaged.
    """
    data = data_ref(dataset, origin, resize=resize, levels=levels, factors=factors)
    scoring = scoring_request(
        list(metrics), {}, sample=sample, pairs=pairs, factors=bool(declared(data).factors)
    )
    spec = train_spec(data, model, settings=settings, steps=steps, seed=seed, scoring=scoring)
    return _executed(spec, out, None, runtime)


def transfer(
    run: Run | Path | str,
    dataset: str,
    *,
    origin: Origin | None = None,
    levels: dict[str, int] | None = None,
    factors: Sequence[str] | None = None,
    steps: int | None = None,
    seed: int | None = None,
    metrics: Sequence[str] = (),
    sample: int = SAMPLE,
    pairs: int = PAIRS,
    out: Path | str | None = None,
    runtime: Runtime | None = None,
    **settings: Any,
) -> Run:
    """Fine-tune a run on a target without labels; score the target before and after.

    Parameters
    ----------
    run : Run or path
        What the weights are taken from.
    dataset : str
        The target; its images are resized to the source's.
    seed : int, optional
        Default: the source's.
    origin, levels, factors, steps, metrics, sample, pairs, out, runtime, **settings
        As in `train`; settings that are not named are inherited.

    Returns
    -------
    Run

    Raises
    ------
    RequestError, DrbenchError
        As in `train`; RequestError also for a target that is the source itself.
    """
    source = run if isinstance(run, Run) else Run.load(run)
    data = data_ref(dataset, origin, levels=levels, factors=factors)
    scoring = scoring_request(
        list(metrics), {}, sample=sample, pairs=pairs, factors=bool(declared(data).factors)
    )
    spec = transfer_spec(
        source.spec, data, settings=settings, steps=steps, seed=seed, scoring=scoring
    )
    return _executed(spec, out, source.path, runtime)


def _executed(
    spec: RunSpec, out: Path | str | None, source: Path | None, runtime: Runtime | None
) -> Run:
    folder = RunFolder.at_home(spec) if out is None else RunFolder(Path(out))
    execute(spec, out=folder.path, source=source, resume=True, runtime=runtime)
    return Run(folder.path)
