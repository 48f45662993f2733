"""Finds videos in folders."""

import os
import pathlib

from tfrecords_tools.shards import text_of

ENDINGS = (
    *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".webm", ".wmv"),
)


def is_video(name: str) -> bool:
    """Whether a file's name has the ending of a video, and is not hidden.

    Example:

    >>> is_video("a.MP4"), is_video(".a.mp4"), is_video("a.txt")
    (True, False, False)
    """
    return pathlib.PurePath(name).suffix.lower() in ENDINGS and not name.startswith(".")


def find_videos(root: pathlib.Path) -> tuple[list[pathlib.PurePosixPath], list[str]]:
    """All videos below a folder, told by their endings.

    Hidden files and folders are left out. Links to folders are not followed: they may lead in
    circles or out of the folder.

    Args:
        root: the folder.

    Returns:
        Paths relative to the root, sorted; and notes about folders that were not searched.
    """
    found, unreadable, links = [], [], 0

    def on_error(error: OSError) -> None:
        unreadable.append(f"{_below(root, error.filename)} ({error.strerror})")

    for folder_name, folders, files in os.walk(root, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        links += sum(os.path.islink(os.path.join(folder_name, name)) for name in folders)
        relative = pathlib.Path(folder_name).relative_to(root)
        for file in files:
            if is_video(file):
                found.append(pathlib.PurePosixPath((relative / file).as_posix()))
    notes = []
    if unreadable:
        notes.append(f"{len(unreadable)} folders cannot be read: {unreadable[0]}, ...")
    if links:
        notes.append(f"{links} links to folders were not followed")
    return sorted(found, key=text_of), notes


def files_of(folder: pathlib.Path) -> tuple[frozenset[str], str | None]:
    """The names of the files in a folder, and why it cannot be read, or None.

    A folder that is not there is an empty one.
    """
    try:
        with os.scandir(folder) as entries:
            return frozenset(entry.name for entry in entries if _may_be_file(entry)), None
    except (FileNotFoundError, NotADirectoryError):
        return frozenset(), None
    except OSError as error:
        return frozenset(), f"{text_of(pathlib.PurePath(folder.name))} ({error.strerror})"


def _may_be_file(entry: os.DirEntry) -> bool:
    try:
        return entry.is_file()
    except OSError:  # a link in a circle, or to where nobody may look: quarantined, with its reason
        return True


def videos_by_stem(
    root: pathlib.Path,
) -> tuple[dict[str, pathlib.PurePosixPath], list[str]]:
    """Name without ending → path, of all videos below a folder, and notes.

    Where several videos have the same name, the first path in sorted order counts.
    """
    videos, notes = find_videos(root)
    by_stem: dict[str, pathlib.PurePosixPath] = {}
    for video in videos:
        by_stem.setdefault(video.stem, video)
    if len(by_stem) < len(videos):
        notes.append(f"{len(videos) - len(by_stem)} videos have the name of another one")
    return by_stem, notes


def _below(root: pathlib.Path, path: str) -> str:
    return text_of(pathlib.PurePath(os.path.relpath(path, root)))
