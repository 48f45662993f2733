"""Shows on standard error how much of something is done."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

_SECONDS_BETWEEN_LINES = 10.0


@contextlib.contextmanager
def count_display(name: str, unit: str, quiet: bool) -> Iterator[Callable[[int, int], None] | None]:
    """A function to call with (done, total): a bar on a terminal, now and then a line elsewhere.

    Args:
        name: of what is done.
        unit: what is counted, in the plural.
        quiet: show nothing.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import Progress

        with Progress(console=Console(stderr=True)) as bar:
            task = bar.add_task(name, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    else:
        yield _lines(name, unit)


def _lines(name: str, unit: str) -> Callable[[int, int], None]:
    last = 0.0

    def show(done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > _SECONDS_BETWEEN_LINES:
            last = now
            sys.stderr.write(f"{name}: {done} of {total} {unit}\n")
            sys.stderr.flush()

    return show
