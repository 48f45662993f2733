"""A folder of one's own videos."""

import os
import pathlib
import re
from collections.abc import Iterator

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import SEED, TEST_FRACTION, Adapter, Option
from tfrecords_tools.datasets.drawing import check_test_fraction, ids_of, splits_of
from tfrecords_tools.datasets.tables import Row, read_table
from tfrecords_tools.datasets.video_files import find_videos
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import text_of
from tfrecords_tools.source import SourceDataset, SourceEntry

_TRAILING_NUMBER = re.compile(r"[\s_.-]*\d+$")
_NAMES_SHOWN = 3
_CLASS_FROM = ("auto", "folder", "stem", "none")


def folder(
    source: str | os.PathLike,
    table: str | os.PathLike | None = None,
    class_from: str = "auto",
    test_fraction: float = 0.3,
    seed: int = 0,
    name: str | None = None,
) -> SourceDataset:
    """Videos in a folder.

    A video's action is, in this order: what the table's column `label` says; the name of the first
    folder below `source` that it is in; or, in a folder without sub-folders, the file's name
    without its ending and without a number at its end, so that `walk_01.mp4` and `walk_02.mp4` are
    of the class `walk`.

    Its split is what the table's column `split` says, or else drawn: of the videos without one, the
    share `test_fraction` of every class, the same for the same seed. Where classes are so small
    that this leaves no test videos at all, the share is drawn from all of these together. Videos
    with the same text in the table's column `source_video` were cut from one video: they count as
    one in the draw, of the class of the first, and go where the table puts any of them.

    Args:
        source: the folder.
        table: a CSV file with the column `path` (relative to `source`), optionally `label`, `split`
            and `source_video`; every other column is a private attribute, with 0 or 1 in each line,
            or with nothing in all of a line's attributes where they were not annotated. With a
            column `label` only videos in the table are taken.
        class_from: "folder" or "stem" to ask for one of the ways above, "none" to put all videos
            into one class `video`, or "auto".
        test_fraction: share of the videos without a split in the split "test", in [0, 1).
        seed: of the draw of the split.
        name: of the dataset; by default the folder's.

    Returns:
        A `SourceDataset`.

    Raises:
        LabelFileError: if the folder or the table is missing or not what it should be.
        ValueError: if an argument is outside of what is said above.
    """
    if class_from not in _CLASS_FROM:
        raise ValueError(f"class_from must be one of {_CLASS_FROM}. Received: {class_from!r}")
    check_test_fraction(test_fraction)
    root = pathlib.Path(source)
    if not root.is_dir():
        raise LabelFileError(f"There is no folder {root}.")
    files, notes = find_videos(root)
    missing: list[str] = []
    rows: dict[str, Row] = {}
    attribute_names: tuple[str, ...] = ()
    if table is not None:
        content = read_table(pathlib.Path(table))
        rows, attribute_names = content.rows, content.attribute_names
        names = {text_of(file) for file in files}
        missing = sorted(set(rows) - names)
        if missing:
            notes.append(f"{len(missing)} videos of the table are missing: {missing[0]!r}, ...")
        without = len(names - set(rows))
        if without and content.has_labels:
            files = [file for file in files if text_of(file) in rows]
            notes.append(f"{without} videos are not in the table and were left out")
        elif without:
            notes.append(f"{without} videos are not in the table and have no private attributes")

    if class_from == "auto":
        class_from = "folder" if any(len(file.parts) > 1 for file in files) else "stem"
    actions = {}
    without_class = []
    for file in files:
        row = rows.get(text_of(file))
        label = row.label if row and row.label else _class_of(file, class_from)
        if label is None:
            without_class.append(text_of(file))
        else:
            actions[file] = label
    if without_class:
        few = ", ".join(map(repr, without_class[:_NAMES_SHOWN]))
        few += ", ..." if len(without_class) > _NAMES_SHOWN else ""
        notes.append(f"{len(without_class)} videos are in no class folder and were left out: {few}")
    files = list(actions)
    index = {name: i for i, name in enumerate(sorted(set(actions.values())))}
    classes = {text_of(file): action for file, action in actions.items()}
    splits = splits_of(classes, rows, test_fraction, seed)
    entries = []
    for entry_id, file in zip(ids_of(files), files, strict=True):
        row = rows.get(text_of(file))
        entries.append(
            SourceEntry(
                id=entry_id,
                split=splits[text_of(file)],
                action=index[actions[file]],
                attributes=row.attributes if row else None,
                file=file,
                source_video=(row.source_video or None) if row else None,
            )
        )

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries)

    return SourceDataset(
        name=name or text_of(pathlib.PurePath(root.resolve().name)) or "folder",
        class_names=tuple(index),
        attribute_names=attribute_names,
        root=root,
        make_entries=make_entries,
        origin={"adapter": "folder", "seed": seed, "test_fraction": test_fraction},
        missing=tuple(missing),
        notes=tuple(notes),
        # One's own folders are small: files that can be read in parallel matter more than large
        # ones.
        settings=ConversionSettings(videos_per_shard=64),
    )


def _class_of(file: pathlib.PurePosixPath, class_from: str) -> str | None:
    if class_from == "none":
        return "video"
    if class_from == "folder":
        return text_of(pathlib.PurePosixPath(file.parts[0])) if len(file.parts) > 1 else None
    stem = text_of(pathlib.PurePosixPath(file.stem))
    return _TRAILING_NUMBER.sub("", stem) or stem


ADAPTER = Adapter(
    name="folder",
    load=folder,
    summary="A folder of one's own videos: class sub-folders, or a table.",
    layout="""\
SOURCE/<class>/<video>            a folder for each action, or
SOURCE/<class>_<number>.<ending>  all videos in one folder
--table FILE.csv                  path, optionally label, split and source_video (what a video
                                  was cut from), and one column of 0 and 1 for each private
                                  attribute""",
    example="folder my_videos records/mine --table labels.csv",
    options=(
        Option(
            "table",
            "CSV with the columns path, optionally label, split and source_video, and one per "
            "private attribute.",
            "file",
        ),
        Option(
            "class_from",
            "Where a video's class comes from.",
            default="auto",
            choices=_CLASS_FROM,
        ),
        TEST_FRACTION,
        SEED,
        Option("name", "Name of the dataset; by default the folder's."),
    ),
)
