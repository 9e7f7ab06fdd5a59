"""Everything registered conforms, and what does not conform is found."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import Field
from torch import nn

from drbench import (
    Dataset,
    DatasetSpec,
    Encoder,
    Factor,
    Generative,
    GroundTruth,
    Metric,
    MetricResult,
    WeightsFile,
    grid_codes,
    load_dataset,
    registry,
)
from drbench.checks import (
    assert_conforms,
    bench,
    check_dataset,
    check_metric,
    check_model,
    check_plugin,
    unopened_origins,
)
from drbench.errors import RequestError

pytestmark = pytest.mark.slow

REGISTERED = [plugin for kind in registry.KINDS for plugin in registry.plugins(kind).values()]


@pytest.mark.parametrize("plugin", REGISTERED, ids=lambda plugin: f"{plugin.kind}-{plugin.name}")
def test_every_registered_plugin_conforms(plugin: registry.Plugin) -> None:
    assert check_plugin(plugin) == []
    if plugin.kind == "dataset":
        dataset = plugin.load()
        unopened = unopened_origins(dataset)
        if len(unopened) == len(dataset.spec.origins):
            pytest.skip("; ".join(unopened))


@pytest.mark.parametrize("name", ["coil100", "coil100_augmented"])
def test_data_sets_of_real_images_conform(name: str, samples: Path) -> None:
    truth = load_dataset(name, root=samples)
    assert check_dataset(registry.load("dataset", name), truth) == []


SPEC = DatasetSpec(
    name="tiny",
    summary="Grey squares.",
    factors=(
        Factor(name="shade", kind="ordinal", size=4),
        Factor(name="tint", kind="ordinal", size=3),
    ),
    image_shape=(8, 8, 1),
    origins=("rendered",),
    licence="CC0-1.0",
    citation="none",
)  # fmt: skip
CODES = grid_codes(SPEC.sizes)


def paint(rows: np.ndarray) -> np.ndarray:
    shades = (CODES[rows] * [50, 10]).sum(axis=1).astype(np.uint8)
    return np.broadcast_to(shades[:, None, None, None], (len(rows), 8, 8, 1)).copy()


def dataset_of(truth=None, spec=SPEC, opening=None) -> Dataset:
    class Tiny(Dataset):
        def open(self, source):
            if opening is not None:
                return opening()
            return truth or GroundTruth(spec, source.origin, CODES, paint)

    Tiny.spec = spec
    return Tiny()


TRUTH = GroundTruth(SPEC, "rendered", CODES, paint)


def noise_from_the_global_generator(rows):
    np.random.seed(int(rows[0]) if len(rows) else 0)  # noqa: NPY002
    return paint(rows)


def depends_on_company(rows):
    return paint(rows) + np.uint8(len(rows) > 3)


def depends_on_order(rows):
    return paint(np.sort(rows))


def opened_anew():
    seed = np.random.default_rng().integers(2**31)
    return replace(TRUTH, images=lambda rows: paint(rows) + np.uint8(seed % 200 + len(rows) * 0))


def crash(*_, **__):
    raise RuntimeError("no such luck")


def spec(**changes) -> DatasetSpec:
    return SPEC.model_copy(update=changes)


@pytest.mark.parametrize(
    ("dataset", "says"),
    [
        (dataset_of(replace(TRUTH, images=lambda rows: paint(rows) * 1.0)), "are float64"),
        (dataset_of(replace(TRUTH, images=lambda rows: paint(rows)[:, 1:])), "expected uint8"),
        (dataset_of(replace(TRUTH, images=depends_on_order)), "depends on the order"),
        (dataset_of(replace(TRUTH, images=depends_on_company)), "the other rows asked for"),
        (dataset_of(replace(TRUTH, images=crash)), "images: RuntimeError: no such luck"),
        (dataset_of(replace(TRUTH, images=noise_from_the_global_generator)), "numpy.random"),
        (dataset_of(replace(TRUTH, images=lambda rows: paint(rows) if len(rows) else
                            np.zeros((0,), np.uint8))), "images of no rows"),
        (dataset_of(opening=opened_anew), "opening it twice gives other images"),
        (dataset_of(opening=crash), "origin rendered: RuntimeError: no such luck"),
            (dataset_of(replace(TRUTH, codes=CODES[:-1])), "11 of 12 combinations exist"),
        (dataset_of(replace(TRUTH, origin="official")), "it opened official"),
        (dataset_of(replace(TRUTH, groups=np.zeros(12, int))), "split_group is declared"),
        (dataset_of(replace(TRUTH, values=np.zeros((12, 1)))), "values have shape (12, 1)"),
        (dataset_of(TRUTH, spec(version="2")), "carries another spec"),
        (dataset_of(opening=lambda: 3), "open returned int"),
        (dataset_of(spec=spec(name="My Set")), "'My Set' should be lower case"),
        (dataset_of(spec=spec(licence=" ")), "spec.licence should be one line"),
        (dataset_of(spec=spec(image_shape=(8, 8, 2))), "2 channels"),
        (dataset_of(spec="none"), "not a drbench.DatasetSpec"),
        (Dataset, "not a concrete subclass"),
        (3, "not a concrete subclass"),
    ],
)  # fmt: skip
def test_a_faulty_data_set_is_found(dataset, says: str) -> None:
    problems = check_dataset(dataset)
    assert any(says in problem for problem in problems), problems


def test_a_sound_data_set_has_no_problems() -> None:
    assert check_dataset(dataset_of()) == []


def test_an_incomplete_set_that_says_so_conforms() -> None:
    assert (
        check_dataset(dataset_of(replace(TRUTH, codes=CODES[1:], notes=("a row missing",)))) == []
    )
    part = spec(independent=False)
    rows = replace(TRUTH, spec=part, codes=CODES[1:])
    assert check_dataset(dataset_of(rows, part)) == []


def test_a_data_set_that_cannot_be_opened_is_not_passed_over_in_silence() -> None:
    class Away(Dataset):
        spec = spec(origins=("official",))

        def open(self, source):
            raise source.missing("tiny.npz")

    assert check_dataset(Away) == []
    assert "origin official is not checked" in unopened_origins(Away)[0]
    with pytest.raises(AssertionError, match="Away: origin official is not checked"):
        assert_conforms(Away)


class Sound(Generative):
    name = "sound"
    supervision = "images"
    latents: int = Field(3, ge=1)
    """Number of latents."""

    def network(self, image_shape):
        height, width, channels = image_shape
        pixels = height * width * channels
        return nn.ModuleDict(
            {
                "encoder": nn.Sequential(nn.Flatten(), nn.Linear(pixels, self.latents)),
                "decoder": nn.Sequential(
                    nn.Linear(self.latents, pixels),
                    nn.Sigmoid(),
                    nn.Unflatten(1, (channels, height, width)),
                ),
            }
        )

    def loss(self, network, batch):
        mean, _ = self.encode(network, batch.images, torch.Generator())
        return {"loss": (self.decode(network, mean) - batch.images).square().mean()}

    def encode(self, network, images, noise):
        mean = network["encoder"](images)
        return mean, mean + torch.randn(mean.shape, generator=noise)

    def decode(self, network, latents):
        return network["decoder"](latents)


def model_with(**members) -> type[Generative]:
    return type("Faulty", (Sound,), {"__module__": __name__, **members})


def with_(method: str, change):
    """A method that passes the sound method's result through `change`."""

    def changed(self, *args):
        return change(getattr(Sound, method)(self, *args), *args)

    return {method: changed}


def unseeded(result, *_):
    return result[0], result[0] + torch.randn_like(result[0])


def of_the_batch(result, network, images, noise):
    return result[0] - result[0].mean(dim=0), result[1]


def numpy_weights(result, *_):
    with torch.no_grad():
        result["encoder"][1].weight.add_(float(np.random.default_rng().normal()))
    return result


def detached(self, network, batch):
    error = Sound.decode(self, network, torch.zeros(4, 3)) - batch.images
    return {"loss": error.square().mean()}


def own(name: str):
    """A hyperparameter of that name."""
    return {"__annotations__": {name: int}, name: Field(1, description="Mine.")}


def of(part: str, loss: str = "loss"):
    """An optimiser of one part only."""
    return lambda self, network, training: {
        loss: torch.optim.Adam(network[part].parameters(), lr=training.lr)
    }


def twice(self, network, training):
    return {name: torch.optim.Adam(network.parameters()) for name in ("loss", "again")}


def again(terms, *_):
    return {**terms, "again": terms["loss"]}


AWAY = WeightsFile(path="away.safetensors", sha256="0" * 64)


@pytest.mark.parametrize(
    ("members", "says"),
    [
        (with_("loss", lambda terms, *_: {"elbo": terms["loss"]}), "terms are elbo: 'loss'"),
        (with_("loss", lambda terms, *_: {"loss": terms["loss"] * float("nan")}), "finite scalar"),
        (with_("loss", lambda terms, *_: {"loss": terms["loss"], "kl": torch.ones(2)}), "term kl"),
        ({"loss": detached}, "no gradient of loss reaches encoder.1.weight"),
        ({"loss": crash}, "loss: RuntimeError: no such luck"),
        (with_("encode", unseeded), "it draws from torch's generator"),
        (with_("encode", of_the_batch), "an image alone gets other latents"),
        (with_("encode", lambda r, *_: (r[0][:, :, None], r[1])), "latents have shape (4, 3, 1)"),
        (with_("encode", lambda r, *_: (r[0], r[1][:, :2])), "sampled latents have shape (4, 2)"),
        (with_("encode", lambda r, *_: (r[1], r[1])), "mean latents change from call to call"),
        (with_("decode", lambda r, *_: r * 2), "expected 0 to 1"),
        (with_("decode", lambda r, *_: r[:, :, 1:]), "decode: (4, 3, 63, 64)"),
        (with_("network", numpy_weights), "differs between two networks of one seed"),
        ({"network": lambda self, shape: nn.Identity()}, "it has no weights"),
        ({"encoding": ("decoder",)}, "outside of decoder the latents are others"),
        ({"encoding": ("head",)}, "no submodule 'head'"),
        ({"encoding": ()}, "names no weights"),
        (own("lr"), "the hyperparameter lr has the name of a setting"),
        (own("threads"), "the hyperparameter threads has the name of a setting"),
        ({"version": ""}, "version must be a text"),
        ({"optimisers": of("decoder")}, "leave 2 of 4 weights as they were (encoder.1.weight"),
        ({"optimisers": lambda *_: {}}, "they minimise nothing: 'loss' is missing"),
        ({"optimisers": twice, **with_("loss", again)}, "two of them change the same weights"),
        ({"optimisers": of("decoder", loss="elbo")}, "'elbo' is missing"),
        ({"weights": lambda self: AWAY}, "weights: RunError: There are no weights at"),
        ({"supervision": "hints"}, "supervision must be one of images, pairs"),
        ({"__annotations__": {"beta": float}, "beta": Field(description="Weight.")}, "no default"),
        ({"__annotations__": {"beta": float}, "beta": 1.0}, "beta has no docstring"),
    ],
)  # fmt: skip
def test_a_faulty_model_is_found(members, says: str) -> None:
    problems = check_model(model_with(**members))
    assert any(says in problem for problem in problems), problems


def test_a_sound_model_has_no_problems() -> None:
    assert check_model(Sound) == []


def test_a_frozen_encoder_needs_neither_loss_nor_decoder() -> None:
    class Frozen(Encoder):
        name = "frozen"
        network, encode = Sound.network, Sound.encode
        latents: int = Field(3, ge=1)
        """Number of latents."""

    assert check_model(Frozen) == []


def test_what_encode_does_is_blamed_on_encode_alone() -> None:
    problems = check_model(model_with(encode=crash, loss=lambda *_: {"loss": torch.ones(())}))
    assert [problem.partition(":")[0] for problem in problems if "no such luck" in problem] == [
        "encode"
    ]


def test_a_model_may_name_the_part_that_encodes() -> None:
    assert check_model(model_with(encoding=("encoder",))) == []


def test_what_is_no_model_is_found() -> None:
    assert "not a concrete subclass" in check_model(Generative)[0]
    assert "not a concrete subclass" in check_model(3)[0]


def test_checking_leaves_torchs_generator_alone() -> None:
    before = torch.get_rng_state()
    check_model(Sound)
    assert torch.equal(before, torch.get_rng_state())


def correlation(representation, *, seed: int, power: int = 1) -> MetricResult:
    """Mean over factors of the largest absolute correlation, to a power."""
    if any(factor.size is None for factor in representation.factors):
        return MetricResult(value=None, reason="a factor is continuous")
    z = representation.latents - representation.latents.mean(axis=0)
    v = representation.codes - representation.codes.mean(axis=0)
    norm = np.outer(np.linalg.norm(z, axis=0), np.linalg.norm(v, axis=0)) + 1e-12
    best = (np.abs(z.T @ v) / norm).max(axis=0)
    names = representation.factor_names
    return MetricResult(
        value=float(best.mean() ** power),
        per_factor=dict(zip(names, best.tolist(), strict=True)),
        parameters={"power": power},
    )


SAME = dict.fromkeys(("permute_latents", "flip_signs", "scale", "reorder_rows"), 1e-9)
SOUND = Metric(
    name="correlation",
    compute=correlation,
    title="Correlation",
    measures="explicitness",
    range=(0, 1),
    source="none",
    cost="quick",
    invariances={**SAME, "append_constant": 1e-9, "label_type": 0, "jobs": 0},
)


def metric_with(change) -> Metric:
    """The sound metric, its result passed through `change`."""

    def compute(representation, *, seed: int, power: int = 1) -> MetricResult:
        """Changed."""
        return change(correlation(representation, seed=seed, power=power), representation)

    return replace(SOUND, compute=compute)


def update(**fields):
    return lambda result, _: result.model_copy(update=fields)


def doubled(result, representation):
    return result.model_copy(update={"value": result.value and 2 * result.value})


def of_scale(result, representation):
    spread = float(representation.latents.std())
    return result.model_copy(update={"value": result.value and min(result.value, spread / 2)})


def of_the_clock(result, representation):
    drawn = float(np.random.default_rng().random())
    return result.model_copy(update={"value": result.value and result.value * drawn})


def of_the_global_generator(result, representation):
    np.random.random()  # noqa: NPY002
    return result


def overwriting(result, representation):
    representation.mean[:] = 0
    return result


def no_vectors(result, representation):
    return crash() if representation.has_vector_units else result


def unexplained(result, representation):
    return MetricResult(value=None) if representation.values is not None else result


@pytest.mark.parametrize(
    ("metric", "says"),
    [
        (metric_with(doubled), "outside 0 to 1"),
        (metric_with(of_scale), "scale moves the score from 0.5 to 0.05: declared 1e-09"),
        (metric_with(of_the_clock), "one seed gives two results"),
        (metric_with(of_the_global_generator), "it draws from numpy.random"),
        (metric_with(overwriting), "it changes the arrays"),
        (metric_with(no_vectors), "vector-valued units: RuntimeError"),
        (metric_with(unexplained), "a continuous factor: PluginError: The metric"),
        (metric_with(lambda result, _: 0.5), "returns float, not a MetricResult"),
        (metric_with(update(value=None, reason="too small")), "no score: too small"),
        (metric_with(update(parameters={})), "does not record the parameters power"),
        (metric_with(update(per_factor={"size": 1.0})), "per_factor names size"),
        (replace(SOUND, direction="lower"), "a perfect code scores 1, noise 0."),
        (replace(SOUND, direction="up"), "direction is 'up', expected higher or lower"),
        (replace(SOUND, cost="one pass"), "cost is 'one pass', expected quick, seconds or minutes"),
        (replace(SOUND, tolerance=-1.0), "tolerance is -1.0, expected 0 or more"),
        (replace(SOUND, invariances={"rename_classes": 0.01}), "rename_classes moves the score"),
        (replace(SOUND, invariances={"scaling": 0}), "'scaling' is no invariance"),
        (replace(SOUND, invariances={"scale": -1}), "the tolerance of scale is -1"),
        (replace(SOUND, range=(1, 0)), "range is (1, 0)"),
        (replace(SOUND, source=""), "source is empty"),
        (replace(SOUND, compute=crash), "the function has no docstring"),
        (correlation, "not made by the decorator"),
    ],
)
def test_a_faulty_metric_is_found(metric, says: str) -> None:
    problems = check_metric(metric)
    assert any(says in problem for problem in problems), problems


def test_a_sound_metric_has_no_problems() -> None:
    assert check_metric(SOUND) == []


def test_a_named_error_is_an_answer_to_odd_input() -> None:
    def decline(result, representation):
        if representation.has_vector_units:
            raise RequestError("Vector units are not supported.")
        return result

    assert check_metric(metric_with(decline)) == []


def test_the_bench_is_a_full_grid_whose_pairs_differ_in_one_factor() -> None:
    known = bench.perfect()
    assert len(np.unique(known.codes, axis=0)) == np.prod(bench.SIZES)
    assert np.allclose(known.mean.std(axis=0), 1)
    pairs = known.interventions
    moved = pairs.mean[:, 0] != pairs.mean[:, 1]
    assert np.array_equal(moved, pairs.factor[:, None] == np.arange(len(bench.SIZES)))


def test_a_plugin_under_another_name_than_its_own_is_found(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("from drbench.metrics.mig import mig\nPLUGINS = {'metrics': {'other': mig}}\n")
    registry.use_files(file)
    (problem,) = check_plugin(registry.find("metric", "other"))
    assert problem == "it is registered as 'other' and calls itself 'mig'"


def test_assert_conforms_takes_all_kinds_and_names_the_faulty() -> None:
    assert_conforms(type(dataset_of()), Sound, SOUND)
    with pytest.raises(AssertionError, match="correlation: range is"):
        assert_conforms(Sound, replace(SOUND, range=(1, 0)))
