"""Shows on standard error how far a conversion is."""

import contextlib
import sys
from collections.abc import Callable, Iterator

from tfrecords_tools.convert import Progress
from tfrecords_tools.count_display import line_writer


@contextlib.contextmanager
def progress_display(name: str, quiet: bool) -> Iterator[Callable[[Progress], None] | None]:
    """A function to call with each `Progress`: a bar on a terminal, now and then a line elsewhere.

    Args:
        name: of the dataset.
        quiet: show nothing.
    """
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar(name) as show:
            yield show
    else:
        yield _lines(name)


@contextlib.contextmanager
def _bar(name: str) -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[quarantined]} quarantined"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(name, total=None, quarantined=0)

        def show(progress: Progress) -> None:
            bar.update(
                task,
                completed=progress.done,
                total=progress.total,
                quarantined=progress.quarantined,
            )

        yield show


def _lines(name: str) -> Callable[[Progress], None]:
    write = line_writer()

    def show(progress: Progress) -> None:
        count = f"{progress.done} of {progress.total} videos"
        line = f"{name}: {count}, {progress.quarantined} quarantined"
        write(progress.done, progress.total, line)

    return show
