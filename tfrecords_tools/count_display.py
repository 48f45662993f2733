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
        write = line_writer()
        yield lambda done, total: write(done, total, f"{name}: {done} of {total} {unit}")


def line_writer() -> Callable[[int, int, str], None]:
    """A function to call with (done, total, line): writes a line now and then, and the last one."""
    last = 0.0

    def write(done: int, total: int, line: str) -> None:
        nonlocal last
        now = time.monotonic()
        if done == total or now - last > _SECONDS_BETWEEN_LINES:
            last = now
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    return write
