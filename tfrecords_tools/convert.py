"""Datasets → TFRecords."""

import dataclasses
import hashlib
import os
import pathlib
import re
import shutil
from collections.abc import Callable, Sequence

from keras_stprivacy.data import schema
from keras_stprivacy.data.errors import (
    DatasetFormatError,
    DatasetNotFoundError,
    EmptyDatasetError,
)
from keras_stprivacy.data.manifest import DatasetInfo, dataset_info
from tfrecords_tools.decoders import DecoderPool
from tfrecords_tools.files import digest, write_text
from tfrecords_tools.labels import check_labels
from tfrecords_tools.report import ConversionReport
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardReport, ShardTask, write_shard
from tfrecords_tools.source import SourceDataset, SourceEntry

_PROGRESS_FOLDER = ".progress"
_SPLIT = re.compile(r"[a-z0-9_]+")
_SHARD_FILE = re.compile(r"[a-z0-9_]+-\d{5,}-of-\d{5,}\.tfrecord")


@dataclasses.dataclass(frozen=True)
class Progress:
    """How far a conversion is.

    Attributes:
        done: videos dealt with, kept ones included.
        total: videos in all.
        quarantined: how many of the done ones were left out.
        shard: the file that is being made.
    """

    done: int
    total: int
    quarantined: int
    shard: str


def convert(
    dataset: SourceDataset,
    out_dir: str | os.PathLike,
    settings: ConversionSettings | None = None,
    *,
    workers: int | None = None,
    overwrite: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> ConversionReport:
    """Turns a dataset into TFRecords and a `dataset.json`.

    A video that does not decode, or crashes the decoder, or takes too long, is left out and listed
    with the reason. The output depends on the dataset and the settings alone: not on the number of
    workers, nor on whether the conversion was interrupted. Finished files of an earlier run are
    kept if they are undamaged and would be made the same again; what they left out is tried again
    with `overwrite` only.

    Args:
        dataset: what to convert, from one of `tfrecords_tools.datasets`, or a `SourceDataset` of
            one's own.
        out_dir: where to put the files.
        settings: how videos are stored; None: as the dataset suggests.
        workers: number of decoding processes; None: one per CPU, 8 at most.
        overwrite: make all files anew, also where another dataset is in the way.
        on_progress: called after each video with a `Progress`.

    Returns:
        A `ConversionReport`.

    Raises:
        EmptyDatasetError: if the dataset has no videos.
        LabelError: if a label is outside of the dataset's classes or attributes.
        ValueError: if ids repeat or a split's name cannot be part of a file name.
        FileExistsError: if `out_dir` holds another dataset and `overwrite` is False.
        OSError: if the output cannot be written.

    Example:

    ```python
    from tfrecords_tools.datasets.folder import folder
    report = convert(folder("videos"), "records")
    ```
    """
    if workers is None:
        workers = min(8, len(os.sched_getaffinity(0)))
    if workers < 1:
        raise ValueError(f"workers must be at least 1. Received: workers={workers}")
    settings = settings or dataset.settings
    directory = pathlib.Path(out_dir)
    entries = list(dataset)
    _check_entries(dataset, entries)
    tasks = _plan(dataset, entries, settings)

    directory.mkdir(parents=True, exist_ok=True)
    earlier = _earlier_reports(directory, dataset.name, overwrite)
    reports: dict[str, ShardReport] = {}
    for task in tasks:
        report = earlier.get(task.file)
        if report is not None and _is_intact(directory, task, report):
            reports[task.file] = report
    kept = tuple(reports)
    progress_folder = directory / _PROGRESS_FOLDER
    progress_folder.mkdir(exist_ok=True)
    for report in reports.values():
        write_text(progress_folder / f"{report.info.file}.json", report.to_json())
    # From here on the old description may be wrong.
    (directory / schema.MANIFEST_NAME).unlink(missing_ok=True)
    for file in set(earlier) - {task.file for task in tasks}:
        (directory / file).unlink(missing_ok=True)
    for partial in directory.glob(".*.partial"):  # of a run that was killed
        partial.unlink()

    done = sum(len(task.entries) for task in tasks if task.file in reports)
    quarantined = sum(len(report.quarantined) for report in reports.values())
    with DecoderPool(settings, workers) as decoders:
        for task in tasks:
            if task.file in reports:
                continue

            def on_video(good: bool, shard: str = task.file) -> None:
                nonlocal done, quarantined
                done += 1
                quarantined += not good
                if on_progress is not None:
                    on_progress(Progress(done, len(entries), quarantined, shard))

            report = write_shard(task, directory, decoders, on_video)
            write_text(progress_folder / f"{task.file}.json", report.to_json())
            reports[task.file] = report

    info = _describe(dataset, settings, directory, [reports[task.file] for task in tasks], tasks)
    write_text(directory / schema.MANIFEST_NAME, info.to_json())
    shutil.rmtree(progress_folder)
    written = tuple(task.file for task in tasks if task.file not in kept)
    return ConversionReport(info, written, kept, dataset.notes)


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


def _plan(
    dataset: SourceDataset, entries: Sequence[SourceEntry], settings: ConversionSettings
) -> list[ShardTask]:
    """Which videos go to which shard: a matter of the ids and the settings alone.

    The order is that of the ids' hashes, so that every shard holds a mixture.
    """
    tasks = []
    for split in sorted({entry.split for entry in entries}):
        chosen = sorted(
            (entry for entry in entries if entry.split == split),
            key=lambda entry: (hashlib.sha256(entry.id.encode()).digest(), entry.id),
        )
        count = -(-len(chosen) // settings.videos_per_shard)
        for i in range(count):
            part = chosen[i * len(chosen) // count : (i + 1) * len(chosen) // count]
            tasks.append(
                ShardTask(
                    schema.shard_name(split, i, count),
                    tuple(part),
                    dataset.name,
                    dataset.class_names,
                    dataset.attribute_names,
                    dataset.root,
                    settings,
                )
            )
    return tasks


def _earlier_reports(directory: pathlib.Path, name: str, overwrite: bool) -> dict[str, ShardReport]:
    """What earlier runs have left: file name → its report."""
    reports = {}
    try:
        info = dataset_info(directory)
    except (DatasetNotFoundError, DatasetFormatError, EmptyDatasetError):
        info = None  # not finished, or not readable: made anew
    if info is not None:
        if info.name != name and not overwrite:
            raise FileExistsError(
                f"{directory} holds the dataset {info.name!r}, not {name!r}. Choose another "
                "directory, or overwrite it."
            )
        reports.update(_reports_of(info))
    for path in sorted((directory / _PROGRESS_FOLDER).glob("*.tfrecord.json")):
        try:
            report = ShardReport.from_json(path.read_text(encoding="utf-8"))
        except (ValueError, KeyError, TypeError):
            continue  # killed while it was written: the shard is made anew
        reports[report.info.file] = report
    # What is not named like a shard was not written here and is not to be deleted here.
    reports = {file: item for file, item in reports.items() if _SHARD_FILE.fullmatch(file)}
    if overwrite:
        for file in reports:
            (directory / file).unlink(missing_ok=True)
        return {}
    return reports


def _reports_of(info: DatasetInfo) -> dict[str, ShardReport]:
    reports = {}
    for shards in info.splits.values():
        for shard in shards:
            sources = {k: v for k, v in info.sources.items() if v.get("shard") == shard.file}
            left_out = [item for item in info.quarantined if item.get("shard") == shard.file]
            reports[shard.file] = ShardReport(shard, sources, left_out)
    return reports


def _is_intact(directory: pathlib.Path, task: ShardTask, report: ShardReport) -> bool:
    path = directory / task.file
    return (
        report.info.plan == task.plan()
        and path.is_file()
        and path.stat().st_size == report.info.bytes
        and digest(path)[1] == report.info.sha256
    )


def _describe(
    dataset: SourceDataset,
    settings: ConversionSettings,
    directory: pathlib.Path,
    reports: Sequence[ShardReport],
    tasks: Sequence[ShardTask],
) -> DatasetInfo:
    splits: dict[str, tuple] = {}
    for task, report in zip(tasks, reports, strict=True):
        split = task.entries[0].split
        splits[split] = (*splits.get(split, ()), report.info)
    return DatasetInfo(
        directory=directory,
        name=dataset.name,
        class_names=dataset.class_names,
        attribute_names=dataset.attribute_names,
        splits=splits,
        settings=settings.as_json(),
        source=dataset.origin,
        sources={k: v for report in reports for k, v in sorted(report.sources.items())},
        quarantined=tuple(
            sorted(
                (item for report in reports for item in report.quarantined),
                key=lambda item: item["id"],
            )
        ),
        missing=tuple(sorted(dataset.missing)),
        multi_label=dataset.multi_label,
        attribute_groups=dict(dataset.attribute_groups),
    )
