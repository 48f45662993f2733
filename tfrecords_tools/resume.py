"""What earlier runs have left, and what of it is still good."""

import re

from keras_stprivacy.data import schema
from keras_stprivacy.data.address import as_place
from keras_stprivacy.data.errors import DatasetFormatError, EmptyDatasetError, NewerFormatError
from keras_stprivacy.data.manifest import DatasetInfo, parse_info
from tfrecords_tools.shards import PROGRESS_FOLDER, ShardReport, ShardTask
from tfrecords_tools.storage import Storage, write_text

_DATASET_NOTE = f"{PROGRESS_FOLDER}/dataset.txt"
_SHARD_FILE = re.compile(r"[a-z0-9_]+-\d{5,}-of-\d{5,}\.tfrecord")


def earlier_reports(
    storage: Storage, place: str, name: str, overwrite: bool
) -> dict[str, ShardReport]:
    """What earlier runs have said of the files that they made: file name → report.

    Raises:
        FileExistsError: if another dataset is there, finished or begun, and `overwrite` is False.
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
    # What is not named like a shard was not written here and is not to be deleted here.
    return {file: item for file, item in reports.items() if _SHARD_FILE.fullmatch(file)}


def note_dataset(storage: Storage, name: str) -> None:
    """Says until `dataset.json` is written which dataset the files belong to."""
    write_text(storage, _DATASET_NOTE, name)


def earlier_info(storage: Storage, place: str, overwrite: bool = False) -> DatasetInfo | None:
    """What `dataset.json` says; None where there is none that can be read.

    Raises:
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
        return None  # damaged: made anew


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
