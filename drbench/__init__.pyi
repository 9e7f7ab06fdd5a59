"""The public names of drbench and where each is: read by type checkers and by `__init__.py`."""

from drbench import plot as plot
from drbench.data.codes import grid_codes as grid_codes
from drbench.data.dataset import Dataset as Dataset
from drbench.data.files.stored import Contents as Contents
from drbench.data.ground_truth import GroundTruth as GroundTruth
from drbench.data.opening import load_dataset as load_dataset
from drbench.data.source import Source as Source
from drbench.data.spec import DatasetSpec as DatasetSpec
from drbench.data.spec import Factor as Factor
from drbench.data.spec import RemoteFile as RemoteFile
from drbench.errors import DataError as DataError
from drbench.errors import DrbenchError as DrbenchError
from drbench.errors import RequestError as RequestError
from drbench.metrics.metric import Metric as Metric
from drbench.metrics.metric import metric as metric
from drbench.metrics.result import MetricResult as MetricResult
from drbench.metrics.scores import Scores as Scores
from drbench.metrics.scoring import score as score
from drbench.models.budget import Runtime as Runtime
from drbench.models.budget import Training as Training
from drbench.models.model import Batch as Batch
from drbench.models.model import Encoder as Encoder
from drbench.models.model import Generative as Generative
from drbench.models.model import Trainable as Trainable
from drbench.models.model import load_model as load_model
from drbench.models.pretrained import HubWeights as HubWeights
from drbench.models.pretrained import WeightsFile as WeightsFile
from drbench.representation.representation import Interventions as Interventions
from drbench.representation.representation import Representation as Representation
from drbench.runs.encode import encode as encode
from drbench.runs.execute import execute as execute
from drbench.runs.record import Record as Record
from drbench.runs.run import Run as Run
from drbench.runs.spec import DataRef as DataRef
from drbench.runs.spec import RunSpec as RunSpec
from drbench.runs.spec import Scoring as Scoring
from drbench.runs.train import train as train
from drbench.runs.train import transfer as transfer

__version__: str

def list_datasets() -> list[str]: ...
def list_metrics() -> list[str]: ...
def list_models() -> list[str]: ...
