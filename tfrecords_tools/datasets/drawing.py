"""Splits that are drawn, and ids of videos that have none."""

import collections
import hashlib
import pathlib
from collections.abc import Mapping, Sequence

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.tables import Row
from tfrecords_tools.shards import text_of


def check_test_fraction(test_fraction: float) -> None:
    """Raises ValueError if it is no share of the videos."""
    if not 0 <= test_fraction < 1:
        raise ValueError(f"test_fraction must be in [0, 1). Received: {test_fraction}")


def drawn_splits(classes: Mapping[str, str], test_fraction: float, seed: int) -> dict[str, str]:
    """Draws the share `test_fraction` of every class for the test split.

    Where classes are so small that this leaves no test videos at all, or no others, the share is
    drawn from all videos together.

    Args:
        classes: video → its class.
        test_fraction: in [0, 1).
        seed: of the draw.

    Returns:
        Video → "train" or "test"; the same whatever the order of `classes`.

    Example:

    >>> sorted(drawn_splits({"a": "x", "b": "x", "c": "x", "d": "x"}, 0.25, seed=0).values())
    ['test', 'train', 'train', 'train']
    """
    videos: dict[str, list[str]] = collections.defaultdict(list)
    for video, name in classes.items():
        videos[name].append(video)

    def drawn(names: Sequence[str]) -> list[str]:
        order = sorted(names, key=lambda n: hashlib.sha256(_encoded(f"{seed}/{n}")).digest())
        return order[: int(len(order) * test_fraction + 0.5)]

    test = {video for names in videos.values() for video in drawn(names)}
    if not test or len(test) == len(classes):
        test = set(drawn(list(classes)))
    return {video: "test" if video in test else "train" for video in classes}


def splits_of(
    classes: Mapping[str, str], rows: Mapping[str, Row], test_fraction: float, seed: int
) -> dict[str, str]:
    """The split of every video: what a table says, or else drawn.

    Videos that were cut from one source video are in one split: in that which the table gives to
    any of them, or else drawn together, as if they were one video of the class of the first.

    Args:
        classes: video → its class.
        rows: video → its line of the table, where it has one.
        test_fraction: share of what is drawn that is for testing, in [0, 1).
        seed: of the draw.

    Returns:
        Video → split.

    Raises:
        LabelFileError: if a video has no split, and others of its source video are in several.
    """
    given: dict[str, set[str]] = collections.defaultdict(set)
    source_of = {}
    for video in classes:
        row = rows.get(video)
        source_of[video] = (row.source_video if row else "") or video
        if row and row.split:
            given[source_of[video]].add(row.split)
    to_draw: dict[str, str] = {}
    for video, name in classes.items():
        if source_of[video] not in given:
            to_draw.setdefault(source_of[video], name)
    drawn = drawn_splits(to_draw, test_fraction, seed)
    splits = {}
    for video, source in source_of.items():
        row = rows.get(video)
        if row and row.split:
            splits[video] = row.split
        elif source not in given:
            splits[video] = drawn[source]
        elif len(given[source]) == 1:
            (splits[video],) = given[source]
        else:
            raise LabelFileError(
                f"{video!r} has no split in the table, and others that were cut from {source!r} "
                f"are in {' and '.join(sorted(given[source]))}. Give it one."
            )
    return splits


def ids_of(files: Sequence[pathlib.PurePosixPath]) -> list[str]:
    """Paths without endings; with them, where two files differ in nothing else.

    Example:

    >>> ids_of([pathlib.PurePosixPath(name) for name in ("a/b.mp4", "c.avi", "c.mkv")])
    ['a/b', 'c.avi', 'c.mkv']
    """
    full = [text_of(file) for file in files]
    short = [text_of(file.with_suffix("")) if file.suffix else text_of(file) for file in files]
    count = collections.Counter(short)
    ids = [name if count[name] == 1 else whole for name, whole in zip(short, full, strict=True)]
    return ids if len(set(ids)) == len(ids) else full  # as of c.avi, c.mkv and c.avi.mp4


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
