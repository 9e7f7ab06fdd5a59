"""A frozen encoder: one plugin file and a file of weights, scored by a run of no steps."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import nn

from drbench import DataRef, HubWeights, RequestError, Scoring, execute, load_model, registry
from drbench.checks import check_plugin
from drbench.data.spec import RemoteFile
from drbench.errors import RunError
from drbench.models import pretrained
from drbench.models.inference import decode, encoder, seeded_network
from drbench.runs.request import train_spec

PLUGIN = '''
"""A linear map of mean colours."""

from pathlib import Path

from torch import nn

from drbench import Encoder, WeightsFile


class Colours(Encoder):
    """Mean colours, mapped linearly."""

    name = "colours"

    def network(self, image_shape):
        return nn.ModuleDict({"map": nn.Linear(3, 4), "scale": nn.LayerNorm(4)})

    def encode(self, network, images, noise):
        means = images.mean(dim=(2, 3)).expand(-1, 3)
        return network.get_submodule("scale")(network.get_submodule("map")(means)), None

    def weights(self):
        file = Path(__file__).with_name("colours.safetensors")
        return WeightsFile(path=file, sha256="SHA256", part="map")


PLUGINS = {"models": {"colours": Colours}}
'''
WEIGHTS = {
    "weight": torch.arange(12.0).reshape(4, 3),
    "bias": torch.ones(4),
    "head.weight": torch.zeros(9),  # the file may hold more than the network
}
DATA = DataRef(
    name="color_dsprites",
    origin="rendered",
    resize=16,
    levels={"scale": 2, "orientation": 2, "pos_x": 3, "pos_y": 3, "color": 3},
)


def installed(folder: Path, tensors: dict[str, torch.Tensor]) -> Path:
    """The plugin file, beside a file of these weights, whose SHA-256 it names."""
    content = safetensors.torch.save(tensors)
    (folder / "colours.safetensors").write_bytes(content)
    file = folder / "colours.py"
    file.write_text(PLUGIN.replace("SHA256", hashlib.sha256(content).hexdigest()))
    registry.use_files(file)
    return file


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DRBENCH_PLUGINS", "")
    return installed(tmp_path, WEIGHTS)


def colours(seed: int = 0) -> nn.Module:
    return seeded_network(load_model("colours"), (16, 16, 3), seed)


def test_it_conforms(plugin: Path) -> None:
    assert check_plugin(registry.find("model", "colours")) == []


def test_the_declared_part_has_the_weights_of_the_file_at_any_seed(plugin: Path) -> None:
    for seed in (0, 1):
        state = colours(seed).state_dict()
        assert torch.equal(state["map.weight"], WEIGHTS["weight"])
        assert torch.equal(state["map.bias"], WEIGHTS["bias"])


def test_a_run_of_no_steps_scores_it_and_keeps_a_record(plugin: Path, tmp_path: Path) -> None:
    scoring = Scoring(sample=40, pairs=20, metrics={"mig": {"bins": 4}})
    spec = train_spec(DATA, "colours", settings={}, steps=0, seed=0, scoring=scoring)
    record = execute(spec, out=tmp_path / "run")
    assert record.scores["after"]["mig"].value is not None
    assert record.objective == {"after": {}}
    kept = safetensors.torch.load_file(tmp_path / "run" / "weights.safetensors")
    assert torch.equal(kept["map.weight"], WEIGHTS["weight"])


def test_it_encodes_and_says_that_it_does_not_decode(plugin: Path) -> None:
    model, network = load_model("colours"), colours()
    images = np.full((5, 16, 16, 3), 255, dtype=np.uint8)
    mean, sampled = encoder(model, network, seed=0, device="cpu")(images)
    assert (mean.shape, sampled) == ((5, 4), None)
    with pytest.raises(RequestError, match="colours has no decoder"):
        decode(model, network, mean)


def test_weights_of_another_content_are_refused(plugin: Path) -> None:
    with (plugin.parent / "colours.safetensors").open("ab") as file:
        file.write(b" ")
    with pytest.raises(RunError, match=r"has the SHA-256 \w+..., expected"):
        colours()
    (plugin.parent / "colours.safetensors").unlink()
    with pytest.raises(RunError, match="no weights at"):
        colours()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"bias": None}, "lacks 1 of the network's weights, such as map.bias"),
        ({"bias": torch.ones(5)}, r"map.bias has shape \(5,\), expected \(4,\)"),
    ],
)
def test_weights_that_do_not_fit_are_refused(
    plugin: Path, change: dict[str, torch.Tensor | None], says: str
) -> None:
    changed = {name: w for name, w in (WEIGHTS | change).items() if w is not None}
    installed(plugin.parent, changed)
    with pytest.raises(RunError, match=says):
        colours()


def test_hub_weights_are_fetched_once_by_revision_and_checked_when_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path))
    fetched = []

    def download(file: RemoteFile, path: Path) -> None:
        fetched.append(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"weights")

    monkeypatch.setattr(pretrained, "download", download)
    digest = hashlib.sha256(b"weights").hexdigest()
    weights = HubWeights(repository="a/b", revision="0123", file="m.safetensors", sha256=digest)
    path = weights.fetch()
    assert weights.fetch() == path
    (file,) = fetched
    assert file.url == "https://huggingface.co/a/b/resolve/0123/m.safetensors"
    assert file.hash == f"sha256:{digest}"
    path.write_bytes(b"damaged")
    with pytest.raises(RunError, match="SHA-256"):
        weights.fetch()
