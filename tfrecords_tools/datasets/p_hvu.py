"""P-HVU as OSPAR uses it: the clips of HVU with actions, objects and scenes."""

import collections
import csv
import os
import pathlib
from collections.abc import Iterator
from typing import Any

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import VIDEOS, Adapter, Option
from tfrecords_tools.datasets.lists import find_folder, is_name
from tfrecords_tools.datasets.video_files import videos_by_stem
from tfrecords_tools.source import SourceDataset, SourceEntry

_KINDS = ("action", "object", "scene")
_COLUMNS = ("Tags", "youtube_id", "time_start", "time_end")
_TAG_COLUMNS = ("Tag", "Category")
_LATEST = 1_000_000  # seconds: later than any video ends
# HVU publishes no labels of its test list: results are those on the validation list.
_LISTS = {"train": "train", "val": "test"}


def p_hvu(
    source: str | os.PathLike,
    train_list: str | os.PathLike | None = None,
    test_list: str | os.PathLike | None = None,
    tags: str | os.PathLike | None = None,
    videos: str | os.PathLike | None = None,
) -> SourceDataset:
    """P-HVU: the clips of HVU that have at least one action, one object and one scene.

    Actions are the (several) labels to be kept; objects and scenes, in this order, are the private
    attributes. Records hold objects and scenes also under `OBJECT/clip/label/...` and
    `SCENE/clip/label/...`, each counted from 0.

    Args:
        source: the folder that holds lists, tag table and clips.
        train_list: HVU's training list; by default the CSV file in `source` whose name holds
            "train"; a dataset without one has no split "train".
        test_list: HVU's validation list, which becomes the split "test"; by default the CSV file
            in `source` whose name holds "val".
        tags: the table of tags and their categories; by default the CSV file in `source` whose name
            holds "tags".
        videos: the folder with the clips, named `<id>_<10 · start>_<10 · end>` with six digits
            each, `<id>_<start>_<end>` likewise, or `<id>`; by default `videos` or `clips` in
            `source`. Sub-folders are searched too.

    Returns:
        A multi-label `SourceDataset` named "p_hvu", its classes and attributes in the order of the
        tag table.

    Raises:
        LabelFileError: if a file or folder is missing or not what it should be.
    """
    source = pathlib.Path(source)
    tag_table = pathlib.Path(tags) if tags is not None else _find(source, "tags")
    if tag_table is None:
        raise LabelFileError(f"There is no table of tags, *tags*.csv, in {source}.")
    lists: dict[str, pathlib.Path] = {}
    for (word, split), given in zip(_LISTS.items(), (train_list, test_list), strict=True):
        path = pathlib.Path(given) if given is not None else _find(source, word)
        if path is not None:
            lists[split] = path
    if not lists:
        raise LabelFileError(f"There is no list of clips, *train*.csv or *val*.csv, in {source}.")
    root = find_folder(source, videos, ["videos", "clips"], "the clips")
    names, kinds = _tags(tag_table)
    index = {kind: {tag: i for i, tag in enumerate(names[kind])} for kind in _KINDS}
    parts = collections.Counter(
        row["youtube_id"] for path in lists.values() for _, row in _rows(path, _COLUMNS)
    )
    there, notes = videos_by_stem(root)
    entries: dict[str, SourceEntry] = {}
    missing = []
    incomplete = unknown = doubled = whole = rows = 0
    used = set()
    for split, path in sorted(lists.items()):
        for line, row in _rows(path, _COLUMNS):
            rows += 1
            said = dict.fromkeys(tag for tag in row["Tags"].split("|") if tag)
            unknown += sum(tag not in kinds for tag in said)
            of_kind = {kind: sorted(index[kind][t] for t in said if t in index[kind])
                       for kind in _KINDS}  # fmt: skip
            if not all(of_kind.values()):
                incomplete += 1
                continue
            entry_id, stems = _names(path, line, row)
            stem = next((stem for stem in stems if stem in there), None)
            if stem == row["youtube_id"] and parts[stem] > 1:
                whole += 1
                stem = None  # each part has labels of its own
            if stem is None:
                missing.append(entry_id)
                continue
            if entry_id in entries:
                if entries[entry_id].split != split:
                    raise LabelFileError(f"{path}, line {line}: {entry_id!r} is in two lists.")
                doubled += 1
                continue
            used.add(stem)
            entries[entry_id] = _entry(entry_id, split, of_kind, names, there[stem])
    lost = f"{incomplete} of {rows} clips have not at least one action, object and scene"
    for count, note in (
        (incomplete, f"{lost} and were left out"),
        (len(missing), f"{len(missing)} listed clips are not in {root.name}"),
        (whole, f"{whole} of these are parts of a video that is there as a whole"),
        (doubled, f"{doubled} lines name a clip that an earlier line names; the first counts"),
        (unknown, f"{unknown} tags are not in the table of tags and were left out"),
        (len(set(there) - used), f"{len(set(there) - used)} videos are in no list or left out"),
    ):
        if count:
            notes.append(note)

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries.values())

    return SourceDataset(
        name="p_hvu",
        class_names=tuple(names["action"]),
        attribute_names=(*names["object"], *names["scene"]),
        root=root,
        make_entries=make_entries,
        origin={"adapter": "p-hvu", "lists": {split: p.name for split, p in lists.items()}},
        missing=tuple(sorted(set(missing))),
        notes=tuple(notes),
        multi_label=True,
        attribute_groups={kind: len(names[kind]) for kind in ("object", "scene")},
    )


def group_of(entry_id: str) -> str | None:
    """The YouTube video that a clip was cut from.

    Example:

    >>> group_of("-Hk131VDZoM_001015_001035")
    '-Hk131VDZoM'
    """
    parts = entry_id.rsplit("_", 2)
    return parts[0] if len(parts) == 3 else None


def _entry(
    entry_id: str,
    split: str,
    of_kind: dict[str, list[int]],
    names: dict[str, list[str]],
    file: pathlib.PurePosixPath,
) -> SourceEntry:
    present = {kind: set(of_kind[kind]) for kind in _KINDS}
    return SourceEntry(
        id=entry_id,
        split=split,
        action=tuple(of_kind["action"]),
        attributes=bytes(  # 1926 numbers for each of half a million clips
            int(i in present[kind]) for kind in ("object", "scene") for i in range(len(names[kind]))
        ),
        file=file,
        label_lists={
            kind.upper(): tuple((i, names[kind][i]) for i in of_kind[kind])
            for kind in ("object", "scene")
        },
        source_video=group_of(entry_id),
    )


def _find(source: pathlib.Path, word: str) -> pathlib.Path | None:
    """The only CSV file of the folder whose name holds the word."""
    try:
        paths = sorted(path for path in source.iterdir() if path.suffix.lower() == ".csv")
    except OSError as error:
        raise LabelFileError(f"The folder {source} cannot be read: {error.strerror}") from error
    found = [path for path in paths if word in path.name.lower()]
    if len(found) > 1:
        raise LabelFileError(
            f"Which is the {word} file: {', '.join(path.name for path in found)}? Name it."
        )
    return found[0] if found else None


def _rows(path: pathlib.Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if not set(columns) <= set(reader.fieldnames or ()):
                raise LabelFileError(
                    f"{path} must have the columns {', '.join(columns)}. Received: "
                    f"{reader.fieldnames}"
                )
            for row in reader:
                values: dict[Any, Any] = row
                if None in values or None in values.values():
                    raise LabelFileError(
                        f"{path}, line {reader.line_num}: {len(reader.fieldnames or ())} values "
                        "are needed."
                    )
                yield reader.line_num, row
    except OSError as error:
        raise LabelFileError(f"The list {path} cannot be read: {error.strerror}") from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise LabelFileError(f"The list {path} is not a CSV text file: {error}") from error


def _tags(path: pathlib.Path) -> tuple[dict[str, list[str]], dict[str, str]]:
    """The tags of each kind that is needed, in the order of the table; and tag → kind, of all."""
    names: dict[str, list[str]] = {kind: [] for kind in _KINDS}
    kinds: dict[str, str] = {}
    for line, row in _rows(path, _TAG_COLUMNS):
        tag, kind = row["Tag"], row["Category"]
        if not tag or tag in kinds:
            raise LabelFileError(
                f"{path}, line {line}: each tag must stand once. Received: {tag!r}"
            )
        kinds[tag] = kind
        if kind in names:
            names[kind].append(tag)
    if not all(names.values()):
        raise LabelFileError(f"{path} must name tags of the categories {', '.join(_KINDS)}.")
    return names, kinds


def _names(path: pathlib.Path, line: int, row: dict[str, str]) -> tuple[str, tuple[str, ...]]:
    """The id of a row, and what its clip may be called."""
    video = row["youtube_id"]
    try:
        start, end = float(row["time_start"]), float(row["time_end"])
    except ValueError:
        start = end = -1.0
    if not is_name(video) or not 0 <= start < end < _LATEST:
        raise LabelFileError(
            f"{path}, line {line}: needed are youtube_id, time_start and time_end in seconds. "
            f"Received: {video[:40]!r}, {row['time_start'][:20]!r}, {row['time_end'][:20]!r}"
        )
    tenths = f"{video}_{round(10 * start):06d}_{round(10 * end):06d}"
    return tenths, (tenths, f"{video}_{int(start):06d}_{int(end):06d}", video)


ADAPTER = Adapter(
    name="p-hvu",
    load=p_hvu,
    summary="P-HVU (OSPAR): HVU clips with several actions; objects and scenes are private.",
    layout="""\
SOURCE/*train*.csv, *val*.csv  HVU's lists: Tags, youtube_id, time_start, time_end
SOURCE/*tags*.csv              HVU's table: Tag, Category
SOURCE/videos/<clip>.mp4       <id>_<10 x start, 6 digits>_<10 x end, 6 digits>.mp4 (or clips/;
                               sub-folders are searched; <id>.mp4 is found too, where the
                               lists name one part of that video)""",
    example="p-hvu /data/hvu records/p_hvu",
    options=(
        Option("train_list", "HVU's training list.", "file"),
        Option("test_list", "HVU's validation list.", "file"),
        Option("tags", "HVU's table of tags.", "file"),
        VIDEOS,
    ),
    group_of=group_of,
)
