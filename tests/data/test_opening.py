from pathlib import Path

import numpy as np
import pytest

from drbench import Dataset, DatasetSpec, Factor, GroundTruth, RequestError, load_dataset
from drbench.data.source import Source
from drbench.errors import MissingFilesError, PluginError, UnknownNameError

SPEC = DatasetSpec(
    name="toy",
    summary="Toy",
    factors=(Factor(name="x", kind="ordinal", size=4),),
    image_shape=(1, 1, 1),
    folders=("toy", "archive-top"),
    licence="x",
    citation="y",
)


def plugin(spec, count=4):
    class Toy(Dataset):
        def open(self, source):
            codes = np.arange(count)[:, None]
            images = lambda rows: np.zeros((len(rows), 1, 1, 1), np.uint8)  # noqa: E731
            return GroundTruth(source.spec, source.origin, codes, images, notes=("own note",))

    Toy.spec = spec
    return Toy


def registered(monkeypatch, loaded):
    class Found:
        origin = "test"

        def load(self):
            return loaded

    monkeypatch.setattr("drbench.registry.find", lambda kind, name: Found())


def test_complete_set_has_no_note_on_what_is_missing(monkeypatch):
    registered(monkeypatch, plugin(SPEC))
    assert load_dataset("toy").notes == ("own note",)


def test_incomplete_set_says_what_is_missing_whatever_its_plugin(monkeypatch):
    registered(monkeypatch, plugin(SPEC, count=2))
    assert load_dataset("toy").notes == (
        "own note",
        "2 of 4 combinations of classes are there; none has x 2-3",
    )


def test_dependent_factors_need_no_complete_grid(monkeypatch):
    spec = SPEC.model_copy(update={"independent": False})
    registered(monkeypatch, plugin(spec, count=2))
    assert load_dataset("toy").notes == ("own note",)


def test_unknown_name_suggests_the_nearest():
    with pytest.raises(UnknownNameError, match="did you mean 'color_dsprites'"):
        load_dataset("colour_dsprites")


def test_origin_that_a_set_does_not_have_is_refused():
    with pytest.raises(RequestError, match="coil100 has no rendered origin"):
        load_dataset("coil100", origin="rendered")


@pytest.mark.parametrize(
    ("origins", "opened"),
    [(("rendered", "official"), "official"), (("rendered",), "rendered"), (("own",), "own")],
)
def test_the_official_origin_or_the_only_one_is_opened_unless_another_is_named(
    monkeypatch, origins, opened
):
    registered(monkeypatch, plugin(SPEC.model_copy(update={"origins": origins})))
    assert load_dataset("toy").origin == opened
    assert load_dataset("toy", origin=origins[0]).origin == origins[0]


def test_plugin_that_is_no_data_set_is_refused(monkeypatch):
    registered(monkeypatch, dict)
    with pytest.raises(PluginError, match=r"no drbench.Dataset"):
        load_dataset("toy")


def test_plugin_with_another_name_in_its_spec_is_refused(monkeypatch):
    registered(monkeypatch, plugin(SPEC))
    with pytest.raises(PluginError, match="calls itself 'toy'"):
        load_dataset("tooy")


# Where files are looked for


@pytest.mark.parametrize("folder", ["toy", "archive-top", ""])
def test_files_are_found_in_each_folder(tmp_path, folder):
    (tmp_path / folder).mkdir(exist_ok=True)
    (tmp_path / folder / "b.npz").write_text("")
    source = Source(SPEC, "official", tmp_path)
    assert source.file("a.npz", "b.npz") == tmp_path / folder / "b.npz"
    assert source.folder("*.npz") == tmp_path / folder


def test_data_root_is_the_environments_unless_given(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_DATA", str(tmp_path))
    assert Source(SPEC, "official").folders[0] == tmp_path / "toy"
    assert Source(SPEC, "official", Path("/other")).folders[0] == Path("/other/toy")


@pytest.mark.parametrize("find", [Source.file, Source.folder])
def test_missing_files_name_the_places_and_the_command(tmp_path, find):
    with pytest.raises(MissingFilesError) as error:
        find(Source(SPEC, "official", tmp_path), "a.npz")
    for part in ("no a.npz", str(tmp_path / "archive-top"), "drbench datasets fetch toy"):
        assert part in str(error.value)
    assert "rendered" not in str(error.value)
