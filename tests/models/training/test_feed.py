"""Batches ahead of the step: the same at any pace, from any thread."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from drbench import Batch, GroundTruth, Training
from drbench.models.inference import to_tensor
from drbench.models.training.feed import AHEAD, Draw, Feed

TRAINING = Training(steps=8, batch=4, warmup=4)


def draw(truth: GroundTruth, **changes: Any) -> Draw:
    settings = {"supervision": "images", "others": False, "seed": 0, "device": "cpu"} | changes
    return Draw(truth, np.ones(len(truth), dtype=bool), TRAINING, **settings)


def batches(drawing: Draw, steps: range) -> list[Batch]:
    with Feed(drawing, steps) as feed:
        return list(feed)


def test_a_batch_depends_on_seed_and_step_alone(squares: GroundTruth) -> None:
    whole = batches(draw(squares), range(8))
    later = batches(draw(squares), range(5, 8))
    assert len(whole) == 8
    assert all(torch.equal(a.images, b.images) for a, b in zip(whole[5:], later, strict=True))
    assert not torch.equal(whole[0].images, whole[1].images)
    assert not torch.equal(whole[0].images, batches(draw(squares, seed=1), range(1))[0].images)


def test_batches_say_how_far_training_is(squares: GroundTruth) -> None:
    fed = batches(draw(squares), range(8))
    assert [batch.progress for batch in fed] == [step / 8 for step in range(8)]
    assert [batch.warmup for batch in fed] == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1]


@pytest.mark.parametrize("supervision", ["images", "pairs", "labelled_pairs"])
def test_each_part_of_a_batch_is_the_images_of_its_rows(
    squares: GroundTruth, supervision: str
) -> None:
    asked: list[np.ndarray] = []

    def images(rows: np.ndarray) -> np.ndarray:
        asked.append(rows)
        return squares.images(rows)

    watched = replace(squares, images=images)
    (batch,) = batches(draw(watched, supervision=supervision, others=True), range(1))
    parts = [batch.images, batch.seconds, batch.others]
    tensors = [part for part in parts if part is not None]
    assert len(tensors) == (2 if supervision == "images" else 3)
    assert torch.equal(torch.cat(tensors), to_tensor(squares.images(asked[0]), "cpu"))
    if supervision == "labelled_pairs":
        assert batch.changed is not None
        first, second = squares.codes[asked[0][:4]], squares.codes[asked[0][4:8]]
        assert (np.flatnonzero((first != second).ravel()) % 4).tolist() == batch.changed[
            :, 0
        ].tolist()
    else:
        assert batch.changed is None


def test_the_second_batch_is_drawn_independently(squares: GroundTruth) -> None:
    """Rows of the two batches fall together as often as chance has it: 1 in 144."""
    drawing = draw(squares, others=True)
    together = 0.0
    for step in range(1000):
        first, other = drawing.drawn(step).images.split(TRAINING.batch)
        together += (first == other).flatten(1).all(dim=1).float().mean().item()
    distinct = len(np.unique(squares.images(np.arange(144)).reshape(144, -1), axis=0))
    assert together / 1000 == pytest.approx(1 / distinct, rel=0.5)


def test_an_error_arrives_at_its_own_step(squares: GroundTruth) -> None:
    calls = 0

    def images(rows: np.ndarray) -> np.ndarray:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError("the disk is gone")
        return squares.images(rows)

    with Feed(draw(replace(squares, images=images)), range(8)) as feed:
        each = iter(feed)
        next(each)
        next(each)
        with pytest.raises(OSError, match="the disk is gone"):
            next(each)


def test_no_more_is_drawn_than_asked_for_and_the_thread_ends(squares: GroundTruth) -> None:
    asked: list[int] = []

    def images(rows: np.ndarray) -> np.ndarray:
        asked.append(len(rows))
        return squares.images(rows)

    before = threading.active_count()
    with Feed(draw(replace(squares, images=images)), range(8)) as feed:
        next(iter(feed))
        feed.settle()
        assert len(asked) == 1 + AHEAD
    assert threading.active_count() == before
    assert len(asked) == 1 + AHEAD
