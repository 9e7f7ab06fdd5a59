"""Images of one's own: one set whatever its path is spelt like, and found again by its content."""

import shutil

import numpy as np
import pytest
from PIL import Image

from drbench import DataError, RequestError, load_dataset
from drbench.data.opening import find_dataset, identify

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 6, 6, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def _cache(tmp_path, monkeypatch):
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def folder(tmp_path):
    for name, pixels in zip(("ant/1", "ant/2", "bee/1", "bee/2"), PIXELS, strict=True):
        file = tmp_path / "photos" / f"{name}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(file)
    return tmp_path / "photos"


def test_one_folder_is_one_set_however_its_path_is_spelt(folder, monkeypatch):
    name, content = identify(f"folder:{folder}")
    assert name == "folder:photos"
    assert len(content) == 64
    monkeypatch.chdir(folder)
    assert identify("folder:.") == identify("folder:../photos/ant/..") == (name, content)
    assert identify("folder:.", called="mine") == ("folder:mine", content)


def test_a_copy_is_the_same_set_and_any_other_byte_name_or_reading_another(folder, tmp_path):
    copy = tmp_path / "elsewhere" / "photos"
    shutil.copytree(folder, copy)
    _, content = identify(f"folder:{folder}")
    assert identify(f"folder:{copy}") == ("folder:photos", content)
    others = {identify(f"folder:{copy}", pattern="{number}.png")[1]}
    (copy / "ant" / "1.png").rename(copy / "ant" / "3.png")
    others.add(identify(f"folder:{copy}")[1])
    (copy / "ant" / "3.png").rename(copy / "ant" / "1.png")
    Image.fromarray(PIXELS[3]).save(copy / "ant" / "1.png")
    others.add(identify(f"folder:{copy}")[1])
    assert len(others | {content}) == 4


def test_a_set_is_found_again_by_its_content_and_no_path_is_in_it(folder, tmp_path, monkeypatch):
    name, content = identify(f"folder:{folder}", called="mine", pattern="{number}.png")
    monkeypatch.chdir(tmp_path)
    data = load_dataset(name, content=content)
    assert data.origin == "own"
    assert data.codes.ravel().tolist() == [1, 2, 1, 2]  # the pattern is remembered
    assert np.array_equal(data.images(np.arange(4)), PIXELS)
    assert str(tmp_path) not in repr((data.spec, data.notes))


def test_factors_are_picked_of_a_set_that_is_found_by_its_content(folder):
    name, content = identify(f"folder:{folder}")
    assert find_dataset(name, ["none"], content=content).spec.factors == ()


def test_a_folder_that_changed_is_refused(folder):
    name, content = identify(f"folder:{folder}")
    Image.fromarray(PIXELS[3]).save(folder / "ant" / "1.png")
    with pytest.raises(DataError, match=rf"folder:photos has changed: .*content {content[:12]}"):
        find_dataset(name, content=content)


def test_a_machine_that_does_not_know_the_folder_says_how_to_name_it(folder, monkeypatch, tmp_path):
    name, content = identify(f"folder:{folder}")
    moved = folder.rename(tmp_path / "moved")
    with pytest.raises(RequestError, match=r"there is no folder .* datasets show folder:PATH"):
        find_dataset(name, content=content)
    assert identify(f"folder:{moved}", called="photos") == (name, content)
    assert len(load_dataset(name, content=content)) == 4
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "another"))
    with pytest.raises(RequestError, match=r"does not know where .* --name photos"):
        find_dataset(name, content=content)


@pytest.mark.parametrize("called", ["a b", "../x", "", ".hidden", "é", "x" * 65])
def test_a_name_that_is_more_than_a_plain_one_is_refused(folder, called):
    with pytest.raises(RequestError, match="--name"):
        identify(f"folder:{folder}", called=called)


def test_a_folder_of_another_alphabet_has_a_plain_name(folder):
    renamed = folder.rename(folder.with_name(".Fotos Zürich"))
    assert identify(f"folder:{renamed}")[0] == "folder:Fotos_Z_rich"


def test_registered_names_are_their_own_identity():
    assert identify("coil100") == ("coil100", None)
    with pytest.raises(RequestError, match="--name is for images of your own"):
        identify("coil100", called="mine")
    with pytest.raises(RequestError, match="--pattern is for images of your own"):
        identify("coil100", pattern="{a}.png")
