"""How long a metric will take, roughly: so that nobody waits without knowing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from drbench.progress import say
from drbench.representation.representation import Representation

ROWS, LATENTS, CLASSES, PROCESSORS = 15_000, 10, 57, 2
"""Where seconds are declared: a sample of Shapes3D, whose 6 factors have 57 classes."""
SLOW = 10.0
"""Expected seconds from which on they are said before the work starts."""


@final
@dataclass(frozen=True)
class Duration:
    """Seconds of a metric, and the powers of its input with which they grow."""

    seconds: float
    """With default parameters, at 15,000 x 10 latents and 57 classes on 2 processors."""
    rows: float
    """Exponent of the number of rows."""
    latents: float
    """Exponent of the number of latents."""
    classes: float
    """Exponent of the number of classes, all factors together; a continuous one counts as one."""
    parallel: bool = False
    """Whether its factors are shared out between processors."""
    fits: str = ""
    """What it fits; of the metrics that fit the same, the first one pays."""
    times: Mapping[str, float | Mapping[Any, float]] = field(default_factory=dict)
    """How many times as long it takes by parameter: a factor of its value, or one for each value
    that is slower than the default."""

    def at(self, rows: int, latents: int, classes: int) -> float:
        """Seconds with default parameters on 2 processors."""
        growth = (rows / ROWS) ** self.rows * (latents / LATENTS) ** self.latents
        return self.seconds * growth * (classes / CLASSES) ** self.classes

    def expected(self, representation: Representation, parameters: Mapping[str, Any]) -> float:
        """Seconds for a representation and complete parameters, on this machine's processors."""
        import joblib

        n, d = representation.latents.shape
        seconds = self.at(n, d, count_classes(representation))
        for name, slower in self.times.items():
            value = parameters[name]
            seconds *= slower.get(value, 1.0) if isinstance(slower, Mapping) else slower * value
        if self.parallel:
            seconds *= PROCESSORS / max(min(joblib.cpu_count(), len(representation.factors)), 1)
        return seconds

    def __str__(self) -> str:
        powers = {"rows": self.rows, "latents": self.latents, "classes": self.classes}
        grows = ", ".join(f"{name}^{power:g}" for name, power in powers.items() if power)
        return (
            f"{self.seconds:g} s at {ROWS:,} x {LATENTS}, {CLASSES} classes, {PROCESSORS} "
            f"processors; grows as {grows or 'nothing'}"
        )


def count_classes(representation: Representation) -> int:
    """Classes of all factors together; a continuous factor counts as one."""
    return sum(factor.size or 1 for factor in representation.factors)


def in_words(seconds: float) -> str:
    """A rough duration.

    Examples
    --------
    >>> in_words(38.2), in_words(140), in_words(9000)
    ('40 s', '2 min', '2.5 h')
    """
    if seconds < 90:
        return f"{5 * round(seconds / 5)} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def announce(what: str, seconds: float, representation: Representation) -> None:
    """Say how long something will take, if that is long."""
    if seconds >= SLOW:
        n, d = representation.latents.shape
        classes = count_classes(representation)
        say(f"{what}: about {in_words(seconds)} ({n:,} x {d}, {classes:,} classes)")
