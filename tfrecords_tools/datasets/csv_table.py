"""Any table of videos: paths, actions, private attributes, splits."""

import os
import pathlib
from collections.abc import Iterator

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.adapter import SEED, TEST_FRACTION, Adapter, Option
from tfrecords_tools.datasets.drawing import check_test_fraction, ids_of, splits_of
from tfrecords_tools.datasets.tables import Columns, Row, read_table
from tfrecords_tools.shards import text_of
from tfrecords_tools.source import SourceDataset, SourceEntry


def csv_table(
    source: str | os.PathLike,
    videos: str | os.PathLike | None = None,
    path_column: str = "path",
    label_column: str = "label",
    split_column: str = "split",
    attributes: str | None = None,
    delimiter: str | None = None,
    label_separator: str | None = None,
    test_fraction: float = 0.3,
    seed: int = 0,
    name: str | None = None,
    source_column: str = "source_video",
) -> SourceDataset:
    """Videos that a table names, each with its action and private attributes.

    Args:
        source: the table, a text file in UTF-8 whose first line names the columns.
        videos: the folder to which the paths are relative; by default that of the table. Absolute
            paths in the table must lie in it.
        path_column: name of the column with the videos.
        label_column: name of the column with the actions.
        split_column: name of the column with the splits. Where there is none, or nothing in it,
            the split is drawn as by `folder`.
        attributes: names of the columns with private attributes, separated by commas; by default
            all other columns. Each line holds 0 or 1 for all of them, or nothing for all of them
            where they were not annotated.
        delimiter: between cells; by default a tab in files that end in .tsv, else a comma.
        label_separator: where a video may have several actions: what stands between them, such as
            "|". The dataset is then multi-label.
        test_fraction: share of the videos without a split in the split "test", in [0, 1).
        seed: of the draw of the split.
        name: of the dataset; by default the table's.
        source_column: name of the column with what a video was cut from, the same text for all
            that were cut from one. These go into one split, drawn as one video of the class of the
            first, and evaluations draw them together for their intervals. Where there is no such
            column, or nothing in it, a video stands for itself.

    Returns:
        A `SourceDataset` with the classes in alphabetical order.

    Raises:
        LabelFileError: if the table or the folder is missing or not what it should be.
        ValueError: if an argument is outside of what is said above.
    """
    check_test_fraction(test_fraction)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n'):
        raise ValueError(f"delimiter must be one character. Received: {delimiter!r}")
    if label_separator == "":
        raise ValueError("label_separator must not be empty; None is for one action a video.")
    table = pathlib.Path(source)
    root = table.parent if videos is None else pathlib.Path(videos)
    if not root.is_dir():
        raise LabelFileError(f"There is no folder {root}.")
    names = None if attributes is None else [part.strip() for part in attributes.split(",")]
    columns = Columns(
        path_column, label_column, split_column, names, delimiter, source=source_column
    )
    content = read_table(table, columns)
    if not content.has_labels:
        raise LabelFileError(
            f"{table} has no column {label_column!r} with the actions. Add it, or name the one "
            "that holds them with --label-column (label_column=)."
        )
    rows = {_inside(root, path): row for path, row in content.rows.items()}
    if len(rows) < len(content.rows):
        raise LabelFileError(f"{table} names a video twice, by different paths.")
    present = [path for path in sorted(rows) if os.path.isfile(root / path)]
    missing = sorted(set(rows) - set(present))
    notes = []
    if missing:
        notes.append(f"{len(missing)} videos of the table are missing: {missing[0]!r}, ...")
    actions = {path: _actions(row, label_separator) for path, row in rows.items()}
    class_names = sorted({action for said in actions.values() for action in said})
    index = {action: i for i, action in enumerate(class_names)}
    splits = splits_of({path: rows[path].label for path in present}, rows, test_fraction, seed)
    files = [pathlib.PurePosixPath(path) for path in present]
    entries = [
        SourceEntry(
            id=entry_id,
            split=splits[path],
            action=_indices(actions[path], index, label_separator is not None),
            attributes=rows[path].attributes,
            file=file,
            source_video=rows[path].source_video or None,
        )
        for entry_id, path, file in zip(ids_of(files), present, files, strict=True)
    ]

    def make_entries() -> Iterator[SourceEntry]:
        return iter(entries)

    return SourceDataset(
        name=name or text_of(pathlib.PurePath(table.stem)) or "csv",
        class_names=tuple(class_names),
        attribute_names=content.attribute_names,
        root=root,
        make_entries=make_entries,
        origin={"adapter": "csv", "seed": seed, "test_fraction": test_fraction},
        missing=tuple(missing),
        notes=tuple(notes),
        multi_label=label_separator is not None,
    )


def _inside(root: pathlib.Path, path: str) -> str:
    """The path relative to the root; one outside of it keeps its ".." and is quarantined later."""
    if not os.path.isabs(path):
        return os.path.normpath(path)
    relative = os.path.relpath(path, root)
    if relative.split(os.sep)[0] == os.pardir:  # perhaps by a link
        folder, name = os.path.split(path)
        real = os.path.relpath(os.path.join(os.path.realpath(folder), name), os.path.realpath(root))
        relative = relative if real.split(os.sep)[0] == os.pardir else real
    return pathlib.PurePath(relative).as_posix()


def _actions(row: Row, separator: str | None) -> tuple[str, ...]:
    if separator is None:
        return (row.label,)
    parts = (part.strip() for part in row.label.split(separator))
    return tuple(dict.fromkeys(part for part in parts if part))


def _indices(
    actions: tuple[str, ...], index: dict[str, int], multi_label: bool
) -> int | tuple[int, ...]:
    indices = tuple(sorted(index[action] for action in actions))
    return indices if multi_label else indices[0]


ADAPTER = Adapter(
    name="csv",
    load=csv_table,
    summary="Any table of paths, actions and private attributes.",
    layout="""\
SOURCE  a CSV or TSV file in UTF-8; its first line names the columns:
        path (relative to the table's folder or to --videos), label, optionally split and
        source_video (what a video was cut from), and one column of 0 and 1 for each private
        attribute (all empty: not annotated)""",
    example="csv clips.csv records/clips --videos /data/clips",
    source="file",
    options=(
        Option("videos", "The folder to which the paths are relative.", "folder"),
        Option("path_column", "Name of the column of paths.", default="path"),
        Option("label_column", "Name of the column of actions.", default="label"),
        Option("split_column", "Name of the column of splits.", default="split"),
        Option("attributes", "Columns of private attributes, with commas; by default all others."),
        Option("delimiter", "Between cells; by default a tab in .tsv files, else a comma."),
        Option("label_separator", "Between the actions of a video that may have several."),
        TEST_FRACTION,
        SEED,
        Option("name", "Name of the dataset; by default the table's."),
        Option("source_column", "Name of the column of source videos.", default="source_video"),
    ),
)
