"""Encode a data set with a run or with a function of one's own."""

from pathlib import Path

import numpy as np

from drbench.data.sampling import split_rows
from drbench.representation.representation import Representation
from drbench.runs.data import image_shape, open_data
from drbench.runs.encoding import Sample, find_encoder, represent
from drbench.runs.folder import RunFolder
from drbench.runs.spec import DataRef, Scoring


def encode_dataset(
    encoder: str, data: DataRef, *, sample: int, seed: int
) -> tuple[Representation, str]:
    """Encode a sample of a data set and its interventions.

    Parameters
    ----------
    encoder : str
        Folder of a run, `FILE.py:function` or `module:function`. A run is given rows of its
        held-out share, so that a run on the same data set, on whatever levels, is scored on what
        it never saw; a function is given any rows.
    data : DataRef
        What to encode.
    sample : int
        Rows, at most.
    seed : int
        Seed of the sample.

    Returns
    -------
    representation : Representation
    data_hash : str
        SHA-256 of the codes and pixels of the scored rows.
    """
    pairs = Scoring.model_fields["pairs"].default
    if not (Path(encoder) / "spec.json").is_file():
        function, truth = find_encoder(encoder), open_data(data)
        allowed = np.ones(len(truth), dtype=bool)
    else:
        from drbench.runs.trained import load_trained

        folder = RunFolder.open(Path(encoder))
        first = folder.spec.chain[0]
        truth = open_data(data, like=image_shape(first.data))
        function, allowed = load_trained(folder, seed=seed).encode, split_rows(truth, first.seed)
    chosen = Sample.draw(truth, allowed, size=sample, pairs=pairs, seed=seed)
    encoded = represent(function, truth, chosen, label=f"encoding {data.name}")
    return encoded.representation, encoded.data_hash
