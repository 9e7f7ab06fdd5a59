"""Evidence: how it comes to a board, and strangers' tensors that are not what they should be."""

import json
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest

from drbench.errors import BoardError
from drbench.trust.evidence import EVIDENCE, evidence_names, without_evidence
from drbench.trust.store import add, load_board
from drbench.trust.validate import validate
from drbench.trust.verify.verify import verify


@pytest.fixture
def run(real_runs, tmp_path):
    """A copy of the folder of the transfer of seed 0."""
    shutil.copytree(real_runs.folder / "target" / "0", tmp_path / "run")
    return tmp_path / "run"


def files(board):
    folder = board / EVIDENCE
    return {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}


# Coming to a board -------------------------------------------------------------------------------


def test_evidence_comes_with_its_run(run, tmp_path):
    (record,) = add(tmp_path / "board", run)
    assert files(tmp_path / "board") == evidence_names(record)
    assert without_evidence(tmp_path / "board", [record]) == []


def test_a_transfer_and_its_source_share_what_they_share(real_runs):
    records = load_board(real_runs.board)
    assert len(records) == 6
    # Each source has weights and latents, each transfer weights after and latents before and after.
    assert len(files(real_runs.board)) == 3 * 2 + 3 * 3


def test_a_record_alone_comes_without_evidence(run, tmp_path):
    (tmp_path / "bare.json").write_bytes((run / "record.json").read_bytes())
    (record,) = add(tmp_path / "board", tmp_path / "bare.json")
    assert files(tmp_path / "board") == set()
    assert without_evidence(tmp_path / "board", [record]) == [record]


def test_evidence_can_follow_its_record(run, tmp_path):
    (tmp_path / "bare.json").write_bytes((run / "record.json").read_bytes())
    (record,) = add(tmp_path / "board", tmp_path / "bare.json")
    assert add(tmp_path / "board", run) == []
    assert files(tmp_path / "board") == evidence_names(record)


def test_half_a_runs_evidence_is_left_where_it_is(run, tmp_path):
    (run / "encoder" / "before.safetensors").unlink()
    add(tmp_path / "board", run)
    assert files(tmp_path / "board") == set()


@pytest.mark.parametrize("name", ["encoder/after", "representation/before/representation"])
def test_evidence_that_was_edited_is_refused_and_nothing_is_added(run, tmp_path, name):
    path = run / f"{name}.safetensors"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(BoardError, match=r"safetensors is not what .*record\.json says"):
        add(tmp_path / "board", run)
    assert not (tmp_path / "board").exists()


def test_evidence_of_more_than_64_mib_is_refused_unread(run, tmp_path):
    with (run / "encoder" / "after.safetensors").open("r+b") as file:
        file.truncate(2**26 + 1)
    with pytest.raises(BoardError, match=r"67,108,865 bytes: .* at most 67,108,864"):
        add(tmp_path / "board", run)


def test_evidence_that_changes_on_the_way_is_refused(run, tmp_path, monkeypatch):
    copy = shutil.copyfile

    def late(source, place):
        copy(source, place)
        Path(place).write_bytes(Path(place).read_bytes() + b" ")

    monkeypatch.setattr(shutil, "copyfile", late)
    with pytest.raises(BoardError, match="changed while it was copied"):
        add(tmp_path / "board", run)
    assert files(tmp_path / "board") == set()
    assert not (tmp_path / "board" / "records").exists()


def test_a_board_with_half_the_evidence_of_a_run_is_not_valid(target):
    path = target.path("latents", "after")
    path.unlink()
    (problem,) = validate(target.board)
    assert problem.endswith(f"has evidence, but {path} is missing.")


def test_a_bare_transfer_beside_its_source_with_evidence_is_valid(real_runs, tmp_path):
    (tmp_path / "bare.json").write_bytes(
        (real_runs.folder / "target" / "0" / "record.json").read_bytes()
    )
    add(tmp_path / "board", real_runs.folder / "source", tmp_path / "bare.json")
    assert [p for p in validate(tmp_path / "board") if "evidence" in p] == []


def test_evidence_of_no_record_is_found(target):
    stray = target.board / EVIDENCE / "weights" / f"{'0' * 64}.safetensors"
    stray.write_bytes(b"")
    assert any(f"{stray} belongs to no record" in problem for problem in validate(target.board))


# Strangers' tensors ------------------------------------------------------------------------------


def file_of(header, data=b""):
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + data


def tensor(shape, end, kind="F32"):
    return {"dtype": kind, "shape": list(shape), "data_offsets": [0, end]}


HOSTILE = {
    "empty": (b"", "is no safetensors file"),
    "half a length": (b"\x01\x02", "is no safetensors file"),
    "text": (b"<html>" * 9, "header of"),
    "a header of an exabyte": (struct.pack("<Q", 2**60), "header of 1,152,921,504,606,846"),
    "a header longer than the file": (struct.pack("<Q", 1000) + b"{}", "is no safetensors file"),
    "a header that is no JSON": (file_of(b"{" * 50), "is no safetensors file"),
    "a deeply nested header": (file_of(b'{"a":' * 9000), "is no safetensors file"),
    "a header larger than ours": (file_of(b" " * (2**20 + 1)), "at most 1,048,576 are read"),
    "a shape that lies": (file_of({"mean": tensor((40, 10), 4)}, b"\0" * 4), "is no safetensors"),
    "a shape that overflows": (file_of({"mean": tensor((2**40, 2**40), 0)}), "is no safetensors"),
    "nothing, very wide": (file_of({"mean": tensor((0, 2**62), 0)}), "lacks a tensor"),
    "no tensors": (file_of({}), "mean latents have shape ()"),
}  # fmt: skip


@pytest.mark.parametrize("case", HOSTILE)
@pytest.mark.parametrize("kind", ["latents", "weights"])
def test_a_hostile_file_is_refuted_with_a_sentence(target, kind, case):
    content, sentence = HOSTILE[case]
    target.write_bytes(kind, "after", content)
    target.submit()
    (verdict,) = verify(target.board, [target.key], level="re-encoded")
    assert verdict.outcome == "refuted"
    # Of a file that is well-formed what is missing is named, which differs between the two kinds.
    assert (
        sentence in verdict.reason
        or "lacks a tensor" in verdict.reason
        or ("disagree on whether there are interventions" in verdict.reason)
    ), verdict.reason


def without(name):
    return lambda arrays: {key: array for key, array in arrays.items() if key != name}


def changed(name, edit):
    return lambda arrays: arrays | {name: edit(arrays[name].copy())}


def put(place, value):
    def edit(array):
        array[place] = value
        return array

    return edit


ODD = {
    "an extra tensor": (lambda a: a | {"latent_groups": a["rows"][:10]}, "holds a tensor 'lat"),
    "no codes": (without("codes"), "lacks a tensor 'codes'"),
    "no rows": (without("rows"), "lacks a tensor 'rows'"),
    "interventions without rows": (without("pairs.rows"), "lacks a tensor 'pairs.rows'"),
    "interventions without samples": (without("pairs.sampled"), "lacks a tensor 'pairs.sampled'"),
    "doubles": (changed("mean", lambda a: a.astype("f8")), "mean is F64 (40, 10), expected F32"),
    "codes as floats": (changed("codes", lambda a: a.astype("f4")), "codes is F32"),
    "a row less": (changed("mean", lambda a: a[1:]), "mean is F32 (39, 10), expected F32 (40, 10)"),
    "a cube": (changed("mean", lambda a: a[..., None]), "mean latents have shape (40, 10, 1)"),
    "no latents": (changed("mean", lambda a: a[:, :0]), "mean latents have shape (40, 0)"),
    "NaN": (changed("mean", put((3, 4), np.nan)), "mean latents hold NaN or infinite"),
    "infinity in a pair": (changed("pairs.mean", put((0, 1, 2), np.inf)), "NaN or infinite"),
    "a code out of range": (changed("codes", put((0, 0), 99)), "label 99, outside 0 to"),
    "a negative code": (changed("codes", put((0, 0), -1)), "label -1, outside 0 to"),
    "a row twice": (changed("rows", lambda a: np.repeat(a[::2], 2)), "not in ascending order"),
    "a row below 0": (changed("rows", put(0, -5)), "not in ascending order"),
    "a row past the end": (changed("rows", put(-1, 2**40)), "not the sample that the spec draws"),
    "a pair of a row below 0": (changed("pairs.rows", put((0, 0), -1)), "rows below 0"),
    "a pair of a row past the end": (changed("pairs.rows", put((0, 0), 2**40)), "not those that"),
    "a factor out of range": (changed("pairs.factor", put(0, 77)), "outside 0 to 4"),
    "one factor's pairs only": (changed("pairs.factor", lambda a: 0 * a), "more than 20 interv"),
}  # fmt: skip


@pytest.mark.parametrize("case", ODD)
def test_odd_latents_are_refuted_with_a_sentence(target, case):
    edit, sentence = ODD[case]
    target.change("latents", "after", edit)
    target.submit()
    (verdict,) = verify(target.board, [target.key], level="re-encoded")
    assert (verdict.outcome, sentence in verdict.reason) == ("refuted", True), verdict.reason


@pytest.mark.parametrize(
    ("metadata", "sentence"),
    [
        ({}, "does not say what it holds"),
        ({"drbench": "[" * 10_000}, "does not say what it holds"),
        ({"drbench": '{"factors": [], "factors": []}'}, "does not say what it holds"),
        ({"drbench": "{}"}, "does not say what it holds"),
        ({"drbench": '{"factors": [], "version": "1", "notes": []}'}, "other factors"),
    ],
)
def test_odd_metadata_is_refuted_with_a_sentence(target, metadata, sentence):
    arrays, _ = target.read("latents", "after")
    target.write("latents", "after", arrays, metadata)
    target.submit()
    (verdict,) = verify(target.board, [target.key], level="rescored")
    assert (verdict.outcome, sentence in verdict.reason) == ("refuted", True), verdict.reason


@pytest.mark.parametrize(
    ("edit", "sentence"),
    [
        (lambda a: a | {"decoder.0.bias": a["mean.bias"]}, "holds a tensor 'decoder.0.bias'"),
        (without("encoder.1.running_mean"), "lacks a tensor 'encoder.1.running_mean'"),
        (changed("mean.bias", lambda a: a.astype("f8")), "mean.bias is F64"),
    ],
)
def test_odd_weights_are_refuted_with_a_sentence(target, edit, sentence):
    target.change("weights", "after", edit)
    target.submit()
    (verdict,) = verify(target.board, [target.key], level="re-encoded")
    assert (verdict.outcome, sentence in verdict.reason) == ("refuted", True), verdict.reason


def test_weights_that_are_not_finite_are_caught(target):
    target.change("weights", "after", changed("mean.bias", put(0, np.nan)))
    target.submit()
    (verdict,) = verify(target.board, [target.key], level="re-encoded")
    assert not verdict.holds
