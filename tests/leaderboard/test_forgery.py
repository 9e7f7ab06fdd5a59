"""Forgeries: each is coherent, hashes and all, and each is caught; which level does it is said."""

import runpy
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drbench.data.sampling import intervention_rows
from drbench.runs.execute import Run
from drbench.runs.record import Record
from drbench.runs.sample import Sample
from drbench.trust.likeness import ALIKE, lookalikes
from drbench.trust.reading import read_model
from drbench.trust.store import built_board, record_files, write_board
from drbench.trust.validate import validate
from drbench.trust.verify.verify import Verdict, verify

Forger = runpy.run_path(str(Path(__file__).with_name("forging.py")))["Forger"]


@pytest.fixture
def source(real_board, real_runs):
    """The source run of seed 0."""
    return Forger(real_board, real_runs.specs[0].init)


def check(forger, level) -> Verdict:
    (verdict,) = verify(forger.board, [forger.key], level=level)
    return verdict


def assert_refuted(forger, level, sentence):
    verdict = check(forger, level)
    assert (verdict.outcome, sentence in verdict.reason) == ("refuted", True), verdict


def states(board):
    return {run.key: run.state for row in built_board(board).rows for run in row.all_runs}


@pytest.mark.parametrize("level", ["rescored", "re-encoded", "retrained"])
def test_honest_runs_pass_every_level(real_board, level):
    verdicts = verify(real_board, every=True, level=level)
    assert [(v.outcome, v.reason) for v in verdicts] == [(level, "")] * 6
    assert all(set(v.checks.values()) == {0.0} for v in verdicts)


def test_honest_runs_are_trained_again_bit_for_bit(target):
    assert check(target, "retrained").notes == ("The encoder came back bit for bit.",)


# Labels as latents -------------------------------------------------------------------------------


def as_latents(codes, latents):
    padded = np.zeros((*codes.shape[:-1], latents), dtype=np.float32)
    padded[..., : codes.shape[-1]] = codes
    return padded


def labels_as_latents(forger):
    run = Run.prepare(forger.record.spec)

    def edit(arrays):
        width = arrays["mean"].shape[1]
        pairs = as_latents(run.truth.codes[arrays["pairs.rows"]], width)
        labels = as_latents(arrays["codes"], width)
        return arrays | {"mean": labels, "sampled": labels, "pairs.mean": pairs,
                         "pairs.sampled": pairs}  # fmt: skip

    for stage in forger.document["scores"]:
        forger.change("latents", stage, edit)
    forger.rescore()


def test_labels_submitted_as_latents_pass_rescoring_and_fail_encoding(target):
    honest = target.record.scores["after"]["mig"].value
    labels_as_latents(target)
    assert target.submit().scores["after"]["mig"].value > honest + 0.5
    assert validate(target.board) == []
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(target, "re-encoded", "training are not what the weights give")


def test_labels_written_into_a_dead_latent_are_caught(target):
    """Below the tolerance of latents, where a score that ignores scale would still read them."""

    def edit(arrays):
        strength = np.sqrt((arrays["mean"] ** 2).mean(axis=0).max())
        hidden = arrays["mean"].copy()
        hidden[:, 0] = hidden[:, 0].mean() + 8e-6 * strength * (arrays["codes"][:, 0] / 2 - 0.5)
        return arrays | {"mean": hidden}

    # A network whose first latent is dead: what a forger would look for.
    def kill(arrays):
        arrays["mean.weight"][0] = 0
        return arrays

    for stage in target.document["scores"]:
        target.change("weights", stage, kill)
    target.encode()
    honest = target.record.scores["after"]["mig"].value
    for stage in target.document["scores"]:
        target.change("latents", stage, edit)
    target.rescore()
    assert target.submit().scores["after"]["mig"].value > honest + 0.1
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(target, "re-encoded", "mig")


# Latents of something else -----------------------------------------------------------------------


def test_latents_in_another_row_order_fail_encoding(target):
    target.change("latents", "after", lambda arrays: arrays | {"mean": arrays["mean"][::-1]})
    target.rescore()
    target.submit()
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(
        target, "re-encoded", "mean latents after training are not what the weights give"
    )


def test_rows_in_another_order_fail_rescoring(target):
    order = np.random.default_rng(0).permutation(40)
    names = ("mean", "sampled", "codes", "rows")
    target.change("latents", "after", lambda a: a | {name: a[name][order] for name in names})
    target.rescore()
    target.submit()
    assert_refuted(target, "rescored", "rows are not in ascending order")


def test_latents_of_another_data_set_fail_rescoring(target, source):
    arrays, metadata = source.read("latents", "after")
    target.write("latents", "after", arrays | {"mean": 2 * arrays["mean"]}, metadata)
    target.submit()
    assert_refuted(target, "rescored", "codes is I64 (40, 6), expected I64 (40, 5)")


def test_latents_of_other_images_of_the_same_rows_fail_encoding(target, monkeypatch):
    prepare = Run.prepare.__func__

    def inverted(cls, spec, **kwargs):
        run = prepare(cls, spec, **kwargs)
        images = run.truth.images
        return replace(run, truth=replace(run.truth, images=lambda rows: 255 - images(rows)))

    monkeypatch.setattr(Run, "prepare", classmethod(inverted))
    target.encode()
    target.submit()
    monkeypatch.undo()
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(target, "re-encoded", "the scored images are other ones")


def test_a_cherry_picked_sample_fails_encoding(source):
    run = Run.prepare(source.record.spec)
    others = np.setdiff1d(np.flatnonzero(run.held_out), run.sample.rows)[:40]
    source.encode(Sample(others, run.sample.interventions))
    source.submit()
    assert check(source, "rescored").outcome == "rescored"
    assert_refuted(source, "re-encoded", "not the sample that the spec draws: 40 rows, of which 0")


def test_cherry_picked_interventions_fail_encoding(source):
    run = Run.prepare(source.record.spec)
    rng = np.random.default_rng(5)
    source.encode(Sample(run.sample.rows, intervention_rows(run.truth, run.held_out, 20, rng)))
    source.submit()
    assert check(source, "rescored").outcome == "rescored"
    assert_refuted(source, "re-encoded", "the interventions are not those that the spec draws")


def test_other_codes_of_the_rows_fail_encoding(target):
    for stage in target.document["scores"]:
        target.change("latents", stage, lambda a: a | {"codes": np.sort(a["codes"], axis=0)})
    target.rescore()
    target.submit()
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(target, "re-encoded", "the codes are not those of the scored rows")


# Edited numbers ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("where", "sentence"),
    [
        (("value",), "mig after training: value is"),
        (("parts",), "parts of"),
        (("per_factor", "shape"), "per_factor of shape"),
        (("reference",), "reference"),
    ],
)
def test_an_edited_score_fails_rescoring(target, where, sentence):
    result = target.document["scores"]["after"]["mig"]
    if where == ("parts",):
        where = ("parts", sorted(result["parts"])[0]) if result["parts"] else ("chance",)
        sentence = " of ".join(where)
    holder = result[where[0]] if len(where) > 1 else result
    holder[where[-1]] = (holder[where[-1]] or 0.0) + 2e-2
    target.submit()
    assert_refuted(target, "rescored", sentence)


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"bins": 7}, "was not scored with 'bins=5'"),
        ({"bins": 5.0}, "parameter 'bins' is 5.0 in the record, but 5 here"),
        ({"tuned": "no"}, "parameter 'tuned' is \"no\" in the record, but absent here"),
    ],
)
def test_other_parameters_than_the_score_depends_on_fail_rescoring(target, parameters, sentence):
    target.document["scores"]["after"]["mig"]["parameters"] |= parameters
    target.submit()
    verdict = check(target, "rescored")
    assert verdict.outcome != "rescored"
    assert sentence in verdict.reason


def test_a_parameter_that_is_left_out_fails_rescoring(target):
    del target.document["scores"]["after"]["mig"]["parameters"]["seed"]
    target.submit()
    assert_refuted(target, "rescored", "parameter 'seed' is absent in the record, but 0 here")


def test_a_score_edited_by_a_rounding_passes(target):
    target.document["scores"]["after"]["mig"]["value"] += 1e-7
    target.submit()
    assert check(target, "re-encoded").outcome == "re-encoded"


def test_an_edited_hash_of_images_fails_encoding(target):
    target.provenance["data_hash"] = "0" * 64
    target.submit()
    assert check(target, "rescored").outcome == "rescored"
    assert_refuted(target, "re-encoded", "the scored images are other ones")


@pytest.mark.parametrize("name", ["encoder_hash", "latents_hash"])
def test_an_edited_hash_of_evidence_is_not_verified(target, name):
    target.provenance[name]["after"] = "0" * 64
    target.submit()
    verdict = check(target, "rescored")
    assert (verdict.outcome, "is missing" in verdict.reason) == ("not verified", True)


def test_evidence_under_another_hash_is_not_verified(target):
    path = target.path("latents", "after")
    target.provenance["latents_hash"]["after"] = "0" * 64
    shutil.copyfile(path, path.with_stem("0" * 64))
    target.submit()
    verdict = check(target, "rescored")
    assert (verdict.outcome, "not what its name says" in verdict.reason) == ("not verified", True)
    assert any("not what its name says" in problem for problem in validate(target.board))


# Scores that nothing proves ----------------------------------------------------------------------


def without_evidence(target, others, *, value, encoder=None):
    """A row without evidence: two runs that are far apart, and one that claims some score."""
    shutil.rmtree(target.board / "evidence")
    for number, other in enumerate(others):
        other.document["scores"]["after"]["mig"]["value"] = 0.9 * number
        other.file.write_text(other.record.to_json())
    target.document["scores"]["after"]["mig"]["value"] = value
    if encoder:
        target.provenance["encoder_hash"]["after"] = encoder
    target.file.write_text(target.record.to_json())
    write_board(target.board)


@pytest.mark.parametrize(("encoder", "outcome"), [(None, "refuted"), ("0" * 64, "not verified")])
def test_invented_scores_do_not_allow_each_other(target, real_runs, encoder, outcome):
    others = [Forger(target.board, real_runs.specs[seed]) for seed in (1, 2)]
    without_evidence(target, others, value=0.9, encoder=encoder)
    verdict = check(target, "retrained")
    assert verdict.outcome == outcome, verdict
    assert "mig after training: value is 0.9 in the record" in verdict.reason


@pytest.mark.parametrize("name", ["per_factor", "parameters"])
def test_not_only_the_score_comes_back_where_the_encoder_does(target, name):
    shutil.rmtree(target.board / "evidence")
    found = target.document["scores"]["after"]["mig"][name]
    found["shape" if name == "per_factor" else "tuned"] = 0.9
    target.submit()
    assert_refuted(target, "retrained", "came back bit for bit")


def test_other_shares_of_rows_than_the_spec_gives_are_not_trained_again(target):
    shutil.rmtree(target.board / "evidence")
    target.document["redrawn"] = dict.fromkeys(target.document["redrawn"], 0.5)
    target.submit()
    assert_refuted(target, "retrained", "shares of rows drawn again of the record are not those")


# Weights -----------------------------------------------------------------------------------------


def test_weights_of_another_seed_fail_encoding(target, real_board, real_runs):
    other = Forger(real_board, real_runs.specs[1])
    target.write_bytes("weights", "after", other.path("weights", "after").read_bytes())
    target.submit()
    target.submit()
    assert "one run, copied" in check(target, "re-encoded").reason
    for record in (other.record, other.record.spec.init):  # where nobody knows the original
        (real_board / "records" / f"{record.key}.json").unlink()
    assert_refuted(target, "re-encoded", f"weights of the run {other.key[:12]}")


def test_weights_of_another_stage_under_ones_own_name_fail_encoding(target):
    arrays, _ = target.read("weights", "before")
    target.write("weights", "after", arrays, {"run": target.key})
    target.submit()
    assert_refuted(target, "re-encoded", "after training are not what the weights give")


def test_weights_of_another_width_fail_encoding(target):
    target.change("weights", "after", lambda a: a | {"mean.weight": np.zeros((10, 99), "f4")})
    target.submit()
    assert_refuted(target, "re-encoded", "mean.weight is F32 (10, 99), expected F32 (10, 16)")


# One run under several names ---------------------------------------------------------------------


def duplicate(board, spec, seed):
    """The run of a spec once more, as that of another seed: source, sample and all."""
    changed = spec.model_copy(
        update={"seed": seed, "init": spec.init.model_copy(update={"seed": seed})}
    )
    changed = type(spec).model_validate(changed.model_dump())
    forger = Forger(board, spec)
    forger.claim(changed)
    return forger


def test_a_seed_that_is_another_renamed_is_found(real_board, real_runs):
    copy = duplicate(real_board, real_runs.specs[0], 7)
    copy.encode()
    copy.submit()
    honest = real_runs.specs[0].key
    (problem,) = [p for p in validate(real_board) if f"{honest}.json" in p]
    assert "trainings from seeds 0 and 7" in problem
    assert "with equal weights" in problem
    for key in (copy.key, honest):
        for level in ("rescored", "re-encoded"):
            (verdict,) = verify(real_board, [key], level=level)
            assert (verdict.outcome, "one run, copied" in verdict.reason) == ("not verified", True)


def test_training_again_tells_a_copy_from_its_original(real_board, real_runs):
    copy = duplicate(real_board, real_runs.specs[0], 7)
    copy.encode()
    copy.submit()
    genuine, copied = verify(real_board, [real_runs.specs[0].key, copy.key], level="retrained")
    assert genuine.outcome == "retrained"
    assert copied.outcome in ("refuted", "not verified")


@pytest.mark.parametrize("noise", [1e-6, 1e-3, 3e-2])
def test_a_copy_with_noise_on_its_weights_is_found(real_board, real_runs, noise):
    copy = duplicate(real_board, real_runs.specs[0], 7)
    rng = np.random.default_rng(0)

    def disturb(arrays):
        return {
            name: a + (noise * a.std() * rng.normal(size=a.shape)).astype(a.dtype)
            if a.dtype.kind == "f"
            else a
            for name, a in arrays.items()
        }

    for stage in copy.document["scores"]:
        copy.change("weights", stage, disturb)
    copy.encode()
    copy.submit()
    (verdict,) = verify(real_board, [copy.key])
    assert (verdict.outcome, "one run, copied" in verdict.reason) == ("not verified", True)
    assert any("alike weights" in problem for problem in validate(real_board))


def test_independent_trainings_are_never_taken_for_copies(real_board):
    records = {path: read_model(path, Record) for path in record_files(real_board)}
    assert list(lookalikes(records, real_board)) == []
    assert ALIKE < 1


# Verifications -----------------------------------------------------------------------------------


def verified(board):
    verify(board, every=True, by="A. Checker", write=True)
    assert set(states(board).values()) == {"re-encoded"}


def test_a_verification_of_another_record_counts_for_nothing(real_board, target):
    verified(real_board)
    path = real_board / "verifications" / f"{target.key}.json"
    text = path.read_text()
    own = text[text.index('"record_hash": "') + 16 :][:64]
    path.write_text(text.replace(own, "1" * 64).replace("re-encoded", "retrained"))
    write_board(real_board)
    assert states(real_board)[target.key] == "self-reported"
    assert any("verifies another version of its record" in p for p in validate(real_board))


def test_a_record_edited_after_its_verification_is_unverified(real_board, target):
    verified(real_board)
    target.document["scores"]["after"]["mig"]["value"] = 0.9
    target.submit()
    assert states(real_board)[target.key] == "self-reported"
    assert any("verifies another version of its record" in p for p in validate(real_board))


def test_a_refuted_record_says_so_on_the_board(target):
    target.document["scores"]["after"]["mig"]["value"] = 0.9
    target.submit()
    verify(target.board, [target.key], by="A. Checker", write=True)
    assert states(target.board)[target.key] == "refuted"
    (again,) = (path.read_text() for path in (target.board / "verifications").glob("*.json"))
    assert "value is 0.9 in the record" in again
