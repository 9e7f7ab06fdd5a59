"""The log of a training: JSON lines, and whoever wants to see them."""

import json
import math
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, final

from drbench.files import write_text

Line = dict[str, Any]
"""step, steps_per_second since the line before, terms of the loss, and scores where there are."""


@final
class Log:
    """Lines of a training, in a file and to a callback."""

    def __init__(self, path: Path, start: int, callback: Callable[[Line], None] | None) -> None:
        self.path, self.callback, self.rate = path, callback, 0.0
        self._step, self._time = start, time.monotonic()
        # Steps after the checkpoint are about to be done again.
        kept = [line for line in lines_of(path) if line["step"] <= start] if start else []
        write_text(path, "".join(f"{json.dumps(line)}\n" for line in kept))

    def write(
        self, step: int, terms: Mapping[str, float], scores: Mapping[str, float] | None = None
    ) -> None:
        now = time.monotonic()
        self.rate = (step - self._step) / max(now - self._time, 1e-9)
        self._step, self._time = step, now
        line: Line = {"step": step, "steps_per_second": self.rate, "terms": dict(terms)}
        if scores is not None:
            line["scores"] = {k: v if math.isfinite(v) else None for k, v in scores.items()}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, allow_nan=False) + "\n")
        if self.callback is not None:
            self.callback(line)


def lines_of(path: Path) -> Iterator[Line]:
    """Whole lines of a log; none if there is no file. What a crash has torn is passed over."""
    if not path.is_file():
        return
    for text in path.read_text(encoding="utf-8", errors="replace").splitlines():
        try:
            line = json.loads(text)
        except ValueError:
            continue
        if isinstance(line, dict) and isinstance(line.get("step"), int):
            yield line
