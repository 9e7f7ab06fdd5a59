"""The boosted trees of the libraries, on the rows that they train and test on."""

from drbench.conventions.convention import NoValueError
from drbench.conventions.memory import remembered
from drbench.conventions.rows import Protocol, split_by
from drbench.metrics.estimate.scaling import Scaling
from drbench.metrics.predict.boosting import workers
from drbench.metrics.predict.fits import Columns, Fit
from drbench.metrics.predict.trees import fit_columns, fit_factor
from drbench.progress import track
from drbench.representation.representation import Representation

_ROUNDS = 100


def fit_trees(
    representation: Representation, columns: Columns, protocol: Protocol, seed: int
) -> dict[int, Fit]:
    """Predict each given factor from the given latents, with 100 rounds of depth 3.

    That is scikit-learn's GradientBoostingClassifier with its defaults, compiled and seeded.

    Raises
    ------
    NoValueError
        If the rows to train on hold one class of some factor: scikit-learn refuses them.
    """
    if protocol == "a third held out":
        return fit_columns(
            representation, columns, seed=seed, rounds=_ROUNDS, engine="compiled"
        ).fits
    key = (representation.fingerprint, tuple(columns.items()), protocol, seed)
    return remembered(key, lambda: _fit(representation, columns, protocol, seed))


def _fit(
    representation: Representation, columns: Columns, protocol: Protocol, seed: int
) -> dict[int, Fit]:
    import joblib

    latents = Scaling.of(representation.latents).apply(representation.latents)
    fits = {}
    with workers(joblib.cpu_count()) as crew:
        for j, chosen in track(columns.items(), f"boosted trees, {protocol}", len(columns)):
            labels, split = representation.codes[:, j], split_by(protocol, representation, j, seed)
            seen = labels[split.train]
            if seen.min() == seen.max():
                raise NoValueError(
                    f"scikit-learn refuses to fit {representation.factors[j].name}: the rows to "
                    "train on hold one class of it"
                )
            fits[j] = fit_factor(
                latents[:, list(chosen)],
                labels,
                split,
                is_class=True,
                seed=seed,
                rounds=_ROUNDS,
                crew=crew,
            )
    return fits
