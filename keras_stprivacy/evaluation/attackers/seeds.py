"""Seeds that Keras draws by itself, made the same in every run."""

import contextlib
import random
from collections.abc import Iterator


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Makes the seeds that Keras draws for initializers and dropout the same in every run.

    Args:
        seed: of the draws inside; the state from before comes back afterwards.

    Example:

    >>> with seeded(1):
    ...     one = random.random()
    >>> with seeded(1):
    ...     random.random() == one
    True
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
