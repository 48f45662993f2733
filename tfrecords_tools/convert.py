"""Datasets → TFRecords."""

import dataclasses
import os
from collections.abc import Callable, Sequence

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import as_place
from keras_stprivacy.data.manifest import DatasetInfo
from tfrecords_tools.cpus import default_workers
from tfrecords_tools.planning import plan_shards
from tfrecords_tools.report import ConversionReport
from tfrecords_tools.resume import earlier_reports, is_intact, note_dataset
from tfrecords_tools.runners import LocalRunner, Runner
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import PROGRESS_FOLDER, ShardReport, ShardTask, note_of
from tfrecords_tools.source import SourceDataset
from tfrecords_tools.storage import open_storage, write_text


class TooManyQuarantinedError(RuntimeError):
    """More videos were quarantined than the caller allows."""


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
    max_errors: int | None = None,
    runner: Runner | None = None,
    on_progress: Callable[[Progress], None] | None = None,
) -> ConversionReport:
    """Turns a dataset into TFRecords and a `dataset.json`.

    A video that does not decode, or crashes the decoder, or takes too long, is left out and listed
    with the reason. The output depends on the dataset and the settings alone: not on the number of
    workers or the runner, nor on whether the conversion was interrupted. Finished files of an
    earlier run are kept if they are undamaged and would be made the same again; what they left out
    is tried again with `overwrite` only.

    Args:
        dataset: what to convert, from one of `tfrecords_tools.datasets`, or a `SourceDataset` of
            one's own.
        out_dir: where to put the files: a folder, or an address (`gs://...`; see
            `tfrecords_tools.remote`).
        settings: how videos are stored; None: as the dataset suggests.
        workers: number of decoding processes; None: one per CPU, 8 at most.
        overwrite: make all files anew, also where another dataset is in the way.
        max_errors: stop when more than this many videos are quarantined; None: never. Files
            finished by then are kept.
        runner: what makes the shards, such as a `tfrecords_tools.beam.BeamRunner`; None: processes
            of this machine, `workers` of them.
        on_progress: called after each video with a `Progress`.

    Returns:
        A `ConversionReport`.

    Raises:
        EmptyDatasetError: if the dataset has no videos.
        LabelError: if a label is outside of the dataset's classes or attributes.
        ValueError: if ids repeat or a split's name cannot be part of a file name.
        FileExistsError: if `out_dir` holds another dataset and `overwrite` is False.
        TooManyQuarantinedError: if more than `max_errors` videos were quarantined.
        OSError: if the output cannot be written.

    Example:

    ```python
    from tfrecords_tools.datasets.folder import folder
    report = convert(folder("videos"), "records")
    ```
    """
    if workers is None:
        workers = default_workers()
    if max_errors is not None and max_errors < 0:
        raise ValueError(f"max_errors must be None or at least 0. Received: {max_errors}")
    if runner is None:
        runner = LocalRunner(workers)
    settings = settings or dataset.settings
    place = os.fspath(out_dir)
    storage = open_storage(place)
    tasks = plan_shards(dataset, settings)

    storage.prepare()
    earlier = earlier_reports(storage, place, dataset.name, overwrite)
    reports: dict[str, ShardReport] = {}
    for task in tasks:
        report = earlier.get(task.file)
        if report is not None and not overwrite and is_intact(storage, task, report):
            reports[task.file] = report
    kept = tuple(reports)
    note_dataset(storage, dataset.name)
    for report in reports.values():
        write_text(storage, note_of(report.info.file), report.to_json())
    # From here on the old description may be wrong.
    storage.remove(schema.MANIFEST_NAME)
    for file in sorted(set(earlier) - set(kept)):
        storage.remove(file)
        storage.remove(note_of(file))

    total = sum(len(task.entries) for task in tasks)
    done = sum(len(task.entries) for task in tasks if task.file in reports)
    quarantined = sum(len(report.quarantined) for report in reports.values())

    def check_errors() -> None:
        if max_errors is not None and quarantined > max_errors:
            raise TooManyQuarantinedError(
                f"{quarantined} of {done} videos were quarantined so far, more than "
                f"max_errors={max_errors}. Finished files are kept in {place}."
            )

    def on_video(task: ShardTask, good: bool) -> None:
        nonlocal done, quarantined
        done += 1
        quarantined += not good
        if on_progress is not None:
            on_progress(Progress(done, total, quarantined, task.file))
        check_errors()

    check_errors()
    remaining = [task for task in tasks if task.file not in reports]
    made = runner.run(remaining, place, settings, on_video)
    reports.update((report.info.file, report) for report in made)

    info = _describe(dataset, settings, place, [reports[task.file] for task in tasks], tasks)
    write_text(storage, schema.MANIFEST_NAME, info.to_json())
    storage.remove(PROGRESS_FOLDER)
    written = tuple(task.file for task in remaining)
    return ConversionReport(info, written, kept, dataset.notes)


def _describe(
    dataset: SourceDataset,
    settings: ConversionSettings,
    place: str,
    reports: Sequence[ShardReport],
    tasks: Sequence[ShardTask],
) -> DatasetInfo:
    splits: dict[str, tuple] = {}
    for task, report in zip(tasks, reports, strict=True):
        splits[task.split] = (*splits.get(task.split, ()), report.info)
    return DatasetInfo(
        directory=as_place(place),
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
