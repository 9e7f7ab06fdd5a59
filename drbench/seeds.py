"""Which numbers are seeds."""

import operator
from typing import Any

from drbench.errors import RequestError

LARGEST = 2**32 - 1
"""What every generator takes; scikit-learn's the least."""


def require_seed(seed: Any) -> int:
    """A seed as an integer.

    Raises
    ------
    RequestError
        For what is no whole number from 0 to 2^32 - 1.

    Examples
    --------
    >>> require_seed(3)
    3
    """
    try:
        number = operator.index(seed)
    except TypeError:
        number = -1
    if not 0 <= number <= LARGEST:
        raise RequestError(f"The seed is {seed!r}: expected a whole number from 0 to {LARGEST}.")
    return number
