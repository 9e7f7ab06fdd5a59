"""The official table: what fills a cell, and that the commands do."""

import re
import shlex
from pathlib import Path

import pytest
from drbench.trust.verification import Verification, Verifications, record_hash

from drbench.board.build import build
from drbench.board.fill import fill
from drbench.board.official import CELLS, PUBLISHED, SEEDS
from drbench.cli import run
from drbench.files import sha256_text
from drbench.metrics.metric import MetricResult
from drbench.registry import load, names
from drbench.runs.data import declared, image_shape
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec
from drbench.trust.store import built_board
from drbench.trust.validate import validate

HARD = [
    cell for cell in CELLS
    if (cell.source, cell.beta, cell.model) == ("coil100_augmented_binary", 1.0, "ada_gvae")
    or (cell.source, cell.target, cell.beta, cell.model) == ("shapes3d", "isaac3d", 2.0, "gvae")
]  # fmt: skip


def result_for(factors):
    return MetricResult(value=0.5, per_factor=dict.fromkeys(factors, 0.5), n_samples=1)


def record_of(make_record, spec):
    """A record that the run of a spec could have left."""
    factors = declared(spec.data).factors
    each = result_for([factor.name for factor in factors])
    scores = {
        stage: {
            metric: each.model_copy(update={"parameters": spec.scoring.metrics[metric]})
            for metric in spec.scoring.metrics
        }
        for stage in (("before", "after") if spec.init else ("after",))
    }
    made = make_record(
        transfer=spec.init is not None, scores=scores, factors=factors, scored_rows=1
    ).model_dump()
    origin = made["provenance"] | {
        "weights_hash": sha256_text(f"weights {spec.key}"),
        "encoder_hash": {
            stage: sha256_text(f"encoder {(spec if stage == 'after' else spec.init).key}")
            for stage in scores
        },
        "latents_hash": {stage: sha256_text(f"{stage} {spec.key}") for stage in scores},
    }
    changes = {"spec": spec.model_dump(), "key": spec.key, "provenance": origin}
    changes["image_shape"] = image_shape(spec.chain[0].data)
    return Record.model_validate(made | changes)


@pytest.fixture
def executed(make_record, monkeypatch):
    """Every run's spec, in place of the run."""
    specs = []

    def execute(spec, *, out, source=None, resume=False):
        specs.append(spec)
        out.mkdir(parents=True, exist_ok=True)
        (out / "spec.json").write_text(spec.model_dump_json())
        (out / "weights.safetensors").write_bytes(b"")
        record = record_of(make_record, spec)
        (out / "record.json").write_text(record.to_json())
        return record

    monkeypatch.setattr("drbench.runs.execute.execute", execute)
    return specs


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
    filling = fill(built_board(Path("leaderboard")))[place]
    assert (filling.verified, filling.waiting) == ((), (0, 1, 2, 3, 4))
    (verify,) = filling.commands
    monkeypatch.setenv("USER", "somebody")
    parsed = {}
    monkeypatch.setattr(
        "drbench.trust.verify.verify.verify",
        lambda board, keys, **given: parsed.update(given) or [],
    )
    assert run(shlex.split(verify.replace('"$USER"', "somebody"))[1:]) == 0
    assert parsed == {"every": False, "level": "re-encoded", "by": "somebody", "write": True}
    others = [each for number, each in enumerate(fill(built_board(Path("leaderboard"))))
              if number != place]  # fmt: skip
    assert not [each for each in others if each.waiting]


@pytest.fixture
def specs(executed, tmp_path, monkeypatch):
    """What the commands of the first cell run, transfers only."""
    monkeypatch.chdir(tmp_path)
    for command in fill(build([]))[0].commands[:2]:
        assert run(shlex.split(command)[1:]) == 0
    return [spec for spec in executed if spec.init]


def board_of(make_record, specs, states=()):
    records = [record_of(make_record, spec) for spec in specs]
    checks = [
        Verifications(
            key=record.key,
            verifications=(
                Verification(record_hash=record_hash(record), state=state, by="A",
                             date="2026-01-02", versions={}, checks={}, notes=("x",)),
            ),
        )
        for record, state in zip(records, states, strict=False)
    ]  # fmt: skip
    return build(records, checks)


def test_verified_seeds_fill_a_cell(make_record, specs):
    full = fill(board_of(make_record, specs, ["re-encoded"] * 4 + ["retrained"]))[0]
    assert (full.verified, full.waiting, full.commands) == ((0, 1, 2, 3, 4), (), ())


def test_what_was_refuted_or_is_lacking_is_asked_for_under_new_seeds(make_record, specs):
    part = fill(board_of(make_record, specs[:3], ["re-encoded", "refuted"]))[0]
    assert (part.verified, part.waiting) == ((0,), (2,))
    assert "--seeds 3,4,5 " in part.commands[0]
    assert part.commands[-1].startswith(f"drbench leaderboard verify {specs[2].key} ")


def changed(spec, path, value):
    document = spec.model_dump(mode="json")
    holder = document
    *above, last = path.split(".")
    for name in above:
        holder = holder[name]
    assert last in holder or last == "shape"
    holder[last] = value
    return RunSpec.model_validate(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [("training.steps", 49_999), ("init.training.steps", 399_999), ("training.lr", 1e-3),
     ("init.training.batch", 32), ("init.hyperparameters.width", 32),
     ("hyperparameters.beta", 4.0), ("init.hyperparameters.latents", 6),
     ("scoring.sample", 2_000), ("scoring.metrics", {"mig": {}}),
     ("data.resize", 32), ("init.training.k", 2), ("init.training.distinct", False)],
)  # fmt: skip
def test_other_budgets_sizes_and_samples_fill_nothing(make_record, specs, path, value):
    board = board_of(make_record, [changed(specs[0], path, value)], ["retrained"])
    assert len(board.official) == 1
    assert not [each for each in fill(board) if each.verified or each.waiting]


def test_rendered_images_and_cut_down_sets_fill_nothing(make_record, specs):
    rendered = changed(specs[0], "init.data.origin", "rendered")
    cut = changed(specs[1], "init.data.levels.shape", 2)
    board = board_of(make_record, [rendered, cut], ["retrained"] * 2)
    assert not [each for each in fill(board) if each.verified or each.waiting]


def test_every_cell_names_what_is_registered_and_asks_for_five_seeds():
    found = fill(build([]))
    assert len(found) == len(set(CELLS)) == 28
    for each in found:
        assert each.wanted == SEEDS == 5
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


def test_the_commands_are_printed_whole_and_go_to_programs(tmp_path, capsys):
    board = ["--board", str(tmp_path / "none")]
    assert run(["leaderboard", "fill", *board]) == 0
    out = capsys.readouterr().out
    assert "0 of 28 cells are full" in out
    for each in fill(build([])):
        for command in each.commands:
            assert command in out.splitlines()
    assert run(["leaderboard", "fill", *board, "--json", "-", "--seeds", "2"]) == 0
    assert '"wanted": 2' in capsys.readouterr().out
    assert not (tmp_path / "none").exists()


def test_a_filled_cell_is_a_valid_board(executed, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in fill(build([]))[0].commands:
        assert run(shlex.split(command)[1:]) == 0
    assert run(["leaderboard", "build"]) == 0
    assert validate(Path("leaderboard")) == []
