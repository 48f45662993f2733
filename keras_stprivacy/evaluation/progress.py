"""Shows how far an evaluation has come, on standard error."""

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Stages:
    """The steps of an evaluation: measures each, and shows it if asked.

    Args:
        show: whether to draw bars on standard error.

    Example:

    >>> stages = Stages(show=False)
    >>> with stages.stage("read", total=2) as advance:
    ...     advance()
    >>> list(stages.seconds)
    ['read']
    """

    def __init__(self, show: bool) -> None:
        self.show = show
        self.seconds: dict[str, float] = {}

    @contextlib.contextmanager
    def stage(self, name: str, total: int | None = None) -> Iterator[Callable[..., None]]:
        """Runs one step.

        Args:
            name: what is done.
            total: how many advances there will be; None: not known.

        Yields:
            A function to call after each advance, with how many (1 if none is said).
        """
        started = time.perf_counter()
        bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=Console(stderr=True),
            disable=not self.show,
        )
        with bar:
            task = bar.add_task(name, total=total)

            def advance(count: int = 1) -> None:
                bar.advance(task, count)

            yield advance
        self.seconds[name] = time.perf_counter() - started
