"""Trying out what may fail in any way."""

import sys
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np


def attempt(what: str, check: Callable[[], Iterable[str]]) -> list[str]:
    """The problems that a check yields, an exception or a touched global generator among them."""
    before = _global_randomness()
    problems: list[str] = []
    try:
        for problem in check():
            problems.append(problem)  # one by one: what was found before an error is kept
    except Exception as error:  # noqa: BLE001 - a plugin may fail in any way: that is the finding
        sentence, *_ = str(error).splitlines() or [""]
        problems.append(f"{what}: {type(error).__name__}: {sentence}")
    for name, state in _global_randomness().items():
        if name in before and before[name] != state:
            problems.append(f"{what}: it draws from {name}, which belongs to the user")
    return problems


def _global_randomness() -> dict[str, Any]:
    """State of NumPy's and torch's global generators, comparable by ==.

    That of `random` is left alone: libraries draw file names and waiting times from it.
    """
    states: dict[str, Any] = {
        "numpy.random": str(np.random.get_state())  # noqa: NPY002 - watched, not drawn from
    }
    if torch := sys.modules.get("torch"):
        states["torch's generator"] = torch.get_rng_state().numpy().tobytes()
    return states
