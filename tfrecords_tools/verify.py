"""Whether a converted dataset is what its `dataset.json` says, to the last frame."""

import collections
import dataclasses
import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.manifest import DatasetInfo, ShardInfo, dataset_info
from tfrecords_tools.cpus import default_workers
from tfrecords_tools.record_checks import record_faults
from tfrecords_tools.storage import open_storage
from tfrecords_tools.stored import StoredRecord, stored_payloads

_MOST_FAULTS = 1000


@dataclasses.dataclass(frozen=True)
class Fault:
    """Something that is wrong.

    Attributes:
        shard: file name, or None where it is about the dataset as a whole.
        record: 0-based index in the shard, or None where it is about all of it.
        id: of the video, where it is known.
        reason: what is wrong.
    """

    shard: str | None
    record: int | None
    id: str | None
    reason: str

    def __str__(self) -> str:
        where = [self.shard or "dataset.json"]
        where += [f"record {self.record}"] if self.record is not None else []
        where += [f"({self.id})"] if self.id is not None else []
        return f"{', '.join(where)}: {self.reason}"


@dataclasses.dataclass(frozen=True)
class VerifyReport:
    """What was looked at, and what is wrong with it.

    Attributes:
        info: the dataset.
        shards: files read.
        records: records read.
        frames: frames decoded.
        faults: what is wrong, 1000 at most.
    """

    info: DatasetInfo
    shards: int
    records: int
    frames: int
    faults: tuple[Fault, ...]

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "name": self.info.name,
            "directory": str(self.info.directory),
            "shards": self.shards,
            "records": self.records,
            "frames": self.frames,
            "quarantined": len(self.info.quarantined),
            "missing": len(self.info.missing),
            "faults": [dataclasses.asdict(fault) for fault in self.faults],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        head = (
            f"{self.info.name} in {self.info.directory}: {self.shards} shards, {self.records} "
            f"records, {self.frames} frames decoded, "
        )
        head += f"{len(self.faults)} faults" if self.faults else "no fault"
        return "\n".join([head, *(f"  {fault}" for fault in self.faults)])


@dataclasses.dataclass
class _Content:
    """What a shard held."""

    faults: list[Fault]
    ids: list[str]
    records: int = 0
    frames: int = 0
    unannotated: int = 0


def verify(
    source: str | os.PathLike,
    *,
    workers: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> VerifyReport:
    """Compares a dataset with its `dataset.json`: files, sizes, hashes, counts, labels; decodes all
    frames of all records.

    Args:
        source: a directory that holds `dataset.json`, or a name as `dataset_info` takes it.
        workers: threads that decode; None: one per CPU, 8 at most.
        on_progress: called after each shard with how many are done, and how many there are.

    Returns:
        A `VerifyReport`; the dataset is good if it has no faults.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json`.
        DatasetFormatError: if it is damaged or of a newer format.
        EmptyDatasetError: if it lists no splits.
        ValueError: if `workers` is less than 1.
    """
    if workers is None:
        workers = default_workers()
    if workers < 1:
        raise ValueError(f"workers must be at least 1. Received: workers={workers}")
    info = dataset_info(source)
    shards = [(split, shard) for split in sorted(info.splits) for shard in info.shards(split)]
    faults = list(_manifest_faults(info))
    ids: list[str] = []
    totals: collections.Counter[str] = collections.Counter()
    with ThreadPoolExecutor(workers) as threads:
        for done, (split, shard) in enumerate(shards, 1):
            content = _shard_content(info, split, shard, threads, 2 * workers)
            faults += content.faults
            ids += content.ids
            totals.update(records=content.records, frames=content.frames)
            if on_progress is not None:
                on_progress(done, len(shards))
    counted = collections.Counter(ids)
    twice = sorted(name for name, count in counted.items() if count > 1)
    faults += [Fault(None, None, name, "the id stands in more than one record") for name in twice]
    lost = sorted(set(info.sources) - set(ids))
    faults += [
        Fault(None, None, name, "listed in 'sources', but no record has it") for name in lost
    ]
    return VerifyReport(
        info, len(shards), totals["records"], totals["frames"], tuple(faults[:_MOST_FAULTS])
    )


def _manifest_faults(info: DatasetInfo) -> Iterator[Fault]:
    if open_storage(info.directory).read_text(schema.MANIFEST_NAME) != info.to_json():
        yield Fault(None, None, None, "it is not as the conversion wrote it: damaged or edited")
    listed = collections.Counter(s.file for shards in info.splits.values() for s in shards)
    for file, count in sorted(listed.items()):
        if count > 1:
            yield Fault(file, None, None, "dataset.json lists the file more than once")
    for file in open_storage(info.directory).names(""):
        if file.endswith(".tfrecord") and file not in listed:
            yield Fault(file, None, None, "dataset.json does not list the file")


def _shard_content(
    info: DatasetInfo, split: str, shard: ShardInfo, threads: ThreadPoolExecutor, ahead: int
) -> _Content:
    content = _Content([], [])

    def fault(reason: str, record: int | None = None, name: str | None = None) -> None:
        content.faults.append(Fault(shard.file, record, name, reason))

    try:
        found = open_storage(info.directory).digest(shard.file)
    except OSError as error:
        fault(f"it cannot be read: {error.strerror or error}")
        return content
    if found is None:
        fault("the file is missing")
        return content
    size, sha256 = found
    if size != shard.bytes:
        fault(f"it has {size} bytes, dataset.json says {shard.bytes}")
    if sha256 != shard.sha256:
        fault(f"its SHA-256 is {sha256}, dataset.json says {shard.sha256}")
    try:
        for index, checked in enumerate(_checked(info, shard, threads, ahead)):
            content.records += 1
            content.frames += checked.frames
            content.unannotated += checked.unannotated
            for reason in checked.faults:
                fault(reason, index, checked.id)
            if checked.id is None:
                continue
            content.ids.append(checked.id)
            for reason in _source_faults(info, split, shard, checked):
                fault(reason, index, checked.id)
    except ShardError as error:
        fault(error.reason, error.record)
    for what in ("records", "frames", "unannotated"):
        counted, said = getattr(content, what), getattr(shard, what)
        if counted != said:
            fault(f"{counted} {what}, dataset.json says {said}")
    return content


@dataclasses.dataclass(frozen=True)
class _Checked:
    """What was found of a record."""

    faults: tuple[str, ...]
    id: str | None = None
    frames: int = 0
    unannotated: bool = False
    source_video: str | None = None


def _checked(
    info: DatasetInfo, shard: ShardInfo, threads: ThreadPoolExecutor, ahead: int
) -> Iterator[_Checked]:
    """What was found of each record, in order; a few of them in memory at a time."""
    pending: collections.deque = collections.deque()
    try:
        payloads = stored_payloads(info.directory / shard.file)
        for index, (payload, good) in enumerate(payloads):
            pending.append(threads.submit(_check, info, shard.file, index, payload, good))
            if len(pending) > ahead:
                yield pending.popleft().result()
    except ShardError:
        while pending:  # what stands before the damage counts
            yield pending.popleft().result()
        raise
    while pending:
        yield pending.popleft().result()


def _check(info: DatasetInfo, shard: str, index: int, payload: bytes, good: bool) -> _Checked:
    faults = [] if good else ["the payload is not what its checksum says"]
    try:
        record = StoredRecord(shard, index, payload)
    except ValueError as error:
        return _Checked((*faults, str(error)))
    faults += record_faults(record, info)
    try:
        name, frames = record.id, len(record.frames)
        annotated = record.one(schema.PRIVACY_IS_ANNOTATED, "int64")
        cut_from = next(iter(record.texts(schema.MEDIA_ID)), None)
    except ValueError as error:
        return _Checked((*faults, str(error)))
    return _Checked(tuple(dict.fromkeys(faults)), name, frames, not annotated, cut_from)


def _source_faults(
    info: DatasetInfo, split: str, shard: ShardInfo, checked: _Checked
) -> Iterator[str]:
    source = info.sources.get(checked.id or "")
    if not isinstance(source, dict):
        yield "'sources' in dataset.json does not list the id"
        return
    for key, needed in (
        ("split", split),
        ("shard", shard.file),
        ("frames", checked.frames),
        ("source_video", checked.source_video),
    ):
        if source.get(key) != needed:
            yield f"{key} is {needed!r}, dataset.json says {source.get(key)!r}"
