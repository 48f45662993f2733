"""Files that are there as a whole or not at all, and what killed programs leave of them."""

import contextlib
import os
import pathlib
import re
import socket
from collections.abc import Iterator

# NAME.part-HOST-PID, and an ending where a library asks for one.
_PART = re.compile(r"\.part-(?P<host>.+)-(?P<process>\d+)(\.weights\.h5)?$")


@contextlib.contextmanager
def whole_file(target: str | os.PathLike, ending: str = "") -> Iterator[pathlib.Path]:
    """A path to write to; what stands there gets the name of `target` when the block ends well.

    Args:
        target: where the file is to stand; its folder is there.
        ending: of the path to write to: `""`, or `".weights.h5"`, which Keras asks for.

    Raises:
        OSError: if it cannot be written.

    Example:

    >>> with whole_file("numbers.txt") as path:
    ...     _ = path.write_text("1 2 3")
    >>> pathlib.Path("numbers.txt").read_text()
    '1 2 3'
    """
    target = pathlib.Path(target)
    part = target.with_name(f"{target.name}.part-{socket.gethostname()}-{os.getpid()}{ending}")
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_parts(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Removes what killed programs of this machine left of files that they had not finished.

    What a program that still runs is writing stays, and so does what another machine wrote.

    Args:
        folder: searched with all folders in it.

    Returns:
        The files that were removed.

    Example:

    >>> remove_parts(".")
    []
    """
    removed = []
    for path in sorted(pathlib.Path(folder).rglob("*.part-*")):
        found = _PART.search(path.name)
        if found and found["host"] == socket.gethostname() and not _runs(int(found["process"])):
            path.unlink(missing_ok=True)
            removed.append(path)
    return removed


def _runs(process: int) -> bool:
    if os.name != "posix":
        return True  # to ask there is to kill
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    return True
