"""What earlier runs have left, and what of it is still good."""

import dataclasses
import json
import re
from collections.abc import Sequence

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import as_place
from keras_stprivacy.data.errors import DatasetFormatError, EmptyDatasetError, NewerFormatError
from keras_stprivacy.data.manifest import DatasetInfo, parse_info
from tfrecords_tools.shards import PROGRESS_FOLDER, ShardReport, ShardTask
from tfrecords_tools.storage import Storage, write_text

_DATASET_NOTE = f"{PROGRESS_FOLDER}/dataset.txt"
_SHARD_FILE = re.compile(r"[a-z0-9_]+-\d{5,}-of-\d{5,}\.tfrecord")


@dataclasses.dataclass(frozen=True)
class Earlier:
    """What earlier runs have left in a place.

    Attributes:
        reports: what they said of the files that they made: file name → report.
        files: all files that they made, those of no report included.
    """

    reports: dict[str, ShardReport]
    files: tuple[str, ...]


def earlier_runs(
    storage: Storage, place: str, name: str, tasks: Sequence[ShardTask], overwrite: bool
) -> Earlier:
    """What earlier runs have left.

    Raises:
        FileExistsError: if another dataset is there, finished or begun, or a `dataset.json` that
            is none of ours, and `overwrite` is False.
        NewerFormatError: if a later version of the package wrote it, and `overwrite` is False.
    """
    reports = {}
    info = earlier_info(storage, place, overwrite)
    begun = storage.read_text(_DATASET_NOTE) if info is None else info.name
    if begun not in (None, name) and not overwrite:
        raise FileExistsError(
            f"{place} holds the dataset {begun!r}, not {name!r}. Choose another "
            "directory, or overwrite it."
        )
    if info is not None and info.to_json() == storage.read_text(schema.MANIFEST_NAME):
        reports.update(_reports_of(info))  # else it was damaged or edited: all is made anew
    for file in storage.names(PROGRESS_FOLDER):
        if not file.endswith(".tfrecord.json"):
            continue
        text = storage.read_text(f"{PROGRESS_FOLDER}/{file}")
        try:
            report = ShardReport.from_json(text or "")
        except (ValueError, KeyError, TypeError, AttributeError):
            continue  # not written to its end: the shard is made anew
        reports[report.info.file] = report
    if not overwrite:
        _require_same_videos(place, name, reports, tasks)
    # What is not named like a shard was not written here and is not to be deleted here.
    reports = {file: item for file, item in reports.items() if _SHARD_FILE.fullmatch(file)}
    files = set(reports)
    if info is not None or begun is not None:  # then what is named like a shard is one of ours
        files.update(file for file in storage.names("") if _SHARD_FILE.fullmatch(file))
    return Earlier(reports, tuple(sorted(files)))


def _require_same_videos(
    place: str, name: str, reports: dict[str, ShardReport], tasks: Sequence[ShardTask]
) -> None:
    there = {item["id"] for report in reports.values() for item in report.quarantined}
    there.update(video for report in reports.values() for video in report.sources)
    if there and there.isdisjoint(entry.id for task in tasks for entry in task.entries):
        raise FileExistsError(
            f"{place} holds a dataset {name!r} of {len(there)} other videos, such as "
            f"{min(there)!r}; none of them is to be converted now. Choose another directory, or "
            "overwrite it."
        )


def note_dataset(storage: Storage, name: str) -> None:
    """Says until `dataset.json` is written which dataset the files belong to."""
    write_text(storage, _DATASET_NOTE, name)


def forget_notes(storage: Storage) -> None:
    """Removes what was noted until `dataset.json` was written, and nothing else."""
    for file in storage.names(PROGRESS_FOLDER):
        if file.endswith(".tfrecord.json") or f"{PROGRESS_FOLDER}/{file}" == _DATASET_NOTE:
            storage.remove(f"{PROGRESS_FOLDER}/{file}")
    storage.remove(PROGRESS_FOLDER)


def earlier_info(storage: Storage, place: str, overwrite: bool = False) -> DatasetInfo | None:
    """What `dataset.json` says; None where there is none that can be read.

    Raises:
        FileExistsError: if it is a file of something else, and `overwrite` is False.
        NewerFormatError: if a later version of the package wrote it, and `overwrite` is False.
    """
    text = storage.read_text(schema.MANIFEST_NAME)
    if text is None:
        return None
    try:
        return parse_info(text, as_place(place))
    except NewerFormatError:
        if overwrite:
            return None
        raise
    except (DatasetFormatError, EmptyDatasetError):
        if not overwrite and _is_foreign(text):
            raise FileExistsError(
                f"{place} holds a {schema.MANIFEST_NAME} that stprivacy-tfrecords did not write. "
                "Choose another directory, or overwrite it."
            ) from None
        return None  # damaged: made anew


def _is_foreign(text: str) -> bool:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return not isinstance(content, dict) or content.get("format") != schema.FORMAT_NAME


def is_intact(storage: Storage, task: ShardTask, report: ShardReport) -> bool:
    """Whether a shard is what it was, and what would be made now."""
    info = report.info
    return (
        info.plan == task.plan()
        and storage.size(task.file) == info.bytes
        and storage.digest(task.file) == (info.bytes, info.sha256)
    )


def _reports_of(info: DatasetInfo) -> dict[str, ShardReport]:
    reports = {}
    for shards in info.splits.values():
        for shard in shards:
            sources = {k: v for k, v in info.sources.items() if v.get("shard") == shard.file}
            left_out = [item for item in info.quarantined if item.get("shard") == shard.file]
            reports[shard.file] = ShardReport(shard, sources, left_out)
    return reports
