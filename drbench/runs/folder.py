"""The folder of a run: what lies where, and whether it may be written to."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, final

from filelock import FileLock, Timeout
from pydantic import ValidationError

from drbench import registry
from drbench.data.opening import is_open
from drbench.errors import RequestError, RunError
from drbench.files import cache_dir, write_text
from drbench.frozen import Frozen, first_problem
from drbench.progress import say
from drbench.runs.identity import key, network_key, stored_network_key
from drbench.runs.record import RECORD, Record, Stage
from drbench.runs.spec import RunSpec

SPEC, PLUGINS, LOCK = "spec.json", "plugins.json", ".lock"
T = TypeVar("T", bound=Frozen)


@final
@dataclass(frozen=True)
class RunFolder:
    """A run on disk.

    `spec.json` says what it is, `log.jsonl` how training went, `weights.safetensors` where it
    ended, `encoder/before.safetensors` and `/after.safetensors` what encoded, and
    `representation/before` and `/after` what was scored, `record.json` the result.
    """

    path: Path

    @classmethod
    def at_home(cls, spec: RunSpec, home: Path | None = None) -> "RunFolder":
        """The folder of a run among others, named after what it is; the spec is canonical.

        `home` is the folder of all runs, by default one of the cache.
        """
        words = [spec.model, *(run.data.name for run in spec.chain), f"seed{spec.seed}"]
        plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", "-".join(words))[:100]
        name = f"{plain}-{stored_network_key(spec)[:12]}"
        return cls((home or cache_dir() / "runs") / name)

    def require_free(self, spec: RunSpec, *, resume: bool) -> None:
        """Refuse a folder that holds something else than this run, or this run unasked.

        Raises
        ------
        RequestError
            With what is there. The same weights, scored in another way, are the same run.
        """
        path = self.path
        # A folder with neither a checkpoint nor weights yet has nothing that could be lost.
        names = {entry.name for entry in path.iterdir()} if path.is_dir() else {path.name}
        held = {name for name in names if not name.endswith(".partial")}  # a killed writer's
        if not path.exists() or held <= {SPEC, PLUGINS, self.log_file.name, LOCK}:
            return
        if not self.spec_file.is_file():
            raise RequestError(f"{path} exists and is no run: choose another --out.")
        if not resume:
            raise RequestError(
                f"{path} holds a run already: add --resume, or choose another --out."
            )
        if stored_network_key(self.spec) != network_key(spec):
            raise RequestError(
                f"{path} holds another run ({_difference(self.spec, spec)}): give the same "
                "options to resume it, or choose another --out."
            )

    def claim(self, spec: RunSpec, *, resume: bool) -> None:
        """Make the folder this run's; the caller holds its lock. Raises as `require_free`."""
        self.require_free(spec, resume=resume)
        self.write_spec(spec)
        self.remember_plugins()

    def remember_plugins(self) -> None:
        """Write down which plugins of the run are files, that later commands must name too."""
        spec = self.spec
        used: list[tuple[registry.Kind, str]] = [("model", spec.model)]
        used += [("dataset", run.data.name) for run in spec.chain if not is_open(run.data.name)]
        plugins = [registry.find(kind, name) for kind, name in used]
        files = {f"{p.kind} {p.name}": str(p.file) for p in plugins if p.file}
        if files:
            write_text(self.path / PLUGINS, json.dumps(files, indent=1, sort_keys=True) + "\n")

    def _require_plugins(self) -> None:
        if not (self.path / PLUGINS).is_file():
            return
        for used, file in json.loads((self.path / PLUGINS).read_bytes()).items():
            kind, _, name = used.partition(" ")
            if name not in registry.names(kind):
                raise RequestError(
                    f"{self.path} was made with the {used} of the plugin file {file}: name it with "
                    f"--plugins {file}."
                )

    def write_spec(self, spec: RunSpec) -> None:
        """Say what the run is, before it begins."""
        document = spec.model_dump(mode="json")
        write_text(self.spec_file, json.dumps(document, indent=1, sort_keys=True) + "\n")

    @classmethod
    def open(cls, path: Path) -> "RunFolder":
        """An existing run.

        Raises
        ------
        RequestError
            If there is none, or if it was made with plugin files that are not named now.
        """
        folder = cls(path)
        if not folder.spec_file.is_file():
            raise RequestError(f"{path} holds no run (no {SPEC} in it).")
        folder._require_plugins()
        return folder

    @property
    def spec_file(self) -> Path:
        return self.path / SPEC

    @property
    def weights_file(self) -> Path:
        return self.path / "weights.safetensors"

    @property
    def log_file(self) -> Path:
        return self.path / "log.jsonl"

    @property
    def output_file(self) -> Path:
        """What a study's worker printed on standard error."""
        return self.path / "output.txt"

    @property
    def record_file(self) -> Path:
        return self.path / RECORD

    def encoder_file(self, stage: Stage) -> Path:
        """The encoder's weights before or after training."""
        return self.path / "encoder" / f"{stage}.safetensors"

    def representation(self, stage: Stage) -> Path:
        """Folder of the representation before or after training."""
        return self.path / "representation" / stage

    @property
    def spec(self) -> RunSpec:
        """What the run is."""
        return read_spec(self.spec_file)

    def read_record(self) -> Record | None:
        """The result; None if the run is not complete.

        Raises
        ------
        RunError
            If it cannot be read, or is of another run than the spec beside it.
        """
        if not self.record_file.is_file():
            return None
        advice = "delete it and resume the run, which writes it again"
        record = _read(self.record_file, Record, advice)
        if record.network != stored_network_key(self.spec):
            raise RunError(
                f"{self.record_file} is of another run than {self.spec_file}: one of them was "
                "edited or copied here."
            )
        return record

    def finished(self, spec: RunSpec) -> Record | None:
        """The record, if this run is what the folder holds and it is complete."""
        if not self.spec_file.is_file() or stored_network_key(self.spec) != network_key(spec):
            return None
        record = self.read_record()
        return record if record and record.key == key(spec) else None

    @property
    def is_busy(self) -> bool:
        """Whether a process works in the folder."""
        if not (self.path / LOCK).is_file():
            return False
        try:
            with FileLock(self.path / LOCK, timeout=0):
                return False
        except Timeout:
            return True

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Work in the folder alone: whoever else wants to waits, and says so."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.path / LOCK)
            try:
                lock.acquire(timeout=0)
            except Timeout:
                say(f"waiting for the process that works in {self.path}")
                lock.acquire()
        except OSError as error:
            raise RunError(f"Cannot write to {self.path}: {error.strerror}.") from error
        try:
            yield
        finally:
            lock.release()

    def require_weights(self) -> Path:
        """The weights file.

        Raises
        ------
        RunError
            If training has not ended.
        """
        if not self.weights_file.is_file():
            raise RunError(f"{self.path} has no weights yet: finish it with --resume.")
        return self.weights_file


def read_spec(path: Path) -> RunSpec:
    """The spec in a file.

    Raises
    ------
    RequestError
        If there is none.
    RunError
        If it cannot be read.
    """
    if not path.is_file():
        raise RequestError(f"{path} is no file with the spec of a run.")
    return _read(path, RunSpec, "write it anew, or do the run again in another folder")


def run_folders(path: Path) -> list[Path]:
    """The run in a folder, or the runs in a folder of seeds (RUN/0, RUN/1, ...), by number.

    Raises
    ------
    RunError
        If there is neither.
    """
    if (path / SPEC).is_file():
        return [path]
    if not path.is_dir():
        raise RequestError(f"{path} does not exist.")
    seeds = [child for child in path.iterdir() if (child / SPEC).is_file()]
    if not seeds:
        raise RequestError(f"{path} holds no run, nor folders that do.")
    return sorted(seeds, key=lambda child: (not child.name.isdigit(), child.name.zfill(9)))


def _read(path: Path, model: type[T], advice: str) -> T:
    try:
        return model.model_validate_json(path.read_bytes())
    except ValidationError as error:
        problem = ": ".join(filter(None, first_problem(error)))
        raise RunError(f"{path} cannot be read ({problem}): {advice}.") from error


def _difference(old: RunSpec, new: RunSpec) -> str:
    """What differs first between two specs, in words."""
    a, b = _flat(old.model_dump(mode="json")), _flat(new.model_dump(mode="json"))
    for name in sorted(a.keys() | b.keys()):
        if a.get(name) != b.get(name):
            return f"its {name} is {a.get(name)}, not {b.get(name)}"
    return "of another version"


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if not isinstance(value, dict) or not value:
        return {prefix: value}
    flat: dict[str, Any] = {}
    for name, item in value.items():
        flat |= _flat(item, f"{prefix}.{name}" if prefix else name)
    return flat
