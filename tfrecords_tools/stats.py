"""The numbers of a converted dataset."""

import collections
import os
from collections.abc import Callable

import numpy as np

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.manifest import DatasetInfo, dataset_info
from tfrecords_tools.label_floors import LabelTable, label_floors
from tfrecords_tools.stats_report import SplitStats, StatsReport
from tfrecords_tools.stored import StoredRecord, stored_records


def stats(
    source: str | os.PathLike,
    *,
    train_split: str = "train",
    on_progress: Callable[[int, int], None] | None = None,
) -> StatsReport:
    """Frequencies of actions and attributes, sizes, durations, and the floors of the metrics.

    Args:
        source: a directory that holds `dataset.json`, or a name as `dataset_info` takes it.
        train_split: the split from which the floors take their rates; every other split is tested.
        on_progress: called now and then with how many records are read, and how many there are.

    Returns:
        A `StatsReport`.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json`.
        DatasetFormatError: if it is damaged or of a newer format.
        EmptyDatasetError: if it lists no splits.
        ShardError: if a shard is missing or damaged.
    """
    info = dataset_info(source)
    total = sum(info.num_clips(split) for split in info.splits)
    tables, splits, done = {}, {}, 0
    for split in sorted(info.splits, key=lambda name: (name != train_split, name)):
        collected = _Collected(info)
        for record in stored_records(info, split):
            try:
                collected.add(record)
            except ValueError as error:
                path = info.directory / record.shard
                raise ShardError(path, record.index, f"{error}; convert again") from error
            done += 1
            if on_progress is not None:
                on_progress(done, total)
        tables[split] = collected.table()
        splits[split] = collected.stats()
    train = tables.get(train_split)
    notes = []
    if train is None:
        train = LabelTable((), np.zeros((0, len(info.attribute_names)), "uint8"), np.zeros(0, bool))
        notes.append(
            f"No split {train_split!r}: no floor of an attacker that sees the true action, and "
            "none of the most frequent action."
        )
    if info.multi_label:
        notes.append("No floor of an attacker that sees the true action: videos have several.")
    floors = {
        split: label_floors(train, table, len(info.class_names), info.multi_label)
        for split, table in tables.items()
        if split != train_split and len(table)
    }
    return StatsReport(
        info.name,
        str(info.directory),
        info.class_names,
        info.attribute_names,
        info.attribute_groups,
        splits,
        floors,
        tuple(notes),
    )


class _Collected:
    """What the records of a split say."""

    def __init__(self, info: DatasetInfo):
        self.info = info
        self.actions: list[tuple[int, ...]] = []
        self.marks: list[np.ndarray | None] = []
        self.amounts: dict[str, list[float]] = collections.defaultdict(list)

    def add(self, record: StoredRecord) -> None:
        actions = tuple(record.values(schema.LABEL_INDEX, "int64"))
        if any(not 0 <= action < len(self.info.class_names) for action in actions):
            raise ValueError(f"label {actions} is outside of the classes")
        frames = record.frames
        self.actions.append(actions)
        self.marks.append(record.marks(len(self.info.attribute_names)))
        self.amounts["frames"].append(len(frames))
        self.amounts["seconds"].append(record.one(schema.CLIP_END_TIMESTAMP, "int64") / 1e6)
        self.amounts["height"].append(record.one(schema.IMAGE_HEIGHT, "int64"))
        self.amounts["width"].append(record.one(schema.IMAGE_WIDTH, "int64"))
        self.amounts["frames_per_second"].append(record.one(schema.IMAGE_FRAME_RATE, "float"))
        self.amounts["kilobytes"].append(record.bytes / 1000)

    def table(self) -> LabelTable:
        annotated = np.array([marks is not None for marks in self.marks], bool)
        table = np.zeros((len(self.marks), len(self.info.attribute_names)), "uint8")
        for row, marks in enumerate(self.marks):
            if marks is not None:
                table[row] = marks
        return LabelTable(self.actions, table, annotated)

    def stats(self) -> SplitStats:
        return split_stats(
            self.table(),
            len(self.info.class_names),
            {name: _amounts(values) for name, values in self.amounts.items() if values},
        )


def split_stats(
    table: LabelTable, num_classes: int, amounts: dict[str, dict[str, float]]
) -> SplitStats:
    """What is in a split, given its labels."""
    counts = collections.Counter(action for said in table.actions for action in said)
    known = table.marks[table.annotated]
    shares: list[float | None] = [None] * table.marks.shape[1]
    if len(known):
        shares = [float(share) for share in known.mean(axis=0)]
    return SplitStats(
        len(table),
        int(len(table) - table.annotated.sum()),
        tuple(counts[action] for action in range(num_classes)),
        tuple(shares),
        amounts,
    )


def _amounts(values: list[float]) -> dict[str, float]:
    low, five, median, most, high = np.percentile(values, (0, 5, 50, 95, 100))
    return {
        "smallest": float(low),
        "5_percent": float(five),
        "median": float(median),
        "95_percent": float(most),
        "largest": float(high),
        "sum": float(np.sum(values)),
    }
