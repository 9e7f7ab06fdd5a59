"""The contract of a data set plugin."""

from abc import ABC, abstractmethod

from drbench.data.ground_truth import GroundTruth
from drbench.data.source import Source
from drbench.data.spec import DatasetSpec


class Dataset(ABC):
    """A data set plugin: its declaration, and how to open it."""

    spec: DatasetSpec
    """All that is known before a file is touched."""

    @abstractmethod
    def open(self, source: Source) -> GroundTruth:
        """Open `source.origin` of the data set.

        Parameters
        ----------
        source : Source
            Which origin is asked for; finds the maker's files and keeps prepared ones.

        Raises
        ------
        MissingFilesError
            If the maker's files are not there (`source.file` raises it).
        DataError
            If they are not what they should be.
        """
