"""Measure how disentangled a representation is, and whether that survives real images.

Public names are imported on first use, so that importing drbench costs nothing and needs neither
torch nor scikit-learn.
"""

import importlib
from typing import TYPE_CHECKING, Any

from drbench._version import __version__

if TYPE_CHECKING:
    from drbench import plot
    from drbench.data.codes import grid_codes
    from drbench.data.dataset import Dataset, load_dataset
    from drbench.data.files.stored import Contents
    from drbench.data.ground_truth import GroundTruth
    from drbench.data.source import Source
    from drbench.data.spec import DatasetSpec, Factor, RemoteFile
    from drbench.errors import DataError, DrbenchError, RequestError
    from drbench.metrics.duration import Duration
    from drbench.metrics.metric import Metric, MetricResult, metric
    from drbench.metrics.scores import Scores
    from drbench.metrics.scoring import score
    from drbench.models.budget import Training
    from drbench.models.model import Batch, Model, load_model
    from drbench.representation.representation import Interventions, Representation
    from drbench.runs.encode import encode
    from drbench.runs.execute import execute
    from drbench.runs.record import Record
    from drbench.runs.spec import DataRef, RunSpec, Scoring

_HOMES = {
    "Batch": "drbench.models.model",
    "Contents": "drbench.data.files.stored",
    "DataError": "drbench.errors",
    "DataRef": "drbench.runs.spec",
    "Dataset": "drbench.data.dataset",
    "DatasetSpec": "drbench.data.spec",
    "DrbenchError": "drbench.errors",
    "Duration": "drbench.metrics.duration",
    "Factor": "drbench.data.spec",
    "GroundTruth": "drbench.data.ground_truth",
    "Interventions": "drbench.representation.representation",
    "Metric": "drbench.metrics.metric",
    "MetricResult": "drbench.metrics.metric",
    "Model": "drbench.models.model",
    "Record": "drbench.runs.record",
    "RemoteFile": "drbench.data.spec",
    "Representation": "drbench.representation.representation",
    "RequestError": "drbench.errors",
    "RunSpec": "drbench.runs.spec",
    "Scores": "drbench.metrics.scores",
    "Scoring": "drbench.runs.spec",
    "Source": "drbench.data.source",
    "Training": "drbench.models.budget",
    "encode": "drbench.runs.encode",
    "execute": "drbench.runs.execute",
    "grid_codes": "drbench.data.codes",
    "load_dataset": "drbench.data.dataset",
    "load_model": "drbench.models.model",
    "metric": "drbench.metrics.metric",
    "score": "drbench.metrics.scoring",
}

__all__ = [
    "Batch",
    "Contents",
    "DataError",
    "DataRef",
    "Dataset",
    "DatasetSpec",
    "DrbenchError",
    "Duration",
    "Factor",
    "GroundTruth",
    "Interventions",
    "Metric",
    "MetricResult",
    "Model",
    "Record",
    "RemoteFile",
    "Representation",
    "RequestError",
    "RunSpec",
    "Scores",
    "Scoring",
    "Source",
    "Training",
    "__version__",
    "encode",
    "execute",
    "grid_codes",
    "load_dataset",
    "load_model",
    "metric",
    "plot",
    "score",
]


def __getattr__(name: str) -> Any:
    if name == "plot":
        return importlib.import_module("drbench.plot")
    if name not in _HOMES:
        raise AttributeError(f"module 'drbench' has no attribute {name!r}")
    try:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        from drbench.errors import MissingExtraError

        raise MissingExtraError("torch", extra="train") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
