"""Which videos go to which shard, and what can be said before anything is decoded."""

import hashlib
import re
from collections.abc import Iterable, Sequence

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import EmptyDatasetError
from tfrecords_tools.labels import check_labels
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardTask, source_bytes
from tfrecords_tools.source import SourceDataset, SourceEntry

_SPLIT = re.compile(r"[a-z0-9_]+")


def plan_shards(dataset: SourceDataset, settings: ConversionSettings) -> list[ShardTask]:
    """Which videos go to which shard: a matter of the ids, the settings and the sources' sizes.

    The order is that of the ids' hashes, so that every shard holds a mixture.

    Raises:
        EmptyDatasetError: if the dataset has no videos.
        LabelError: if a label is outside of the dataset's classes or attributes.
        ValueError: if ids repeat or cannot be stored, or a split's name cannot be part of a file
            name.
    """
    entries = list(dataset)
    _check_entries(dataset, entries)
    tasks = []
    for split in sorted({entry.split for entry in entries}):
        chosen = sorted(
            (entry for entry in entries if entry.split == split),
            key=lambda entry: (hashlib.sha256(entry.id.encode()).digest(), entry.id),
        )
        if settings.shard_bytes is None:
            parts = _equal_parts(chosen, settings.videos_per_shard)
        else:
            sizes = [source_bytes(dataset.root, entry) or 0 for entry in chosen]
            parts = _filled_parts(chosen, sizes, settings.shard_bytes)
        for i, part in enumerate(parts):
            tasks.append(
                ShardTask(
                    schema.shard_name(split, i, len(parts)),
                    tuple(part),
                    dataset.name,
                    dataset.class_names,
                    dataset.attribute_names,
                    None if dataset.root is None else dataset.root.absolute(),
                    settings,
                )
            )
    return tasks


def _equal_parts(entries: Sequence[SourceEntry], most: int) -> list[Sequence[SourceEntry]]:
    count = -(-len(entries) // most)
    return [
        entries[i * len(entries) // count : (i + 1) * len(entries) // count] for i in range(count)
    ]


def _filled_parts(
    entries: Sequence[SourceEntry], sizes: Iterable[int], least: int
) -> list[Sequence[SourceEntry]]:
    """Each part is filled until it has `least` bytes; what is left joins the last where it is less
    than half of that."""
    parts: list[Sequence[SourceEntry]] = []
    part: list[SourceEntry] = []
    filled = 0
    for entry, size in zip(entries, sizes, strict=True):
        part.append(entry)
        filled += size
        if filled >= least:
            parts.append(part)
            part, filled = [], 0
    if part and parts and 2 * filled < least:
        parts[-1] = [*parts[-1], *part]
    elif part:
        parts.append(part)
    return parts


def _is_text(value: object) -> bool:
    """Whether a value is text that is not empty and can be stored."""
    try:
        return isinstance(value, str) and bool(value.encode())
    except UnicodeEncodeError:
        return False


def _check_entries(dataset: SourceDataset, entries: Sequence[SourceEntry]) -> None:
    if not entries:
        missing = f" {len(dataset.missing)} videos are listed but missing." * bool(dataset.missing)
        raise EmptyDatasetError(
            f"The dataset {dataset.name!r} has no videos in {dataset.root}.{missing}"
        )
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            raise ValueError(f"Ids must be unique. Received twice: {entry.id!r}")
        seen.add(entry.id)
        try:
            entry.id.encode()
        except UnicodeEncodeError as error:
            raise ValueError(
                f"An id must be text that UTF-8 can store. Received: {entry.id!r}"
            ) from error
        if entry.source_video is not None and not _is_text(entry.source_video):
            raise ValueError(
                f"{entry.id}: source_video must be None, or text that UTF-8 can store. Received: "
                f"{entry.source_video!r}"
            )
        if not _SPLIT.fullmatch(entry.split):
            raise ValueError(
                "A split's name may hold lower-case letters, digits and '_' only. "
                f"Received: {entry.split!r} for {entry.id!r}"
            )
        check_labels(entry, dataset)
        if (entry.file is None) == (entry.clip is None):
            raise ValueError(f"{entry.id}: exactly one of file and clip must be given")
        if entry.clip is not None and not entry.frame_rate:
            raise ValueError(f"{entry.id}: a clip needs a frame_rate")
        if entry.boxes is None:
            continue
        if entry.clip is None:
            raise ValueError(
                f"{entry.id}: boxes go with a clip. Those of a file are found by a detector "
                "(--boxes detector)"
            )
        if len(entry.boxes) != len(entry.clip):
            raise ValueError(
                f"{entry.id}: boxes must be given for each of {len(entry.clip)} frames. Received: "
                f"boxes for {len(entry.boxes)}"
            )
