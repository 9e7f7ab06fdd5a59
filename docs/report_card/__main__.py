"""Measure drbench and other libraries on the analytic bench, and write docs/report_card.md.

python docs/report_card [LIBRARY ...] [--case CASE ...] [--page]

Every result is kept in results.json beside this file; what is measured again replaces what was
there, and the page is written anew from all of it.
"""

import argparse
import datetime
import json
import os
import platform
import subprocess
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from bench import CASES, case
from libraries import LIBRARIES, Library, interpreter
from page import calls, page

from drbench.errors import DrbenchError
from drbench.files import write_text

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.json"
LIMIT = 300
"""Seconds that a call may take, warming up included."""


def main() -> None:
    """Measure what was asked for, then write the page."""
    parser = argparse.ArgumentParser(prog="python docs/report_card")
    names = [library.name for library in LIBRARIES]
    parser.add_argument("library", nargs="*", metavar="LIBRARY", help=f"of {', '.join(names)}")
    parser.add_argument("--case", action="append", choices=[*CASES, "large"], help="default: all")
    parser.add_argument("--page", action="store_true", help="measure nothing, write the page")
    asked = parser.parse_args()
    if unknown := set(asked.library) - set(names):
        parser.error(f"No library {', '.join(sorted(unknown))}: choose from {', '.join(names)}.")
    chosen = [] if asked.page else asked.library or names
    for library in LIBRARIES:
        if library.name in chosen:
            measured = measure(library, asked.case or [*CASES, "large"])
            results = known()  # only now: other libraries may have been measured meanwhile
            merge(results.setdefault(library.name, {}), measured)
            write_text(RESULTS, json.dumps(results, indent=1) + "\n")
    write_text(HERE.with_suffix(".md"), page(known()))


def known() -> dict[str, Any]:
    """Results so far, by library."""
    results: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    return results


def measure(library: Library, cases: list[str]) -> dict[str, Any]:
    """Every call of a library on the cases; a failure is a result too."""
    entry: dict[str, Any] = {
        "version": library.version or version("drbench"),
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "error": "",
        "results": {},
    }
    try:
        python = interpreter(library)
    except DrbenchError as error:
        return entry | {"error": str(error)}
    with tempfile.TemporaryDirectory() as folder:
        for name in cases:
            file = Path(folder) / "case.npz"
            np.savez(file, **case(name))
            for call in calls(library.adapter):
                got = run(python, library.adapter, call, file)
                print(library.name, call, name, got.get("values") or got["error"], flush=True)
                merge(entry, {"beside": got.pop("beside", {}), "results": {call: {name: got}}})
    return entry


def merge(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Put the new beside the old, call by call; a case that was measured again is replaced."""
    for key, value in new.items():
        if isinstance(value, dict) and "values" not in value and "error" not in value:
            merge(old.setdefault(key, {}), value)
        else:
            old[key] = value


def run(python: Path, adapter: str, call: str, file: Path) -> dict[str, Any]:
    """One call in a process of its own, on one core."""
    out = file.with_name("result.json")
    out.unlink(missing_ok=True)
    command = [str(python), str(HERE / "adapters.py"), adapter, call, str(file), str(out)]
    threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "JAX_PLATFORMS": "cpu"}
    try:
        done = subprocess.run(  # noqa: S603 - our own adapters
            command,
            capture_output=True,
            text=True,
            timeout=LIMIT,
            cwd=file.parent,  # some leave files where they run
            env={**os.environ, **threads},
        )
    except subprocess.TimeoutExpired:
        return {"error": f"over {LIMIT} s"}
    if done.returncode or not out.exists():
        lines = done.stderr.strip().splitlines() or ["no message"]
        return {"error": lines[-1][:200]}
    got: dict[str, Any] = json.loads(out.read_text())
    return got


if __name__ == "__main__":
    main()
