"""An explanation in plain text, to be pasted into an answer."""

from collections.abc import Iterable
from typing import Any

from drbench.conventions.convention import Parts
from drbench.conventions.explain import Explanation
from drbench.conventions.walk import Step, Walk, headline, visible


def paragraph(explanations: Iterable[Explanation], about: str) -> str:
    """What was scored, under which conventions, and which choices make the difference.

    Parameters
    ----------
    explanations : iterable of Explanation
        What there is to tell.
    about : str
        What was scored: a clause in brackets.
    """
    sentences = [
        f"We recomputed the scores of one and the same representation ({about}) under the "
        "conventions of other libraries, reimplemented from their code by drbench."
    ]
    sentences += [_told(explanation) for explanation in explanations]
    sentences.append(
        "Choices were changed one at a time, in the order of the tables; in another order the same "
        "total is shared out otherwise."
    )
    return " ".join(sentences)


def alike(walks: Iterable[Walk]) -> list[tuple[str, Walk]]:
    """Walks to the same choices once, under all their libraries' names."""
    found: dict[Any, tuple[list[str], Walk]] = {}
    for walk in walks:
        found.setdefault(walk.convention.choices, ([], walk))[0].append(walk.convention.library)
    return [(" and ".join(libraries), walk) for libraries, walk in found.values()]


def change(step: Step) -> str:
    """A step in words.

    Examples
    --------
    >>> change(Step("bins", 20, 10, None, None))
    'bins: 20 -> 10'
    """
    return f"{step.choice}: {shown(step.ours)} -> {shown(step.theirs)}"


def shown(value: Any) -> str:
    """A choice as people read it.

    Examples
    --------
    >>> shown(10000), shown("classes")
    ('10,000', 'classes')
    """
    return f"{value:,}" if isinstance(value, int) else str(value)


def signed(number: float) -> str:
    """A difference with its sign, 0 without.

    Examples
    --------
    >>> signed(0.25), signed(-1e-9)
    ('+0.2500', '0')
    """
    return f"{number:+.4f}" if visible([number]) else "0"


def _told(explanation: Explanation) -> str:
    name, start = explanation.metric, explanation.start
    if start is None:
        return f"{name}: drbench gives no score ({explanation.reason}){_others(explanation)}."
    said = [_compared(libraries, walk) for libraries, walk in alike(explanation.walks)]
    return f"{_named(name, start)} is {headline(start):.4f} in drbench; {'; '.join(said)}."


def _named(name: str, parts: Parts) -> str:
    part = next(iter(parts))
    return name if part in (name, "accuracy") else f"{name} ({part})"


def _others(explanation: Explanation) -> str:
    values = [
        f"{libraries} {headline(walk.parts):.4f}"
        for libraries, walk in alike(explanation.walks)
        if walk.parts
    ]
    return f"; others: {', '.join(values)}" if values else ""


def _compared(libraries: str, walk: Walk) -> str:
    if walk.parts is None:
        return f"{libraries}: no number ({walk.reason})"
    told = f"{libraries}: {headline(walk.parts):.4f}"
    if walk.difference is None:
        return told
    told += f" ({signed(headline(walk.difference))}"
    moving = walk.moving()
    if not moving:
        return f"{told})"
    if len(moving) == 1:
        return f"{told}; {change(moving[0])})"
    most = signed(headline(moving[0].delta or {}))
    return f"{told}; largest step {change(moving[0])}, {most})"
