"""How much a submission may ask of the machine that checks it."""

from collections.abc import Iterator

from drbench.runs.spec import RunSpec

MAX_CHAIN = 4
"""Trainings from fresh weights to the run."""
MAX_STEPS = 2_000_000
MAX_BATCH = 4_096
MAX_SIDE = 512
"""Pixels of an image's height or width."""
MAX_SAMPLE = 100_000
MAX_PAIRS = 20_000
"""Interventions of a factor."""
MAX_LATENTS = 4_096
MAX_FILE = 64 * 2**20
"""Bytes of a file of weights."""
MAX_HEADER = 2**20
"""Bytes of its header: names, types and shapes, with the metadata."""
MAX_NETWORK = 2**28
"""Numbers in the whole network (1 GiB), encoder and all."""


def bound_problems(spec: RunSpec) -> Iterator[str]:
    """What a spec asks for that is more than is taken, a sentence each."""
    if len(spec.chain) > MAX_CHAIN:
        yield f"it is a chain of {len(spec.chain)} trainings: at most {MAX_CHAIN} are checked."
    for each in spec.chain:
        for name, value, most in (
            ("steps", each.training.steps, MAX_STEPS),
            ("images a step", each.training.batch, MAX_BATCH),
            ("pixels a side", each.data.resize or 0, MAX_SIDE),
            ("scored rows", each.scoring.sample, MAX_SAMPLE),
            ("interventions a factor", each.scoring.pairs, MAX_PAIRS),
            ("latents", _number(each.hyperparameters.get("latents")), MAX_LATENTS),
        ):
            if value > most:
                yield f"{value:,} {name} on {each.data.name[:80]}: at most {most:,} are checked."


def _number(value: object) -> float:
    return value if isinstance(value, int | float) else 0
