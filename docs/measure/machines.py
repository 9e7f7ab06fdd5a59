"""How far apart the scores of the same weights are on two kinds of processors.

Encodes and scores the runs of a board twice, with this processor's vector units and without, and
prints the largest difference of each metric. What each metric declares as its tolerance is read
off this, with room: python docs/measure/machines.py leaderboard [SUBMITTER/KEY...]
"""

import sys
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from drbench.board.entry import Entry
from drbench.board.rows import declared
from drbench.runs.record import Record
from drbench.trust.evidence import weights_name
from drbench.trust.process import Request, checked_alone
from drbench.trust.store import load_entries

MINUTES = 60.0
PLAIN = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "NPY_DISABLE_CPU_FEATURES": "AVX2 FMA3 AVX512F AVX512CD AVX512_SKX",
    "PYTHONWARNINGS": "ignore",
}
"""Variables with which a process does without the processor's vector units."""


def scores_on(board: Path, entry: Entry, folder: Path, variables: dict[str, str]) -> Record:
    """What a run's weights score in a process with these variables."""
    weights = {
        stage: str((board / weights_name(digest)).absolute())
        for stage, digest in entry.weights.items()
    }
    request = Request(spec=entry.spec, level="re-encoded", weights=weights)
    return checked_alone(folder, request, minutes=MINUTES, environment=variables)


def main(board: Path, names: list[str]) -> None:
    """Print a line for each metric."""
    entries = [
        entry
        for entry in load_entries(board)
        if not names or any(f"{entry.submitter}/{entry.key}".startswith(name) for name in names)
    ]
    apart: defaultdict[str, float] = defaultdict(float)
    with TemporaryDirectory() as workspace:
        for number, entry in enumerate(entries):
            usual = scores_on(board, entry, Path(workspace) / f"{number}", {})
            plain = scores_on(board, entry, Path(workspace) / f"{number}-plain", PLAIN)
            for stage, results in usual.scores.items():
                for metric, result in results.items():
                    here, there = result.value, plain.scores[stage][metric].value
                    if here is not None and there is not None:
                        apart[metric] = max(apart[metric], abs(here - there))
    print(f"{len(entries)} runs; largest difference without vector units, and what is allowed")
    for metric, difference in sorted(apart.items()):
        print(f"{metric:18} {difference:.2e}   {declared(metric).tolerance:g}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
