"""Fits that several steps of a walk share."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

_KEPT = 64
_remembered: OrderedDict[Hashable, Any] = OrderedDict()


def remembered(key: Hashable, make: Callable[[], Any]) -> Any:
    """What was made for a key, which names all that it depends on; the oldest is forgotten."""
    if key not in _remembered:
        _remembered[key] = make()
    _remembered.move_to_end(key)
    while len(_remembered) > _KEPT:
        _remembered.popitem(last=False)
    return _remembered[key]
