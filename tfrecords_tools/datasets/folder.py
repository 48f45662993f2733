"""A folder of one's own videos."""

import csv
import dataclasses
import hashlib
import os
import pathlib
import re
from collections.abc import Iterator, Sequence

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import text_of
from tfrecords_tools.source import SourceDataset, SourceEntry

_ENDINGS = (
    *(".3gp", ".asf", ".avi", ".flv", ".gif", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg"),
    *(".mts", ".ogv", ".ts", ".webm", ".wmv"),
)
_TRAILING_NUMBER = re.compile(r"[\s_.-]*\d+$")
_OWN_COLUMNS = ("path", "label", "split")
_CLASS_FROM = ("auto", "folder", "stem", "none")


@dataclasses.dataclass
class _Row:
    """A line of the table."""

    line: int
    label: str
    split: str
    attributes: tuple[int, ...] | None


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

    Its split is what the table's column `split` says, or else drawn: the share `test_fraction` of
    every class, the same for the same seed. Where classes are so small that this leaves no test
    videos at all, the share is drawn from all videos together.

    Args:
        source: the folder.
        table: a CSV file with the column `path` (relative to `source`), optionally `label` and
            `split`; every other column is a private attribute, with 0 or 1 in each line, or with
            nothing in all of a line's attributes where they were not annotated. With a column
            `label` only videos in the table are taken.
        class_from: "folder" or "stem" to ask for one of the ways above, "none" to put all videos
            into one class `video`, or "auto".
        test_fraction: share of the videos in the split "test", in [0, 1).
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
    if not 0 <= test_fraction < 1:
        raise ValueError(f"test_fraction must be in [0, 1). Received: {test_fraction}")
    root = pathlib.Path(source)
    if not root.is_dir():
        raise LabelFileError(f"There is no folder {root}.")
    files = _videos(root)
    notes, missing = [], []
    rows: dict[str, _Row] = {}
    attribute_names: tuple[str, ...] = ()
    if table is not None:
        rows, attribute_names, has_labels = _read_table(pathlib.Path(table))
        names = {text_of(file) for file in files}
        missing = sorted(set(rows) - names)
        if missing:
            notes.append(f"{len(missing)} videos of the table are missing: {missing[0]!r}, ...")
        without = len(names - set(rows))
        if without and has_labels:
            files = [file for file in files if text_of(file) in rows]
            notes.append(f"{without} videos are not in the table and were left out")
        elif without:
            notes.append(f"{without} videos are not in the table and have no private attributes")

    if class_from == "auto":
        class_from = "folder" if any(len(file.parts) > 1 for file in files) else "stem"
    actions = {}
    for file in files:
        row = rows.get(text_of(file))
        label = row.label if row and row.label else _class_of(file, class_from)
        if label is None:
            notes.append(f"{text_of(file)} is in no class folder and was left out")
        else:
            actions[file] = label
    files = list(actions)
    class_names = sorted(set(actions.values()))
    splits = _drawn_splits({text_of(f): a for f, a in actions.items()}, test_fraction, seed)
    entries = []
    for entry_id, file in zip(_ids(files), files, strict=True):
        row = rows.get(text_of(file))
        entries.append(
            SourceEntry(
                id=entry_id,
                split=row.split if row and row.split else splits[text_of(file)],
                action=class_names.index(actions[file]),
                attributes=row.attributes if row else None,
                file=file,
            )
        )

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries)

    return SourceDataset(
        name=name or root.resolve().name or "folder",
        class_names=tuple(class_names),
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


def _videos(root: pathlib.Path) -> list[pathlib.PurePosixPath]:
    """Paths of the videos, relative to the root, sorted; hidden files and folders are left out."""
    found = []
    for folder_name, folders, files in os.walk(root):
        folders[:] = [name for name in folders if not name.startswith(".")]
        relative = pathlib.Path(folder_name).relative_to(root)
        for file in files:
            if pathlib.PurePath(file).suffix.lower() in _ENDINGS and not file.startswith("."):
                found.append(pathlib.PurePosixPath((relative / file).as_posix()))
    return sorted(found, key=text_of)


def _class_of(file: pathlib.PurePosixPath, class_from: str) -> str | None:
    if class_from == "none":
        return "video"
    if class_from == "folder":
        return text_of(pathlib.PurePosixPath(file.parts[0])) if len(file.parts) > 1 else None
    stem = text_of(pathlib.PurePosixPath(file.stem))
    return _TRAILING_NUMBER.sub("", stem) or stem


def _ids(files: Sequence[pathlib.PurePosixPath]) -> list[str]:
    """Paths without endings; with them, where two files differ in nothing else."""
    short = [text_of(file.with_suffix("")) for file in files]
    return [
        text_of(file) if short.count(name) > 1 else name
        for file, name in zip(files, short, strict=True)
    ]


def _drawn_splits(actions: dict[str, str], test_fraction: float, seed: int) -> dict[str, str]:
    """Path → "train" or "test"."""

    def drawn(paths: list[str]) -> list[str]:
        paths = sorted(paths, key=lambda p: hashlib.sha256(f"{seed}/{p}".encode()).digest())
        return paths[: int(len(paths) * test_fraction + 0.5)]

    test = set()
    for action in set(actions.values()):
        test.update(drawn([path for path, name in actions.items() if name == action]))
    if not test:
        test.update(drawn(list(actions)))
    return {path: "test" if path in test else "train" for path in actions}


def _read_table(path: pathlib.Path) -> tuple[dict[str, _Row], tuple[str, ...], bool]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            columns = [column.strip() for column in reader.fieldnames or ()]
            if "path" not in columns or len(set(columns)) != len(columns) or "" in columns:
                raise LabelFileError(
                    f"{path} must begin with a line of different column names, one of them 'path'. "
                    f"Received: {columns}"
                )
            reader.fieldnames = columns
            attribute_names = tuple(name for name in columns if name not in _OWN_COLUMNS)
            rows: dict[str, _Row] = {}
            for values in reader:
                video, row = _row(path, reader.line_num, values, columns)
                if video in rows:
                    raise LabelFileError(
                        f"{path}, line {row.line}: {video!r} stands in line {rows[video].line} too."
                    )
                rows[video] = row
    except OSError as error:
        raise LabelFileError(f"The table {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"The table {path} is not a CSV text file: {error}") from error
    if not rows:
        raise LabelFileError(f"The table {path} has no lines below its column names.")
    return rows, attribute_names, "label" in columns


def _row(path: pathlib.Path, line: int, values: dict, columns: list[str]) -> tuple[str, _Row]:
    if None in values or None in values.values():
        raise LabelFileError(f"{path}, line {line}: {len(columns)} values are needed.")
    values = {key: value.strip() for key, value in values.items()}
    if not values["path"] or ("label" in values and not values["label"]):
        raise LabelFileError(f"{path}, line {line}: path and label must not be empty.")
    marks = [values[name] for name in columns if name not in _OWN_COLUMNS]
    attributes = None
    if marks and any(marks):
        if not {"0", "1"}.issuperset(marks):
            raise LabelFileError(
                f"{path}, line {line}: attributes must be 0 or 1 (or all empty). Received: {marks}"
            )
        attributes = tuple(int(mark) for mark in marks)
    video = str(pathlib.PurePosixPath(values["path"].replace("\\", "/")))
    return video, _Row(line, values.get("label", ""), values.get("split", ""), attributes)
