"""Looks into a converted dataset: its records as a table, their frames as a picture."""

import dataclasses
import itertools
import json
import os
from collections.abc import Iterator
from typing import Any

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.manifest import DatasetInfo, dataset_info
from tfrecords_tools.contact_sheet import contact_sheet
from tfrecords_tools.stored import StoredRecord, stored_records
from tfrecords_tools.text_table import text_table

_LONGEST_CELL = 60


@dataclasses.dataclass(frozen=True)
class RecordSummary:
    """A record in short.

    Attributes:
        split: where it is.
        shard: where it is.
        record: 0-based index in the shard.
        id: of the video.
        actions: names.
        attributes: names of those that are present; None where they were not annotated.
        frames: how many.
        seconds: until the end of the last frame.
        frames_per_second: as stored.
        height: in pixels.
        width: in pixels.
        bytes: of the record.
        lists: keys of the feature lists, such as person boxes.
        source_video: what the video was cut from; None where that is not known.
    """

    split: str
    shard: str
    record: int
    id: str
    actions: tuple[str, ...]
    attributes: tuple[str, ...] | None
    frames: int
    seconds: float
    frames_per_second: float
    height: int
    width: int
    bytes: int
    lists: tuple[str, ...]
    source_video: str | None = None


@dataclasses.dataclass(frozen=True)
class InspectReport:
    """Some records of a dataset, and how many there are.

    Attributes:
        info: the dataset.
        records: those looked at.
        total: records of the dataset, or of the split that was asked for.
        sheet: the file with the frames, if one was asked for.
    """

    info: DatasetInfo
    records: tuple[RecordSummary, ...]
    total: int
    sheet: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "name": self.info.name,
            "directory": str(self.info.directory),
            "total": self.total,
            "records": [dataclasses.asdict(record) for record in self.records],
            "sheet": self.sheet,
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        header = ["shard", "record", "id", "action", "attributes", "frames", "s", "fps", "size"]
        cut = any(record.source_video is not None for record in self.records)
        rows = [[*header, "kB", *(["cut from"] if cut else [])]]
        for record in self.records:
            attributes = "-" if record.attributes is None else ", ".join(record.attributes)
            rows.append(
                [
                    record.shard,
                    str(record.record),
                    _short(record.id),
                    _short(", ".join(record.actions)),
                    _short(attributes),
                    str(record.frames),
                    f"{record.seconds:.2f}",
                    f"{record.frames_per_second:.5g}",
                    f"{record.width}x{record.height}",
                    f"{record.bytes / 1000:.1f}",
                    *([_short(record.source_video or "-")] if cut else []),
                ]
            )
        lines = [text_table(rows), f"{len(self.records)} of {self.total} records"]
        return "\n".join([*lines, *([f"frames in {self.sheet}"] if self.sheet else [])])


def inspect(
    source: str | os.PathLike,
    *,
    split: str | None = None,
    match: str = "",
    limit: int = 20,
    frames: int = 0,
    sheet: str | os.PathLike | None = None,
) -> InspectReport:
    """Reads records without decoding them, and draws frames of them where asked to.

    Args:
        source: a directory that holds `dataset.json`, or a name as `dataset_info` takes it.
        split: only records of this split.
        match: only records whose id holds this text.
        limit: at most this many records.
        frames: how many frames of each record the contact sheet shows, spread evenly; 0: none.
        sheet: the PNG file to write; by default `contact_sheet.png` in the working directory.

    Returns:
        An `InspectReport`.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json`.
        DatasetFormatError: if it is damaged or of a newer format.
        UnknownSplitError: if there is no such split.
        ShardError: if a shard is missing or damaged.
        ValueError: if an argument is outside of what is said above.
        OSError: if the sheet cannot be written.
    """
    if limit < 1 or frames < 0:
        raise ValueError(
            f"limit must be at least 1, frames at least 0. Received: limit={limit}, frames={frames}"
        )
    info = dataset_info(source)
    names = sorted(info.splits) if split is None else [split]
    total = sum(info.num_clips(name) for name in names)
    chosen = list(itertools.islice(_matching(info, names, match), limit))
    summaries = tuple(_summary(info, name, record) for name, record in chosen)
    written = None
    if frames and chosen:
        written = os.fspath(sheet or "contact_sheet.png")
        rows = []
        for summary, (_, record) in zip(summaries, chosen, strict=True):
            text = f"{summary.id}   {', '.join(summary.actions)}"
            if summary.attributes:
                text += f"   [{', '.join(summary.attributes)}]"
            rows.append((text, _spread(record.frames, frames)))
        contact_sheet(rows).save(written, "PNG")
    return InspectReport(info, summaries, total, written)


def _matching(
    info: DatasetInfo, splits: list[str], match: str
) -> Iterator[tuple[str, StoredRecord]]:
    for split in splits:
        for record in stored_records(info, split):
            if match in record.id:
                yield split, record


def _summary(info: DatasetInfo, split: str, record: StoredRecord) -> RecordSummary:
    try:
        marks = record.marks(len(info.attribute_names))
        attributes = None
        if marks is not None:
            attributes = tuple(info.attribute_names[i] for i in marks.nonzero()[0])
        return RecordSummary(
            split=split,
            shard=record.shard,
            record=record.index,
            id=record.id,
            actions=tuple(record.texts(schema.LABEL_STRING)),
            attributes=attributes,
            frames=len(record.frames),
            seconds=record.one(schema.CLIP_END_TIMESTAMP, "int64") / 1e6,
            frames_per_second=record.one(schema.IMAGE_FRAME_RATE, "float"),
            height=record.one(schema.IMAGE_HEIGHT, "int64"),
            width=record.one(schema.IMAGE_WIDTH, "int64"),
            bytes=record.bytes,
            lists=tuple(record.lists()),
            source_video=next(iter(record.texts(schema.MEDIA_ID)), None),
        )
    except ValueError as error:
        path = info.directory / record.shard
        raise ShardError(path, record.index, f"{error}; convert again") from error


def _spread(frames: list[bytes], count: int) -> list[bytes]:
    """So many frames, evenly from the first to the last; all of them where there are fewer."""
    if len(frames) <= count:
        return frames
    if count == 1:
        return [frames[len(frames) // 2]]
    return [frames[round(i * (len(frames) - 1) / (count - 1))] for i in range(count)]


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST_CELL else f"{text[: _LONGEST_CELL - 3]}..."
