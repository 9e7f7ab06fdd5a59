"""What rows are ranked among, in words."""

import itertools

import pytest

from drbench.board.build import _group as key_of
from drbench.board.build import build
from drbench.board.groups import CUT, OFFICIAL_TABLE, WHOLE, group, place, settings, tier
from drbench.data.opening import find_dataset
from drbench.data.spec import Factor
from drbench.runs.record import Record
from drbench.runs.spec import RunSpec


def respecified(record, *, source=None, target=None, **scoring):
    """The record with other data sets and scoring in its spec."""
    document = record.spec.model_dump()
    document["scoring"] |= scoring
    document["data"] |= target or {}
    document["init"]["data"] |= source or {}
    spec = RunSpec.model_validate(document)
    return Record.model_validate(record.model_dump() | {"spec": document, "key": spec.key})


def row_of(record):
    (row,) = build([record]).rows
    return row


@pytest.fixture
def make_whole(make_record):
    """A record on the whole of a target, at 64 x 64 pixels."""

    def made(source, target, side=64, **scoring):
        record = make_record(
            origin="official",
            factors=find_dataset(target).spec.factors,
            image_shape=(side, side, 3),
        )
        whole = {"levels": {}}
        return respecified(
            record, source=whole | {"name": source}, target=whole | {"name": target}, **scoring
        )

    return made


def test_words_tell_apart_what_the_ranking_tells_apart_and_nothing_else(make_record):
    made = make_record()
    first, *others = made.factors
    values = first.model_copy(update={"values": ("a", "b")})
    cyclic = first.model_copy(update={"kind": "cyclic"})
    number = Factor(name="shape", kind="continuous")
    (mig,) = made.scores["after"].values()
    by_five, by_text = (
        {stage: {"mig": mig.model_copy(update={"parameters": bins})} for stage in made.scores}
        for bins in ({"bins": 5}, {"bins": "5"})
    )
    records = [
        made,
        make_record(model="ae"),
        make_record(transfer=False),
        make_record(origin="official"),
        make_record(scores=by_five),
        make_record(scores=by_text),
        made.model_copy(update={"image_shape": (32, 32, 1)}),
        made.model_copy(update={"image_shape": (64, 64, 3)}),
        *(
            made.model_copy(update={"factors": (each, *others)})
            for each in (values, cyclic, number)
        ),
        made.model_copy(update={"factors": tuple(others)}),
        respecified(made, sample=50),
        respecified(made, pairs=7),
        respecified(made, target={"name": "shapes3d"}),
        respecified(made, target={"resize": 64}),
        respecified(made, target={"levels": {}}),
        respecified(made, source={"name": "shapes3d"}),
        respecified(made, target={"origin": "official"}),
    ]
    rows = [row_of(record) for record in records]
    for a, b in itertools.combinations(rows, 2):
        same = key_of(a, "mig") == key_of(b, "mig")
        assert (group(a, a.metrics["mig"]) == group(b, b.metrics["mig"])) is same
    assert sum(key_of(row, "mig") == key_of(rows[0], "mig") for row in rows) == 5


def test_a_place_says_what_was_cut(make_record):
    made = make_record()
    cut = "shape 2, scale 2, orientation 2, pos_x 2, pos_y 2"
    assert place(row_of(made)) == f"dsprites ({cut})"
    small = made.model_copy(update={"image_shape": (32, 32, 1)})
    assert place(row_of(small)) == f"dsprites ({cut}, 32 x 32 px)"
    whole = find_dataset("dsprites").spec.factors
    assert place(row_of(made.model_copy(update={"factors": whole}))) == "dsprites"
    fewer = made.model_copy(update={"factors": whole[1:]})
    assert place(row_of(fewer)) == f"dsprites (without {whole[0].name})"
    theirs = respecified(made, target={"name": "folder:theirs"})
    assert place(row_of(theirs)) == f"folder:theirs ({cut})"


def test_settings_say_what_the_place_does_not(make_record):
    row = row_of(make_record())
    said = settings(row, row.metrics["mig"])
    assert said == "64 x 64 x 1 images; 100 rows, 1,000 pairs a factor"


def test_only_whole_transfers_of_the_protocol_are_of_the_official_table(make_record, make_whole):
    asked = make_whole("shapes3d", "isaac3d", sample=15_000)
    assert tier(row_of(asked)) == OFFICIAL_TABLE
    assert tier(row_of(make_whole("shapes3d", "isaac3d", sample=100))) == WHOLE
    assert tier(row_of(make_whole("isaac3d", "shapes3d", sample=15_000))) == WHOLE
    assert tier(row_of(respecified(asked, source={"levels": {"scale": 2}}))) == WHOLE
    assert tier(row_of(respecified(asked, source={"origin": "rendered"}))) == WHOLE
    assert tier(row_of(make_whole("shapes3d", "isaac3d", side=32, sample=15_000))) == CUT
    assert tier(row_of(make_record(origin="official"))) == CUT


def test_a_data_set_of_its_own_size_is_whole(make_whole):
    height, width, channels = find_dataset("coil100_augmented").spec.image_shape
    assert height != 64
    record = make_whole("shapes3d", "coil100_augmented", sample=15_000)
    own = record.model_copy(update={"image_shape": (height, width, channels)})
    assert tier(row_of(own)) == WHOLE
