"""The official table: what fills a cell, and that the commands do."""

import re
import shlex
from pathlib import Path

import pytest
from records import make_entry, make_record, write_run

from drbench.board.build import build
from drbench.board.fill import fill
from drbench.board.official import CELLS, PUBLISHED
from drbench.board.ranking import PRESCRIBED
from drbench.cli import run
from drbench.metrics.result import MetricResult
from drbench.registry import load, names
from drbench.runs.data import declared
from drbench.runs.identity import canonical
from drbench.runs.spec import RunSpec
from drbench.trust.store import built_board
from drbench.trust.validate import validate

HARD = [
    cell for cell in CELLS
    if (cell.source, cell.beta, cell.model) == ("coil100_augmented", 1.0, "ada_gvae")
    or (cell.source, cell.target, cell.beta, cell.model) == ("shapes3d", "isaac3d", 2.0, "gvae")
]  # fmt: skip


def record_of(spec):
    """A record that the run of a spec could have left."""
    factors = declared(spec.data).factors
    result = MetricResult(
        value=0.5, per_factor={factor.name: 0.5 for factor in factors}, n_samples=1
    )
    scores = {
        stage: dict.fromkeys(spec.scoring.metrics, result)
        for stage in (("before", "after") if spec.init else ("after",))
    }
    return make_record(spec=spec, scores=scores, factors=factors, scored_rows=1)


@pytest.fixture
def executed(monkeypatch):
    """Every run's spec, in place of the run."""
    specs = []

    def execute(spec, *, out, **_):
        specs.append(spec)
        record = record_of(spec)
        write_run(out, record)
        (out / "weights.safetensors").write_bytes(b"")
        return record

    monkeypatch.setattr("drbench.runs.execute.execute", execute)
    return specs


def test_cells_are_canonical():
    """Written down in that form, so that boards and pages are made without torch."""
    specs = [cell.seeded(1) for cell in CELLS]
    assert [canonical(spec) for spec in specs] == specs


@pytest.mark.parametrize("cell", HARD, ids=lambda cell: f"{cell.source}-{cell.target}")
def test_the_commands_as_typed_fill_their_cell(cell, executed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    place = CELLS.index(cell)
    *train_and_add, add = fill(build([]))[place].commands
    assert add.startswith("drbench leaderboard add ")
    for command in (*train_and_add, add):
        program, *arguments = shlex.split(command)
        assert program == "drbench"
        assert run(arguments) == 0, command
    assert [spec.training.steps for spec in executed] == [400_000] * 5 + [50_000] * 5
    assert [spec.seed for spec in executed] == [0, 1, 2, 3, 4] * 2
    fillings = fill(built_board(Path("leaderboard")))
    assert fillings[place].verified == (0, 1, 2, 3, 4)
    assert fillings[place].commands == ()
    assert not [each for number, each in enumerate(fillings) if number != place and each.verified]
    assert run(["leaderboard", "build"]) == 0
    assert validate(Path("leaderboard")) == []


def seeds(*numbers, cell=0):
    """Specs of a cell with these seeds."""
    return [CELLS[cell].seeded(number) for number in numbers]


def test_prescribed_seeds_of_one_submitter_fill_a_cell():
    entries = [make_entry(record_of(spec)) for spec in seeds(0, 1, 2, 77)]
    entries += [make_entry(record_of(spec), submitter="bob") for spec in seeds(3, 4)]
    part = fill(build(entries))[0]
    assert (part.verified, part.waiting) == ((0, 1, 2), ())
    assert "--seeds 3,4 " in part.commands[0]


def test_what_was_only_encoded_again_waits_for_training():
    entries = [make_entry(record_of(spec)) for spec in seeds(0, 1, 2)]
    entries += [make_entry(record_of(spec), level="re-encoded") for spec in seeds(3, 4)]
    part = fill(build(entries))[0]
    assert (part.verified, part.waiting) == ((0, 1, 2), (3, 4))
    (command,) = part.commands
    keys = [f"ann/{entry.key}" for entry in entries[3:]]
    assert command == f"drbench leaderboard verify {' '.join(keys)} --level retrained --write"


def changed(spec, path, value):
    document = spec.model_dump(mode="json")
    holder = document
    *above, last = path.split(".")
    for name in above:
        holder = holder[name]
    holder[last] = value
    return RunSpec.model_validate(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [("training.steps", 49_999), ("init.training.steps", 399_999), ("training.lr", 1e-3),
     ("init.training.batch", 32), ("init.hyperparameters.width", 32),
     ("hyperparameters.beta", 4.0), ("init.hyperparameters.latents", 6),
     ("scoring.sample", 2_000), ("scoring.metrics", {"mig": {}}), ("init.training.k", 2),
     ("init.training.distinct", False), ("init.data.origin", "rendered"),
     ("init.data.levels.shape", 2)],
)  # fmt: skip
def test_other_budgets_sizes_samples_and_images_fill_nothing(path, value):
    board = build([make_entry(record_of(changed(seeds(0)[0], path, value)))])
    assert len(board.rows) == 1
    assert not [each for each in fill(board) if each.verified or each.waiting]


def test_every_cell_names_what_is_registered_and_asks_for_five_seeds():
    found = fill(build([]))
    assert len(found) == len(set(CELLS)) == 28
    for each in found:
        assert each.wanted == PRESCRIBED == 5
        assert {each.cell.source, each.cell.target} <= set(names("dataset"))
        assert each.cell.model in names("model")
        assert re.search(r"--seeds 0,1,2,3,4 ", each.commands[0])


def test_the_published_row_names_registered_metrics_parts_and_factors():
    (row,) = PUBLISHED
    assert (row.label, row.n_models) == ("published, not reproduced", 20)
    factors = {factor.name for factor in load("dataset", row.target)().spec.factors}
    for line in row.lines:
        assert line.metric in names("metric")
        assert not line.per_factor or set(line.per_factor) == factors
        assert 0 < line.before < line.before + line.gain < 1
    full = next(line for line in row.lines if line.name == "accuracy, full code")
    means = [sum(pair[i] for pair in full.per_factor.values()) / 9 for i in (0, 1)]
    assert means == pytest.approx([full.before, full.gain], abs=6e-4)  # as the table rounds


def test_the_commands_are_printed_whole_and_go_to_programs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)  # where there is no board, everything is to do
    assert run(["leaderboard", "fill"]) == 0
    out = capsys.readouterr().out
    assert "0 of 28 cells are full" in out
    for each in fill(build([])):
        for command in each.commands:
            assert command in out.splitlines()
    assert run(["leaderboard", "fill", "--json", "-", "--seeds", "2"]) == 0
    assert '"wanted": 2' in capsys.readouterr().out
    assert run(["leaderboard", "fill", "--board", "none"]) == 2
    assert list(tmp_path.iterdir()) == []
