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
from tfrecords_tools.resume import earlier_runs, forget_notes, is_intact, note_dataset
from tfrecords_tools.runners import LocalRunner, Runner
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardReport, ShardTask, note_of
from tfrecords_tools.source import SourceDataset
from tfrecords_tools.storage import Storage, open_storage, write_text


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
        FileExistsError: if `out_dir` holds another dataset, or a `dataset.json` of something else,
            and `overwrite` is False; or if another conversion is writing there.
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
    with storage.alone():
        conversion = _Conversion(dataset, settings, place, storage, tasks, max_errors, on_progress)
        return conversion.run(runner, overwrite)


class _Conversion:
    """A conversion into a place where no other one writes."""

    def __init__(
        self,
        dataset: SourceDataset,
        settings: ConversionSettings,
        place: str,
        storage: Storage,
        tasks: Sequence[ShardTask],
        max_errors: int | None,
        on_progress: Callable[[Progress], None] | None,
    ):
        self.dataset = dataset
        self.settings = settings
        self.place = place
        self.storage = storage
        self.tasks = tasks
        self.max_errors = max_errors
        self.on_progress = on_progress
        self.total = sum(len(task.entries) for task in tasks)
        self.done = self.quarantined = 0

    def run(self, runner: Runner, overwrite: bool) -> ConversionReport:
        storage, name = self.storage, self.dataset.name
        earlier = earlier_runs(storage, self.place, name, self.tasks, overwrite)
        storage.clear()
        reports: dict[str, ShardReport] = {}
        for task in self.tasks:
            report = earlier.reports.get(task.file)
            if report is not None and not overwrite and is_intact(storage, task, report):
                reports[task.file] = report
                self.done += len(task.entries)
                self.quarantined += len(report.quarantined)
        kept = tuple(reports)
        remaining = [task for task in self.tasks if task.file not in reports]
        self._check_errors()
        if remaining:
            runner.check(self.settings)

        note_dataset(storage, name)
        for report in reports.values():
            write_text(storage, note_of(report.info.file), report.to_json())
        # From here on the old description may be wrong.
        storage.remove(schema.MANIFEST_NAME)
        for file in sorted(set(earlier.files) - set(kept)):
            storage.remove(file)
            storage.remove(note_of(file))

        made = runner.run(remaining, self.place, self.settings, self._on_video)
        reports.update((report.info.file, report) for report in made)
        in_order = [reports[task.file] for task in self.tasks]
        info = _describe(self.dataset, self.settings, self.place, in_order, self.tasks)
        write_text(storage, schema.MANIFEST_NAME, info.to_json())
        forget_notes(storage)
        written = tuple(task.file for task in remaining)
        return ConversionReport(info, written, kept, self.dataset.notes)

    def _on_video(self, task: ShardTask, good: bool) -> None:
        self.done += 1
        self.quarantined += not good
        if self.on_progress is not None:
            self.on_progress(Progress(self.done, self.total, self.quarantined, task.file))
        self._check_errors()

    def _check_errors(self) -> None:
        if self.max_errors is not None and self.quarantined > self.max_errors:
            raise TooManyQuarantinedError(
                f"{self.quarantined} of {self.done} videos were quarantined so far, more than "
                f"max_errors={self.max_errors}. Finished files are kept in {self.place}."
            )


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
