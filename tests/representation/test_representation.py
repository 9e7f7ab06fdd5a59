import json
from dataclasses import replace

import numpy as np
import pytest

from drbench.data.spec import Factor
from drbench.errors import RepresentationError
from drbench.representation.representation import Interventions, Representation

CODES = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
LATENTS = np.arange(12.0).reshape(4, 3)


def inferred(*columns):
    """Factors and codes that are read from columns of labels."""
    table = np.stack([np.asarray(column, dtype=object) for column in columns], axis=1)
    return Representation.from_arrays(np.ones((len(table), 1)), table)


def with_interventions(**changes):
    known = {
        "factor": np.array([0, 1]),
        "mean": np.zeros((2, 2, 3)),
        "sampled": np.ones((2, 2, 3)),
        "redrawn": np.array([0.5, np.nan]),
        "rows": np.array([[0, 2], [0, 1]]),
    }
    return replace(
        Representation.from_arrays(LATENTS, CODES),
        sampled=LATENTS + 1,
        interventions=Interventions(**known | changes),
    )


@pytest.mark.parametrize("dtype", [np.int8, np.int64, np.uint8, np.float32, np.float64, bool])
def test_classes_are_the_same_whatever_their_type(dtype):
    found = Representation.from_arrays(LATENTS, CODES.astype(dtype))
    assert found.fingerprint == Representation.from_arrays(LATENTS, CODES).fingerprint


def test_integers_from_zero_are_classes_as_they_are():
    found = inferred([0, 1, 3, 3])
    assert found.codes.ravel().tolist() == [0, 1, 3, 3]
    assert (found.factors[0].kind, found.factors[0].size, found.notes) == ("ordinal", 4, ())


def test_other_integers_are_numbered_by_rank_and_it_is_said():
    found = inferred([10, -5, 300, 10])
    assert found.codes.ravel().tolist() == [1, 0, 2, 1]
    assert found.factors[0].values == (-5, 10, 300)
    assert "numbered by rank" in found.notes[0]


def test_integers_with_wide_gaps_are_numbered_by_rank_however_many_rows_there_are():
    found = inferred([90, 5, 40, 5] * 50)
    assert found.codes.ravel().tolist() == [2, 0, 1, 0] * 50
    assert found.factors[0].values == (5, 40, 90)


def test_reals_that_repeat_are_classes_by_rank():
    levels = np.linspace(0.75, 1.25, 8)
    found = inferred(np.tile(levels[::-1], 2))
    assert found.codes.ravel().tolist() == [7, 6, 5, 4, 3, 2, 1, 0] * 2
    assert found.factors[0].values == tuple(levels)
    np.testing.assert_array_equal(found.values[:8, 0], levels[::-1])


def test_reals_that_hardly_repeat_are_continuous_and_it_is_said():
    values = [0.5, 0.25, 0.125, 0.5]
    found = inferred(values)
    assert (found.factors[0].kind, found.factors[0].size) == ("continuous", None)
    assert found.values.ravel().tolist() == values
    assert found.codes.ravel().tolist() == [-1] * 4
    assert "taken as continuous" in found.notes[0]


def test_text_is_numbered_alphabetically_and_numbers_in_text_by_size():
    found = inferred(["red", "blue", "red", "green"], ["9", "10", "9", "10"])
    assert found.codes.tolist() == [[2, 0], [0, 1], [2, 0], [1, 1]]
    assert found.factors[0].values == ("blue", "green", "red")
    assert "alphabetical" in found.notes[0]


def test_lists_of_mixed_type_are_read_column_by_column():
    found = Representation.from_arrays(LATENTS, [["a", 2], ["b", 1], ["a", 0], ["b", 1]])
    assert found.codes.tolist() == [[0, 2], [1, 1], [0, 0], [1, 1]]
    assert found.factors[1].kind == "ordinal"


def test_a_frame_names_its_factors():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"shape": ["a", "b", "a", "b"], "x": [0, 1, 2, 3]})
    assert Representation.from_arrays(LATENTS, frame).factor_names == ("shape", "x")
    assert Representation.from_arrays(LATENTS, frame, factors=["s", "t"]).factor_names == ("s", "t")
    unnamed = pandas.DataFrame(CODES)
    assert Representation.from_arrays(LATENTS, unnamed).factor_names == ("factor_0", "factor_1")


@pytest.mark.parametrize("kind", ["Int64", "string", "Float64", "boolean", "category", "object"])
def test_columns_that_can_lack_entries_are_read_and_refused_where_they_do(kind):
    pandas = pytest.importorskip("pandas")
    labels = pandas.Series([1, 0, 1, 0], dtype="object" if kind == "category" else kind)
    frame = pandas.DataFrame({"x": labels.astype(kind), "y": [0, 1, 2, 3]})
    assert Representation.from_arrays(LATENTS, frame).codes[:, 0].tolist() == [1, 0, 1, 0]
    for codes in (frame, frame[["x"]]):
        with pytest.raises(RepresentationError, match=r"actor x (lacks a label|hold NaN)"):
            Representation.from_arrays(LATENTS, codes.mask(frame["y"] == 2))


@pytest.mark.parametrize("kind", ["float32", "float64", "float16", "bfloat16", "int64"])
def test_tensors_are_read_with_or_without_gradients(kind):
    torch = pytest.importorskip("torch")
    latents = torch.tensor(LATENTS).to(getattr(torch, kind))
    latents.requires_grad_(latents.is_floating_point())
    read = Representation.from_arrays(latents, torch.tensor(CODES))
    np.testing.assert_array_equal(read.mean, LATENTS)
    np.testing.assert_array_equal(read.codes, CODES)


def test_without_codes_there_are_no_factors_and_it_is_said():
    read = Representation.from_arrays(LATENTS.tolist())
    assert (read.codes.shape, read.factors) == ((4, 0), ())
    assert "no codes" in read.notes[0]


@pytest.mark.parametrize("dtype", [np.int8, np.uint16, np.int32])
def test_codes_are_held_as_int64(dtype):
    plain = Representation.from_arrays(LATENTS, CODES)
    other = replace(plain, codes=CODES.astype(dtype))
    assert other.codes.dtype == np.int64
    assert other.fingerprint == plain.fingerprint
    with pytest.raises(RepresentationError, match="codes must be integers, not float64"):
        replace(plain, codes=CODES + 0.5)


def test_it_prints_in_a_few_lines_however_many_rows_there_are():
    codes = np.tile(CODES, (500, 1))
    large = Representation.from_arrays(np.ones((2000, 3)), codes, factors=["shape", "scale"])
    assert repr(large).splitlines() == [
        "Representation: 2,000 rows, 3 latents (mean)",
        "  factors: shape (2), scale (2)",
    ]
    assert "pairs that differ in one factor: 2" in repr(with_interventions())


def test_declared_factors_are_held_to():
    factors = [
        Factor(name="shape", kind="categorical", size=5),
        Factor(name="x", kind="continuous"),
    ]
    labels = np.array([[0, 0.5], [4, 0.5], [1, 0.25], [1, 2]])
    found = Representation.from_arrays(LATENTS, labels, factors=factors)
    assert found.factors == tuple(factors)
    assert found.codes.tolist() == [[0, -1], [4, -1], [1, -1], [1, -1]]
    assert found.values[:, 1].tolist() == [0.5, 0.5, 0.25, 2]
    with pytest.raises(RepresentationError, match="shape has a class 5, outside 0 to 4"):
        Representation.from_arrays(LATENTS, labels + 1, factors=factors)
    with pytest.raises(RepresentationError, match="whole numbers"):
        Representation.from_arrays(LATENTS, labels + 0.5, factors=factors)


@pytest.mark.parametrize(
    ("latents", "codes", "words"),
    [
        (LATENTS, CODES[:3], r"codes of shape \(3, 2\)"),
        (LATENTS * np.nan, CODES, "mean latents hold NaN or infinite numbers in 4 of 4 rows"),
        (np.where(LATENTS == 5, np.inf, LATENTS), CODES, "in 1 of 4 rows"),
        (LATENTS[0], CODES, r"expected \(n, latent\)"),
        (LATENTS[:, :0], CODES, "each 1 or more"),
        (LATENTS[:0], CODES[:0], "no rows"),
        (LATENTS, CODES[:, :0], r"expected \(n, factor\)"),
        (LATENTS, CODES[None], r"expected \(n, factor\)"),
        (LATENTS, [[0, 1], [0], [1], [1]], "different lengths"),
        (LATENTS, np.where(CODES, np.nan, 0.0), "factor_0 hold NaN"),
        (LATENTS, [["a", ""]] * 4, "factor_1 lacks a label in 4 rows"),
        (LATENTS, [["a", None]] * 4, "factor_1 lacks a label in 4 rows"),
        (LATENTS, [[0, "a"], [1, float("nan")]] * 2, "factor_1 lacks a label in 2 rows"),
        (LATENTS, CODES * 1j, "have type complex128"),
        (LATENTS, CODES + 2**60, r"exceed 2\^53"),
        (LATENTS, [[10**400, 0]] * 4, r"exceed 2\^53"),
        ([["a"]] * 4, CODES, "not an array of numbers"),
    ],
)
def test_what_is_no_representation_is_named(latents, codes, words):
    with pytest.raises(RepresentationError, match=words):
        Representation.from_arrays(latents, codes)


def test_names_of_factors_must_fit():
    with pytest.raises(RepresentationError, match="3 factors are named"):
        Representation.from_arrays(LATENTS, CODES, factors=["a", "b", "c"])
    with pytest.raises(RepresentationError, match="each its own"):
        Representation.from_arrays(LATENTS, CODES, factors=["a", "a"])


def test_columns_of_a_unit_are_grouped():
    found = Representation.from_arrays(LATENTS, CODES, latent_groups=[7, 3, 7])
    assert found.units.tolist() == [1, 0, 1]
    assert found.has_vector_units
    assert not Representation.from_arrays(LATENTS, CODES).has_vector_units
    with pytest.raises(RepresentationError, match="latent_groups has shape"):
        Representation.from_arrays(LATENTS, CODES, latent_groups=[0, 1])
    with pytest.raises(RepresentationError, match="must be integers"):
        Representation.from_arrays(LATENTS, CODES, latent_groups=["a", "b", "c"])


def test_the_kind_chooses_latents_and_pairs():
    found = with_interventions()
    np.testing.assert_array_equal(found.latents, LATENTS)
    assert found.pairs(0)[0].tolist() == [[0, 0, 0]]
    sampled = found.with_kind("sampled")
    np.testing.assert_array_equal(sampled.latents, LATENTS + 1)
    assert sampled.pairs(1)[1].tolist() == [[1, 1, 1]]
    assert sampled.fingerprint != found.fingerprint


def test_sampled_latents_are_never_made_up():
    with pytest.raises(RepresentationError, match="no sampled latents"):
        Representation.from_arrays(LATENTS, CODES).with_kind("sampled")
    with pytest.raises(RepresentationError, match="interventions hold no sampled"):
        with_interventions(sampled=None).with_kind("sampled")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"mean": np.zeros((2, 2, 4))}, "mean has shape"),
        ({"mean": np.full((2, 2, 3), np.nan)}, "mean latents of interventions hold NaN"),
        ({"sampled": np.full((2, 2, 3), np.inf)}, "sampled latents of interventions hold NaN"),
        ({"factor": np.array([0, 2])}, "outside 0 to 1"),
        ({"rows": np.zeros((2, 3), dtype=int)}, "rows has shape"),
    ],
)
def test_interventions_must_fit(changes, words):
    with pytest.raises(RepresentationError, match=words):
        with_interventions(**changes)


def test_a_file_gives_back_what_was_saved(tmp_path):
    found = replace(
        with_interventions(),
        latent_groups=np.array([0, 0, 1]),
        split_groups=np.array([0, 0, 1, 1]),
        rows=np.array([5, 6, 7, 8]),
        notes=("resized",),
    )
    path = found.save(tmp_path / "new")
    for place in (path, path.parent):
        read = Representation.load(place)
        assert read.fingerprint == found.fingerprint
        assert (read.factors, read.notes) == (found.factors, ("resized",))
    assert Representation.load(path, kind="sampled").kind == "sampled"


@pytest.mark.parametrize(
    "change",
    [
        {"mean": LATENTS + 1e-9},
        {"codes": CODES[::-1].copy()},
        {"split_groups": np.arange(4)},
        {"notes": ("other",)},
        {"interventions": None},
    ],
)
def test_the_fingerprint_sees_every_change(change):
    found = with_interventions()
    assert replace(found, **change).fingerprint != found.fingerprint


def test_damaged_or_foreign_files_are_named(tmp_path):
    path = with_interventions().save(tmp_path)
    whole = path.read_bytes()
    extra = json.dumps({"__metadata__": {"drbench": "[" * 100_000}}).encode()
    deep = len(extra).to_bytes(8, "little") + extra
    odd = whole.replace(b'"redrawn', b'"redrown').replace(b"pairs.factor", b"pairs.fector")
    no_factor = whole.replace(b'\\"kind\\": \\"ordinal\\"', b'\\"kind\\": \\"ordinol\\"')
    for content in (b"", whole[:100], whole[:-8], b"<html>" * 50, deep, odd, no_factor):
        path.write_bytes(content)
        with pytest.raises(RepresentationError, match="damaged"):
            Representation.load(tmp_path)
    path.write_bytes(whole.replace(b'\\"version\\": \\"1\\"', b'\\"version\\": \\"9\\"'))
    with pytest.raises(RepresentationError, match="format version 9"):
        Representation.load(tmp_path)
    path.unlink()
    with pytest.raises(RepresentationError, match="holds no representation"):
        Representation.load(tmp_path)
    with pytest.raises(RepresentationError, match="does not exist"):
        Representation.load(tmp_path / "nowhere")
