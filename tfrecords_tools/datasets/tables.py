"""Tables of videos: CSV files with a column of paths."""

import csv
import dataclasses
import pathlib
from collections.abc import Sequence

from keras_stprivacy.data.errors import LabelFileError

# A cell may be as long as a path or a list of labels is, not as long as a file.
_LONGEST_CELL = 1 << 17


@dataclasses.dataclass(frozen=True)
class Columns:
    """Which column is what.

    Args:
        path: the videos.
        label: the action.
        split: the split.
        attributes: the private attributes; None: all other columns.
        delimiter: between cells; None: a tab in files that end in .tsv, else a comma.
        source: the source video that a video was cut from.
    """

    path: str = "path"
    label: str = "label"
    split: str = "split"
    attributes: Sequence[str] | None = None
    delimiter: str | None = None
    source: str = "source_video"


@dataclasses.dataclass(frozen=True)
class Row:
    """A line of a table.

    Attributes:
        line: its number, from 1.
        label: empty where the table has no such column.
        split: empty where it is not said.
        source_video: empty likewise.
        attributes: None where they were not annotated.
    """

    line: int
    label: str
    split: str
    source_video: str
    attributes: tuple[int, ...] | None


@dataclasses.dataclass(frozen=True)
class Table:
    """A table of videos.

    Attributes:
        rows: path, with "/" between folders → its line.
        attribute_names: the private attributes.
        has_labels: whether it has a column of actions.
    """

    rows: dict[str, Row]
    attribute_names: tuple[str, ...]
    has_labels: bool


_DEFAULT = Columns()


def read_table(path: pathlib.Path, columns: Columns = _DEFAULT) -> Table:
    """Reads a table of videos.

    Raises:
        LabelFileError: if it cannot be read, or a line is not what it should be.
    """
    delimiter = columns.delimiter or ("\t" if path.suffix.lower() == ".tsv" else ",")
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file, strict=True, delimiter=delimiter)
            names = [column.strip() for column in reader.fieldnames or ()]
            attribute_names = _check_columns(path, names, columns)
            reader.fieldnames = names
            rows: dict[str, Row] = {}
            for values in reader:
                video, row = _row(path, reader.line_num, values, columns, attribute_names)
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
    return Table(rows, attribute_names, columns.label in names)


def _check_columns(path: pathlib.Path, names: list[str], columns: Columns) -> tuple[str, ...]:
    """The names of the attributes' columns."""
    if columns.path not in names or len(set(names)) != len(names) or "" in names:
        raise LabelFileError(
            f"{path} must begin with a line of different column names, one of them "
            f"{columns.path!r}. Received: {names}"
        )
    if columns.attributes is None:
        own = (columns.path, columns.label, columns.split, columns.source)
        return tuple(name for name in names if name not in own)
    missing = [name for name in columns.attributes if name not in names]
    if missing or len(set(columns.attributes)) != len(columns.attributes):
        raise LabelFileError(
            f"{path} must have a column for each of the attributes {list(columns.attributes)}. "
            f"Received: {names}"
        )
    return tuple(columns.attributes)


def _row(
    path: pathlib.Path, line: int, values: dict, columns: Columns, attribute_names: Sequence[str]
) -> tuple[str, Row]:
    if None in values or None in values.values():
        raise LabelFileError(
            f"{path}, line {line}: {len([k for k in values if k is not None])} values are needed."
        )
    values = {key: value.strip() for key, value in values.items()}
    label, video = values.get(columns.label, ""), values[columns.path]
    if not video or (columns.label in values and not label):
        raise LabelFileError(
            f"{path}, line {line}: {columns.path} and {columns.label} must not be empty."
        )
    if "\0" in video or len(video) > _LONGEST_CELL:
        raise LabelFileError(f"{path}, line {line}: {video[:40]!r} cannot be a path.")
    marks = [values[name] for name in attribute_names]
    attributes = None
    if marks and any(marks):
        if not {"0", "1"}.issuperset(marks):
            raise LabelFileError(
                f"{path}, line {line}: attributes must be 0 or 1 (or all empty). Received: {marks}"
            )
        attributes = tuple(int(mark) for mark in marks)
    video = str(pathlib.PurePosixPath(video.replace("\\", "/")))
    split, source = (values.get(column, "") for column in (columns.split, columns.source))
    return video, Row(line, label, split, source, attributes)
