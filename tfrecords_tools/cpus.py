"""How many workers fit this machine."""

import os

_MOST = 8


def default_workers() -> int:
    """One for each CPU that this process may use, 8 at most."""
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # Linux alone tells it
        count = os.cpu_count() or 1
    return min(_MOST, count)
