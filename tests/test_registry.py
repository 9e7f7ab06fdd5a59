import hashlib
import sys
from pathlib import Path

import pytest

from drbench import registry
from drbench.errors import MissingExtraError, PluginError, RequestError, UnknownNameError

METRIC = '''
def steady(representation, *, seed):
    """Always the same."""

PLUGINS = {"metrics": {"steady": steady}}
'''


@pytest.fixture(autouse=True)
def _fresh_registry():
    caches = (registry._installed, registry._identity, registry._module_file)
    for cache in caches:
        cache.cache_clear()
    yield
    for cache in caches:
        cache.cache_clear()


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Puts a distribution with entry points and modules where Python finds it."""

    def install(name: str, entry_points: str, modules: dict[str, str], version: str = "3.1"):
        folder = tmp_path / name
        info = folder / f"{name}-{version}.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(entry_points)
        for module, text in modules.items():
            path = folder / module
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        monkeypatch.syspath_prepend(folder)
        return folder

    return install


def write(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_own_plugins_are_registered_by_entry_points() -> None:
    assert "color_dsprites" in registry.names("dataset")
    assert "ada_gvae" in registry.names("model")
    omes = registry.find("metric", "omes")
    assert (omes.distribution, omes.module) == ("drbench", "drbench.metrics.omes")


def test_an_unknown_name_suggests_the_nearest() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'dsprites'"):
        registry.find("dataset", "dsprite")


def test_an_installed_distribution_is_listed_without_being_imported(distribution) -> None:
    code = 'def steady(representation):\n    """Always the same."""\nraise RuntimeError("imported")'
    modules = {
        "stranger/__init__.py": "raise RuntimeError",
        "stranger/deep/__init__.py": "raise RuntimeError",
        "stranger/deep/one.py": code,
    }
    points = "[drbench.metrics]\nsteady = stranger.deep.one:steady\n"
    folder = distribution("stranger", points, modules)
    plugin = registry.find("metric", "steady")
    assert (plugin.distribution, plugin.version) == ("stranger", "3.1")
    assert plugin.source == folder / "stranger/deep/one.py"
    assert plugin.summary == "Always the same."
    assert plugin.problem == ""
    assert "stranger" not in sys.modules


def test_of_two_distributions_with_one_name_drbenchs_own_wins(distribution) -> None:
    distribution(
        "aardvark", "[drbench.metrics]\nmig = aardvark:mig\n", {"aardvark.py": "mig = None"}
    )
    with pytest.warns(registry.PluginWarning, match=r"'mig' of aardvark 3.1 is left out: drbench"):
        assert registry.find("metric", "mig").distribution == "drbench"


def test_of_two_strangers_with_one_name_the_first_in_the_alphabet_wins(distribution) -> None:
    for name in ("badger", "aardvark"):
        distribution(name, f"[drbench.models]\nsame = {name}:Same\n", {f"{name}.py": "Same = 1"})
    with pytest.warns(registry.PluginWarning, match=r"badger 3.1 is left out: aardvark"):
        assert registry.find("model", "same").distribution == "aardvark"


@pytest.mark.parametrize(
    ("code", "cause"),
    [
        ("raise OSError('no licence')", "OSError: no licence"),
        ("import nowhere_to_be_found", "ModuleNotFoundError: No module named"),
        ("x = 1", "has no attribute 'Broken'"),
        ("def (", "SyntaxError"),
        ("raise SystemExit(3)", "SystemExit: 3"),
    ],
)
def test_a_broken_plugin_says_its_cause_and_the_others_work(distribution, code, cause) -> None:
    distribution("sick", "[drbench.models]\nbroken = sick:Broken\n", {"sick.py": code})
    assert {"broken", "beta_vae"} <= set(registry.names("model"))
    with pytest.raises(PluginError, match=r"'broken' of sick 3\.1") as error:
        registry.load("model", "broken")
    assert cause in str(error.value)
    assert registry.load("dataset", "dsprites")
    sys.modules.pop("sick", None)


def test_a_missing_module_and_a_syntax_error_are_seen_without_importing(distribution) -> None:
    points = "[drbench.models]\ngone = vanished.deep:Gone\nbent = bent:Bent\n"
    distribution("sick", points, {"bent.py": "class Bent(:"})
    assert registry.find("model", "gone").problem == "there is no module vanished.deep"
    assert registry.find("model", "bent").problem.startswith("SyntaxError")
    assert registry.find("model", "bent").summary == ""


def test_a_missing_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write(tmp_path / "needy.py", "import torch\nN = 1\nPLUGINS = {'models': {'needy': N}}")
    monkeypatch.setitem(sys.modules, "torch", None)
    registry.use_files(file)
    with pytest.raises(MissingExtraError, match=r"pip install 'drbench\[train\]'"):
        registry.load("model", "needy")


def test_a_file_registers_what_its_dict_names_without_being_imported(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", METRIC + "raise RuntimeError('imported')")
    registry.use_files(file)
    plugin = registry.find("metric", "steady")
    assert (plugin.origin, plugin.summary) == (str(file), "Always the same.")
    assert plugin.version == hashlib.sha256(file.read_bytes()).hexdigest()[:12]
    assert registry.overrides() == f"plugins from files: metric steady ({file})"


def test_a_file_overrides_an_installed_plugin_and_says_so(tmp_path: Path) -> None:
    file = write(tmp_path / "mine.py", METRIC.replace("steady", "mig"))
    registry.use_files(file)
    assert registry.load("metric", "mig").__doc__ == "Always the same."
    assert f"metric mig ({file}, instead of drbench 0" in registry.overrides()


def test_two_files_of_one_name_do_not_collide(tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "mine.py", METRIC.replace("steady", name))
    registry.use_files(tmp_path / "one", tmp_path / "two")
    one, two = registry.load("metric", "one"), registry.load("metric", "two")
    assert (one.__name__, two.__name__) == ("one", "two")
    assert sys.modules[one.__module__] is not sys.modules[two.__module__]


def test_of_a_folder_only_files_with_plugins_count(tmp_path: Path) -> None:
    write(tmp_path / "mine.py", METRIC)
    write(tmp_path / "notes.py", "def (")
    registry.use_files(tmp_path)
    assert "steady" in registry.names("metric")


@pytest.mark.parametrize(
    "text",
    [
        "x = 1",
        "PLUGINS = 3",
        "PLUGINS = {'metrics': steady}",
        "PLUGINS = {'metric': {'steady': steady}}",
        "PLUGINS = {'metrics': {steady: steady}}",
        "PLUGINS = {'metrics': {'steady': make()}}",
        "PLUGINS = {**other}",
        "PLUGINS = {'metrics': (",
        "\x00",
        "PLUGINS = '\udce9'",
    ],
)
def test_a_file_that_registers_nothing_readable_is_one_warning(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.py"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    registry.use_files(file)
    with pytest.warns(registry.PluginWarning, match="left out") as warned:
        assert "mig" in registry.names("metric")
    assert len(warned) == 1


def test_a_path_that_does_not_exist_is_a_wrong_request(tmp_path, monkeypatch) -> None:
    with pytest.raises(RequestError, match="no such file"):
        registry.use_files(tmp_path / "absent.py")
    monkeypatch.setenv("DRBENCH_PLUGINS", str(tmp_path / "absent.py"))
    with pytest.raises(RequestError, match="DRBENCH_PLUGINS names"):
        registry.names("metric")
