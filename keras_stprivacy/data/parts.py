"""Files and folders that are there as a whole or not at all, and what killed programs leave."""

import contextlib
import os
import pathlib
import re
import shutil
import socket
from collections.abc import Iterator

# NAME.part-HOST-PID, and an ending where a library asks for one.
_PART = re.compile(r"\.part-(?P<host>.+)-(?P<process>\d+)(\.weights\.h5)?$")


def part_of(target: str | os.PathLike, ending: str = "") -> pathlib.Path:
    """Where this program writes what is to stand at `target`, until it is finished.

    Args:
        target: of a file or a folder.
        ending: see `whole_file`.

    Example:

    >>> part_of("cells/raw.json").name.startswith("raw.json.part-")
    True
    """
    target = pathlib.Path(target)
    return target.with_name(f"{target.name}.part-{socket.gethostname()}-{os.getpid()}{ending}")


@contextlib.contextmanager
def part_folder(target: str | os.PathLike) -> Iterator[pathlib.Path]:
    """An empty folder for work on `target`; what is in it when the block ends is removed.

    Args:
        target: which need not be there, nor the folder that it is in.

    Yields:
        The folder, `part_of(target)`.

    Raises:
        OSError: if it cannot be made.

    Example:

    >>> with part_folder("clips") as folder:
    ...     folder.is_dir()
    True
    >>> folder.exists()
    False
    """
    part = part_of(target)
    shutil.rmtree(part, ignore_errors=True)  # of a killed program that had the same number
    part.mkdir(parents=True)
    try:
        yield part
    finally:
        shutil.rmtree(part, ignore_errors=True)


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
    part = part_of(target, ending)
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def remove_parts(folder: str | os.PathLike) -> list[pathlib.Path]:
    """Removes what killed programs of this machine left of what they had not finished.

    What a program that still runs is writing stays, and so does what another machine wrote.

    Args:
        folder: searched with all folders in it.

    Returns:
        The files and folders that were removed.

    Example:

    >>> remove_parts(".")
    []
    """
    removed = []
    for path in sorted(pathlib.Path(folder).rglob("*.part-*")):
        found = _PART.search(path.name)
        if found and found["host"] == socket.gethostname() and not _runs(int(found["process"])):
            if any(folder in removed for folder in path.parents):
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path, ignore_errors=True)
            else:
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
