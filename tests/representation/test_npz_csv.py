import zipfile

import numpy as np
import pytest

from drbench.errors import RepresentationError
from drbench.representation.representation import Representation

MEAN = np.arange(8.0).reshape(4, 2)
CSV = "shape,scale\nsquare,0.75\nheart,1.0\nsquare,0.75\nheart,1.0\n"


@pytest.fixture
def folder(tmp_path):
    np.savez(tmp_path / "representations.npz", mean=MEAN, sampled=MEAN + 1)
    (tmp_path / "classes.csv").write_text(CSV)
    return tmp_path


def test_a_folder_of_npz_and_csv_is_read(folder):
    found = Representation.load(folder)
    assert found.factor_names == ("shape", "scale")
    assert found.codes.tolist() == [[1, 0], [0, 1], [1, 0], [0, 1]]
    assert found.factors[1].values == (0.75, 1.0)
    assert len(found.notes) == 2
    np.testing.assert_array_equal(found.latents, MEAN)
    np.testing.assert_array_equal(Representation.load(folder, kind="sampled").latents, MEAN + 1)


def test_integer_and_float_classes_are_the_same(folder):
    path = folder / "classes.csv"
    path.write_text("a,b\n0,2\n1,1\n1,0\n0,2\n")
    whole = Representation.load(folder)
    path.write_text("a,b\n0.0,2.0\n1.0,1.0\n1.0,0.0\n0.0,2.0\n")
    assert Representation.load(folder).fingerprint == whole.fingerprint
    path.write_text('\ufeffa ,"b"\r\n0,2\r\n1,1\r\n\r\n1,0\r\n0,2\r\n  \r\n', newline="")
    assert Representation.load(folder).fingerprint == whole.fingerprint


def test_sampled_latents_are_optional(folder):
    np.savez(folder / "representations.npz", mean=MEAN)
    assert Representation.load(folder).sampled is None
    with pytest.raises(RepresentationError, match="no sampled latents"):
        Representation.load(folder, kind="sampled")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (CSV + "heart,1.0\n", "4 rows, classes.csv has 5"),
        ("shape,scale\n", "no classes below"),
        ("", "no classes below"),
        ("a,b\n1,2\n1\n", "line 3: 1 entries"),
        ("0,1\n0,1\n0,1\n0,1\n", "must name the factors"),
        (",a\n0,1\n1,1\n2,1\n3,0\n", "column 1 has no name"),
        ("a,a\n0,1\n1,1\n2,1\n3,0\n", "each its own"),
        ("a,b\n0,nan\n1,1\n2,1\n3,0\n", "factor b hold NaN"),
        ("a,b\n0,\n1,1\n2,1\n3,0\n", "Factor b lacks a label in 1 rows"),
        ("a,b\n0,NaN\n1,red\n2,NA\n3,blue\n", "Factor b lacks a label in 2 rows"),
        ("a,b\n0, \n1,red\n2,red\n3,blue\n", "Factor b lacks a label in 1 rows"),
        ("a,b\n0,null\n1,red\n2,red\n3, NA\n", "Factor b lacks a label in 2 rows"),
        ("a,b\n0,9007199254740993\n1,1\n2,1\n3,0\n", "factor b exceed 2"),
        ("a;b\n0,5;1\n1;1\n2;1\n3;0\n", "separated by ';', expected commas"),
        ("a,b\n\n0,1\n1\n", "line 4: 1 entries"),
        ("a,b\n0,1\n1,\x00\n2,1\n3,0\n", "line 3 holds characters"),
        ('a,b\n"0,1\n' + "1,1\n" * 50_000, "cannot be read"),
    ],
)
def test_a_csv_that_does_not_fit_is_named(folder, text, words):
    (folder / "classes.csv").write_text(text)
    with pytest.raises(RepresentationError, match=words):
        Representation.load(folder)


def test_files_that_are_missing_or_damaged_are_named(folder):
    npz, table = folder / "representations.npz", folder / "classes.csv"
    whole = npz.read_bytes()
    for content in (b"", whole[:60], whole[: len(whole) // 2], b"<html>not found</html>"):
        npz.write_bytes(content)
        with pytest.raises(RepresentationError, match=r"NPZ file|damaged"):
            Representation.load(folder)
    np.savez(npz, other=MEAN)
    with pytest.raises(RepresentationError, match=r"lacks the array 'mean'.*other"):
        Representation.load(folder)
    np.savez(npz, mean=np.array([MEAN, None], dtype=object))
    with pytest.raises(RepresentationError, match="holds Python objects, which are never loaded"):
        Representation.load(folder)
    np.savez(npz, mean=MEAN.T)
    with pytest.raises(RepresentationError, match="Are the latents transposed"):
        Representation.load(folder)
    np.savez(npz, mean=MEAN, sampled=MEAN[:, :1])
    with pytest.raises(RepresentationError, match="sampled has shape"):
        Representation.load(folder)
    np.savez(npz, mean=MEAN, sampled=MEAN.astype(str).astype("U9") + "x")
    with pytest.raises(RepresentationError, match="not an array of numbers"):
        Representation.load(folder)
    np.savez(npz, mean=MEAN)
    table.write_bytes("größe\n1\n".encode("latin-1"))
    with pytest.raises(
        RepresentationError, match=r"not written in UTF-8 \(byte 2.*save it as UTF-8"
    ):
        Representation.load(folder)


def test_an_array_header_that_is_no_python_is_a_damaged_file(folder):
    with zipfile.ZipFile(folder / "representations.npz", "w") as archive:
        archive.writestr("mean.npy", b"\x93NUMPY\x01\x00\x10\x00{'descr': '<f8L(\n")
    with pytest.raises(RepresentationError, match=r"representations\.npz is"):
        Representation.load(folder)


def test_without_a_table_of_classes_there_are_latents_alone(folder):
    (folder / "classes.csv").unlink()
    read = Representation.load(folder, kind="sampled")
    assert (read.factors, read.codes.shape) == ((), (4, 0))
    np.testing.assert_array_equal(read.latents, MEAN + 1)
    assert "no codes" in read.notes[0]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("a;b\n0;1\n1;0\n", "separated by ';'"),
        ("index,a\n" + "".join(f"{i},{i % 2}\n" for i in range(30)), "a row number"),
    ],
)
def test_a_table_that_would_be_misread_is_refused(tmp_path, table, said):
    rows = table.count("\n") - 1
    np.savez(tmp_path / "representations.npz", mean=np.arange(2.0 * rows).reshape(rows, 2))
    (tmp_path / "classes.csv").write_text(table)
    with pytest.raises(RepresentationError, match=said):
        Representation.load(tmp_path)


def test_a_page_under_the_name_of_an_archive_is_named_for_what_it_is(tmp_path):
    (tmp_path / "representations.npz").write_text("<html>not found</html>")
    (tmp_path / "classes.csv").write_text("a\n0\n")
    with pytest.raises(RepresentationError, match=r"no NPZ file: write it with numpy\.savez"):
        Representation.load(tmp_path)


def test_spaces_around_a_class_are_no_part_of_it_and_underscores_are(folder):
    (folder / "classes.csv").write_text("a,b\n0,1_2\n 0,12\n1, 12\n1,1_2\n")
    read = Representation.load(folder)
    assert read.codes[:, 0].tolist() == [0, 0, 1, 1]
    assert read.factors[1].values == ("12", "1_2")
    assert read.codes[:, 1].tolist() == [1, 0, 0, 1]
