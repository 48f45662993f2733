"""The same random numbers in every run, without touching those of the caller."""

import contextlib
import random
from collections.abc import Iterator


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Makes the seeds that Keras draws for initializers and dropout the same in every run.

    Keras draws them from Python's `random`, whose state is put back afterwards.

    Args:
        seed: an integer; 0 is a seed.

    Example:

    >>> with seeded(3):
    ...     first = keras.random.SeedGenerator().get_config()["seed"]
    >>> with seeded(3):
    ...     first == keras.random.SeedGenerator().get_config()["seed"]
    True
    """
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)
