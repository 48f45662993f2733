"""What a conversion would make, found out without decoding or writing anything."""

import dataclasses
import json
import os
from typing import Any

from tfrecords_tools.make_shard import path_inside
from tfrecords_tools.planning import plan_shards
from tfrecords_tools.resume import earlier_runs
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.shards import ShardReport, ShardTask, source_bytes, text_of
from tfrecords_tools.source import SourceDataset, SourceEntry
from tfrecords_tools.storage import open_storage


@dataclasses.dataclass(frozen=True)
class PlannedShard:
    """A file that a conversion would make or keep.

    Attributes:
        file: its name.
        split: that its videos belong to.
        videos: how many.
        source_bytes: size of what it would be made from.
        finished: whether an earlier run has made it.
    """

    file: str
    split: str
    videos: int
    source_bytes: int
    finished: bool


@dataclasses.dataclass(frozen=True)
class ConversionPlan:
    """What a conversion would make.

    Attributes:
        name: of the dataset.
        directory: where it would be.
        class_names: the actions.
        attribute_names: the private attributes.
        shards: the files.
        problems: videos that cannot become a record, each with `id`, `path`, `split` and `reason`,
            as far as that can be seen without decoding.
        missing: ids that the lists name and that have no video.
        notes: what is to be said about the source.
    """

    name: str
    directory: str
    class_names: tuple[str, ...]
    attribute_names: tuple[str, ...]
    shards: tuple[PlannedShard, ...]
    problems: tuple[dict[str, Any], ...]
    missing: tuple[str, ...]
    notes: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The plan as plain values."""
        splits: dict[str, dict[str, int]] = {}
        for shard in self.shards:
            counts = splits.setdefault(shard.split, {"videos": 0, "source_bytes": 0, "shards": 0})
            counts["videos"] += shard.videos
            counts["source_bytes"] += shard.source_bytes
            counts["shards"] += 1
        return {
            "name": self.name,
            "directory": self.directory,
            "classes": len(self.class_names),
            "attributes": list(self.attribute_names),
            "splits": splits,
            "shards": [dataclasses.asdict(shard) for shard in self.shards],
            "problems": list(self.problems),
            "missing": len(self.missing),
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """The plan as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        content = self.as_dict()
        lines = [f"{self.name} would be made in {self.directory}:"]
        for split, counts in content["splits"].items():
            finished = sum(shard.finished for shard in self.shards if shard.split == split)
            lines.append(
                f"  {split}: {counts['videos']} videos, {counts['source_bytes'] / 1e6:.1f} MB, "
                f"in {counts['shards']} shards, {finished} of them finished"
            )
        if self.missing:
            lines.append(f"  missing: {len(self.missing)} videos that the lists name")
        if self.problems:
            lines.append(f"  problems: {len(self.problems)} videos")
            lines += [f"    {item['path']}: {item['reason']}" for item in self.problems]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])


def dry_run(
    dataset: SourceDataset,
    out_dir: str | os.PathLike,
    settings: ConversionSettings | None = None,
    *,
    overwrite: bool = False,
) -> ConversionPlan:
    """Says what `convert` would make, and writes nothing.

    Args:
        dataset: what to convert.
        out_dir: where to put it.
        settings: how videos are stored; None: as the dataset suggests.
        overwrite: as for `convert`.

    Raises:
        EmptyDatasetError, LabelError, ValueError, FileExistsError: as `convert`.
    """
    settings = settings or dataset.settings
    place = os.fspath(out_dir)
    tasks = plan_shards(dataset, settings)
    storage = open_storage(place)
    earlier: dict[str, ShardReport] = {}
    if not overwrite:
        earlier = earlier_runs(storage, place, dataset.name, tasks, overwrite).reports

    def is_finished(task: ShardTask) -> bool:
        report = earlier.get(task.file)
        if report is None or report.info.plan != task.plan():
            return False
        return storage.size(task.file) == report.info.bytes

    shards, problems = [], []
    for task in tasks:
        sizes = [source_bytes(task.root, entry) or 0 for entry in task.entries]
        shards.append(
            PlannedShard(task.file, task.split, len(sizes), sum(sizes), is_finished(task))
        )
        for entry in task.entries:
            reason = _trouble(task, entry)
            if reason is not None:
                path = entry.id if entry.file is None else text_of(entry.file)
                problems.append(
                    {"id": entry.id, "path": path, "split": entry.split, "reason": reason}
                )
    return ConversionPlan(
        dataset.name,
        place,
        dataset.class_names,
        dataset.attribute_names,
        tuple(shards),
        tuple(sorted(problems, key=lambda item: item["id"])),
        tuple(sorted(dataset.missing)),
        dataset.notes,
    )


def _trouble(task: ShardTask, entry: SourceEntry) -> str | None:
    if entry.file is None:
        return None
    path = path_inside(task.root, entry.file)
    if path is None:
        return "the path leads out of the source's folder"
    size = source_bytes(task.root, entry)
    if size is None:
        return "not there, or not a regular file"
    if size == 0:
        return "the file is empty (zero bytes)"
    if size > task.settings.limits.max_bytes:
        return f"{size} bytes, the limit is {task.settings.limits.max_bytes}"
    return None if os.access(path, os.R_OK) else "must not be read: permission denied"
