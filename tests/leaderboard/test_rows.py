"""What makes rows comparable, what they are called, and what they are of, in words."""

import itertools

import pytest
from records import make_entry, make_record, make_spec

from drbench.board.build import build
from drbench.board.rows import (
    CUT,
    OFFICIAL_TABLE,
    WHOLE,
    comparable,
    labels,
    place,
    settings,
    tier,
)
from drbench.data.opening import find_dataset
from drbench.data.spec import Factor
from drbench.metrics.result import MetricResult


def row_of(entry):
    (row,) = build([entry]).rows
    return row


def respecified(*, source=None, target=None, spec=None, **scoring):
    """A spec with other data sets and scoring."""
    spec = spec or make_spec()
    return spec.model_copy(
        update={
            "data": spec.data.model_copy(update=target or {}),
            "init": spec.init.model_copy(
                update={"data": spec.init.data.model_copy(update=source or {})}
            ),
            "scoring": spec.scoring.model_copy(update=scoring),
        }
    )


def scored(**parameters):
    result = {"mig": MetricResult(value=0.5, parameters=parameters)}
    return {"before": result, "after": result}


FIRST, *OTHERS = make_record().factors


@pytest.mark.parametrize(
    "other",
    [
        make_entry(origin="official"),
        make_entry(scores=scored(bins=5)),
        make_entry(scores=scored(bins="5")),
        make_entry(image_shape=(32, 32, 3)),
        make_entry(image_shape=(64, 64, 1)),
        make_entry(factors=(FIRST.model_copy(update={"values": ("a", "b")}), *OTHERS)),
        make_entry(factors=(FIRST.model_copy(update={"kind": "cyclic"}), *OTHERS)),
        make_entry(factors=(Factor(name="shape", kind="continuous"), *OTHERS)),
        make_entry(factors=OTHERS),
        make_entry(spec=respecified(sample=50)),
        make_entry(spec=respecified(pairs=7)),
        make_entry(spec=respecified(target={"name": "white_color_dsprites"})),
        make_entry(spec=respecified(target={"origin": "official"})),
        make_entry(spec=respecified(target={"name": "folder:mine", "content": "0" * 64})),
        make_entry(spec=respecified(target={"name": "folder:mine", "content": "1" * 64})),
    ],
)
def test_what_differs_is_not_comparable(other):
    assert comparable(row_of(other), "mig") != comparable(row_of(make_entry()), "mig")


@pytest.mark.parametrize(
    "other",
    [
        make_entry(model="ae"),
        make_entry(submitter="bob", level="re-encoded"),
        make_entry(spec=respecified(source={"name": "white_color_dsprites"})),
        make_entry(spec=respecified(target={"levels": {}})),  # its factors were the same
    ],
)
def test_what_only_came_about_otherwise_is_comparable(other):
    assert comparable(row_of(other), "mig") == comparable(row_of(make_entry()), "mig")


def test_a_place_says_what_was_cut():
    cut = "shape 2, scale 2, orientation 2, pos_x 2, pos_y 2"
    assert place(row_of(make_entry())) == f"dsprites ({cut})"
    assert place(row_of(make_entry(image_shape=(32, 32, 3)))) == f"dsprites ({cut}, 32 x 32 px)"
    whole = find_dataset("dsprites").spec.factors
    assert place(row_of(make_entry(factors=whole))) == "dsprites"
    fewer = make_entry(factors=whole[1:])
    assert place(row_of(fewer)) == f"dsprites (without {whole[0].name})"


def test_settings_say_what_the_place_does_not():
    row = row_of(make_entry())
    text = settings(row, row.metrics["mig"])
    assert text == "64 x 64 x 3 images; 100 rows, 1,000 pairs a factor"


def trained(**training):
    spec = make_spec()
    return spec.model_copy(update={"training": spec.training.model_copy(update=training)})


def wider(spec, **hyperparameters):
    return spec.model_copy(update={"hyperparameters": hyperparameters})


@pytest.mark.parametrize(
    ("entries", "names"),
    [
        ([make_entry(), make_entry(model="ae")], ["beta_vae", "ae"]),
        ([make_entry(), make_entry(submitter="bob")],
         ["beta_vae, submitter ann", "beta_vae, submitter bob"]),
        ([make_entry(), make_entry(spec=trained(steps=2_000))],
         ["beta_vae, steps 10", "beta_vae, steps 10 + 2000"]),
        ([make_entry(), make_entry(spec=trained(lr=0.001))],
         ["beta_vae, lr 0.0001", "beta_vae, lr 0.0001 + 0.001"]),
        ([make_entry(), make_entry(spec=wider(make_spec(), beta=2.0))],
         ["beta_vae, beta 1", "beta_vae, beta 2"]),
        ([make_entry(), make_entry(spec=trained(clip=None))],
         ["beta_vae", "beta_vae, clip none"]),
    ],
)  # fmt: skip
def test_rows_are_called_after_what_tells_them_apart(entries, names):
    rows = build(entries).rows
    assert sorted(labels(rows).values()) == sorted(names)


def test_no_two_rows_have_one_name():
    entries = [
        make_entry(), make_entry(model="ae"), make_entry(spec=respecified(sample=50)),
        make_entry(transfer=False), make_entry(spec=respecified(source={"levels": {}})),
        make_entry(image_shape=(32, 32, 3)).model_copy(update={"submitter": "bob"}),
        make_entry(seed=1, level="re-encoded"), make_entry(seed=2, factors=OTHERS),
    ]  # fmt: skip
    names = labels(build(entries).rows)
    assert len(names) == len(entries)
    assert not [pair for pair in itertools.combinations(names.values(), 2) if pair[0] == pair[1]]


@pytest.mark.parametrize(
    ("source", "target", "changes", "expected"),
    [
        ("shapes3d", "isaac3d", {}, OFFICIAL_TABLE),
        ("shapes3d", "isaac3d", {"sample": 100}, WHOLE),
        ("isaac3d", "shapes3d", {}, WHOLE),
        ("shapes3d", "isaac3d", {"source": {"levels": {"scale": 2}}}, WHOLE),
        ("shapes3d", "isaac3d", {"source": {"origin": "rendered"}}, WHOLE),
        ("shapes3d", "isaac3d", {"side": 32}, CUT),
        ("shapes3d", "coil100_augmented", {"side": 128}, WHOLE),
    ],
)
def test_only_whole_transfers_of_the_protocol_are_of_the_official_table(
    source, target, changes, expected
):
    side, sample = changes.pop("side", 64), changes.pop("sample", 15_000)
    spec = respecified(
        spec=make_spec(origin="official"),
        source={"name": source, "levels": {}} | changes.pop("source", {}),
        target={"name": target, "levels": {}},
        sample=sample,
    )
    factors = find_dataset(target).spec.factors
    assert tier(row_of(make_entry(spec=spec, factors=factors, image_shape=(side, side, 3)))) == (
        expected
    )
