"""Finding one run that is submitted as several."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from drbench.files import canonical_json
from drbench.runs.record import Record, trained_by
from drbench.trust.likeness import lookalikes, network_id


class Copy(NamedTuple):
    """Runs that are one run."""

    keys: tuple[str, ...]
    sentence: str


def copies(records: Mapping[Path, Record], board: Path | None = None) -> Iterator[str]:
    """Sentences on runs that claim to be different and are copies of one."""
    for copy in find_copies(records, board):
        yield copy.sentence


def find_copies(records: Mapping[Path, Record], board: Path | None = None) -> Iterator[Copy]:
    """Runs that claim to be different, and yet have the same weights or the same latents.

    Parameters
    ----------
    records : mapping of path to Record
    board : path, optional
        Where their evidence is: weights are compared by their numbers too, not only by their
        hashes, so that a copy is found that was altered a little.
    """
    seen: defaultdict[tuple[str, str], dict[str, Path]] = defaultdict(dict)
    for path, record in records.items():
        origin, spec = record.provenance, record.spec
        data = canonical_json(spec.data.model_dump(mode="json"))
        network = {stage: network_id(trained_by(spec, stage)) for stage in origin.encoder_hash}
        seen["weights", origin.weights_hash].setdefault(network["after"], path)
        for stage, own in network.items():
            seen["weights", origin.encoder_hash[stage]].setdefault(own, path)
            seen["latents", origin.latents_hash[stage]].setdefault(own + data, path)
    same: defaultdict[tuple[Path, ...], set[str]] = defaultdict(set)
    for (what, _), claims in seen.items():
        if len(set(claims.values())) > 1:
            same[tuple(sorted(set(claims.values())))].add(what)
    for paths, whats in same.items():
        files = ", ".join(path.name for path in paths)
        shared = " and ".join(sorted(whats))
        keys = tuple(records[path].key for path in paths)
        yield Copy(keys, f"{files}: different trainings with the same {shared}: one run, copied.")
    for first, second, what in lookalikes(records, board) if board else ():
        if not any({first, second} <= set(paths) for paths in same):
            yield Copy(
                (records[first].key, records[second].key),
                f"{first.name}, {second.name}: {what}: one run, copied.",
            )
