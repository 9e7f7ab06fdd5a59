"""What a checking process does: one run, trained from its spec or encoded with weights that came.

Of a submission nothing is used but its spec and its tensors: data, sample and interventions are
drawn again, the network is built by the registered model. Needs torch. Started by `verify` as
`python -m drbench.trust.check FOLDER`, so that it can be stopped, and fail, alone.
"""

import sys
import time
from collections.abc import Mapping
from pathlib import Path

from drbench.data.opening import is_open
from drbench.errors import BoardError, DrbenchError
from drbench.files import sha256_file, write_text
from drbench.metrics.result import MetricResult
from drbench.metrics.scoring import score
from drbench.models.inference import encoder, seeded_network
from drbench.models.model import load_model
from drbench.models.weights import load_weights
from drbench.progress import part_of
from drbench.runs.data import image_shape
from drbench.runs.execute import Work, execute
from drbench.runs.identity import canonical, stored_key, stored_network_key
from drbench.runs.record import RECORD, Record, Stage, trained_by
from drbench.runs.sample import Encoded
from drbench.runs.spec import RunSpec
from drbench.trust.bounds import MAX_LATENTS, bound_problems
from drbench.trust.process import PROBLEM, REQUEST, RUN, Request
from drbench.trust.weights import encoder_layout, require_layout


def check(request: Request, folder: Path) -> Record:
    """Do what is asked, and return what came out.

    Parameters
    ----------
    request : Request
    folder : path
        Where a run is trained anew.

    Raises
    ------
    BoardError
        If the spec asks for more than is taken, for data sets that are not registered, or for
        another run here; if weights are not of its network.
    DrbenchError
        If data set, model or metrics are not here, or fail.
    """
    spec = request.spec
    for problem in bound_problems(spec):
        raise BoardError(problem)
    for each in spec.chain:
        if is_open(each.data.name):  # its name means other images on every machine
            raise BoardError(
                f"{each.data.name[:80]} is no registered data set: those of a submission are never "
                "opened."
            )
    if stored_key(canonical(spec)) != stored_key(spec):
        raise BoardError("its spec is not in canonical form here: submit the run's folder again.")
    if request.level == "retrained":
        for each in spec.chain:
            model = load_model(each.model, **each.hyperparameters)
            encoder_layout(model, image_shape(spec.chain[0].data))  # refuses what is too large
        return execute(spec, out=folder)
    return _encoded_again(spec, {stage: Path(path) for stage, path in request.weights.items()})


def _encoded_again(spec: RunSpec, files: Mapping[Stage, Path]) -> Record:
    """The record of a run whose encoder came; objectives are not known of an encoder alone."""
    model = load_model(spec.model, **spec.hyperparameters)
    layout = encoder_layout(model, image_shape(spec.chain[0].data))
    for stage, file in files.items():
        owner = stored_network_key(trained_by(spec, stage))
        require_layout(file, layout, network=owner)
    start = time.perf_counter()
    run = Work.prepare(spec)
    encoded = {stage: _encode(run, stage, file) for stage, file in files.items()}
    middle = time.perf_counter()
    scores: dict[Stage, dict[str, MetricResult]] = {}
    for stage, each in encoded.items():
        with part_of(f"scoring {stage} training"):
            scores[stage] = score(
                each.representation,
                metrics=list(spec.scoring.metrics),
                seed=spec.seed,
                parameters=spec.scoring.metrics,
            )
    hashes = {stage: sha256_file(file) for stage, file in files.items()}
    return run.record(
        scores,
        {stage: {} for stage in scores},
        encoded["after"],
        weights_hash=hashes["after"],
        encoder_hash=hashes,
        seconds={
            "encode": round(middle - start, 3),
            "score": round(time.perf_counter() - middle, 3),
        },
    )


def _encode(run: Work, stage: Stage, file: Path) -> Encoded:
    network = seeded_network(run.model, run.truth.spec.image_shape, run.spec.seed)
    load_weights(file, network, parts=run.model.encoding)
    encode = encoder(run.model, network, seed=0, device=run.device)
    mean, _ = encode(run.truth.images(run.sample.rows[:1]))
    if (latents := mean.shape[-1]) > MAX_LATENTS:
        raise BoardError(f"it has {latents:,} latents: at most {MAX_LATENTS:,} are scored.")
    return run.encode(network, stage)


def main(folder: Path) -> int:
    """Check what lies in a folder, and leave the record there, or the reason that there is none."""
    request = Request.model_validate_json((folder / REQUEST).read_bytes())
    try:
        record = check(request, folder / RUN)
    except DrbenchError as error:
        write_text(folder / PROBLEM, str(error))
        return 1
    write_text(folder / RECORD, record.to_json())
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
