"""The boosted trees of the libraries, on the rows that they train and test on."""

from drbench.conventions.convention import NoValueError
from drbench.conventions.memory import remembered
from drbench.conventions.rows import Protocol, split_by
from drbench.metrics.predict.fits import Fit
from drbench.metrics.predict.predictors import Columns, fit_columns, fit_factors
from drbench.metrics.predict.trees import Trees
from drbench.representation.representation import Representation


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
        return fit_columns(representation, columns, Trees(), seed=seed).fits
    key = (representation.fingerprint, tuple(columns.items()), protocol, seed)
    return remembered(key, lambda: _fit(representation, columns, protocol, seed))


def _fit(
    representation: Representation, columns: Columns, protocol: Protocol, seed: int
) -> dict[int, Fit]:
    splits = {j: split_by(protocol, representation, j, seed) for j in columns}
    for j, split in splits.items():
        seen = representation.codes[split.train, j]
        if seen.min() == seen.max():
            raise NoValueError(
                f"scikit-learn refuses to fit {representation.factors[j].name}: the rows to "
                "train on hold one class of it"
            )
    return fit_factors(representation, columns, splits, Trees(), seed=seed)
