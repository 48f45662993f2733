"""Whether splits share what they must not share."""

import collections
import dataclasses
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

from keras_stprivacy.data.manifest import DatasetInfo, dataset_info
from tfrecords_tools.datasets import adapters
from tfrecords_tools.stored import stored_records

_SHOWN = 10


@dataclasses.dataclass(frozen=True)
class Leak:
    """Videos of several splits that should be in one.

    Attributes:
        kind: "id": the same video; "content": the same file under two names; "group": cut from the
            same video.
        what: the id, hash or group that they share.
        ids: split → ids.
    """

    kind: str
    what: str
    ids: dict[str, tuple[str, ...]]

    def __str__(self) -> str:
        places = (f"{split}: {_listed(ids)}" for split, ids in self.ids.items())
        return f"same {self.kind} {self.what}: {'; '.join(places)}"


@dataclasses.dataclass(frozen=True)
class SplitsReport:
    """What the splits of a dataset share.

    Attributes:
        info: the dataset.
        videos: split → number of videos.
        groups: split → number of groups; empty where none are known.
        group_rule: how groups were found.
        leaks: what several splits share.
        doubles: number of videos that are the same file as another one of their split.
    """

    info: DatasetInfo
    videos: dict[str, int]
    groups: dict[str, int]
    group_rule: str
    leaks: tuple[Leak, ...]
    doubles: int

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "name": self.info.name,
            "directory": str(self.info.directory),
            "videos": self.videos,
            "groups": self.groups,
            "group_rule": self.group_rule,
            "doubles_within_splits": self.doubles,
            "leaks": [dataclasses.asdict(leak) for leak in self.leaks],
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [f"{self.info.name} in {self.info.directory}"]
        for split, count in self.videos.items():
            groups = f", {self.groups[split]} groups" if split in self.groups else ""
            lines.append(f"  {split}: {count} videos{groups}")
        lines.append(f"  groups: {self.group_rule}")
        if self.doubles:
            lines.append(f"  {self.doubles} videos are the same file as another one of their split")
        kinds = collections.Counter(leak.kind for leak in self.leaks)
        for kind in ("id", "content", "group"):
            lines.append(f"  shared by splits, same {kind}: {kinds[kind]}")
            shown = [leak for leak in self.leaks if leak.kind == kind]
            lines += [f"    {leak}" for leak in shown[:_SHOWN]]
            if len(shown) > _SHOWN:
                lines.append(f"    and {len(shown) - _SHOWN} more: see --json")
        return "\n".join(lines)


def splits(source: str | os.PathLike, group: str | None = None) -> SplitsReport:
    """Looks for videos that several splits of a dataset share: by id, by content, by group.

    Args:
        source: a directory that holds `dataset.json`, or a name as `dataset_info` takes it.
        group: a regular expression that finds in an id what its clip was cut from: its first
            group in brackets, or all of it. By default the dataset's own rule, where it has one
            (UCF101: class and g01..g25; HMDB51: class and what stands before it; CelebV-HQ and HVU:
            the YouTube id; tables: the column of source videos).

    Returns:
        A `SplitsReport`; the splits are good if it has no leaks.

    Raises:
        DatasetNotFoundError: if there is no `dataset.json`.
        DatasetFormatError: if it is damaged or of a newer format.
        EmptyDatasetError: if it lists no splits.
        ShardError: if a shard is missing or damaged.
        ValueError: if `group` is no regular expression.
    """
    info = dataset_info(source)
    group_of, rule = _group_rule(info, group)
    ids: dict[str, list[str]] = {}
    for split in sorted(info.splits):
        ids[split] = [record.id for record in stored_records(info, split)]
    # id, hash or group → split → ids
    found: dict[str, dict[str, dict[str, list[str]]]] = {"id": {}, "content": {}, "group": {}}
    for split, names in ids.items():
        for name in names:
            for kind, what in (
                ("id", name),
                ("content", _hash(info, name, split)),
                ("group", group_of(name) if group_of is not None else None),
            ):
                if what is not None:
                    found[kind].setdefault(what, {}).setdefault(split, []).append(name)
    leaks = [
        Leak(kind, what, {split: tuple(names) for split, names in places.items()})
        for kind, items in found.items()
        for what, places in sorted(items.items())
        if len(places) > 1
    ]
    doubles = sum(
        len(names) - 1 for places in found["content"].values() for names in places.values()
    )
    counts = {
        split: sum(split in places for places in found["group"].values())
        for split in ids
        if group_of is not None
    }
    videos = {split: len(names) for split, names in ids.items()}
    return SplitsReport(info, videos, counts, rule, tuple(leaks), doubles)


def _group_rule(
    info: DatasetInfo, pattern: str | None
) -> tuple[Callable[[str], str | None] | None, str]:
    if pattern is not None:
        try:
            compiled = re.compile(pattern)
        except re.error as error:
            raise ValueError(
                f"group must be a regular expression ({error}). Received: {pattern!r}"
            ) from error

        def found(name: str) -> str | None:
            match = compiled.search(name)
            return None if match is None else match[1] if compiled.groups else match[0]

        return found, f"what {pattern!r} finds in an id"
    adapter = adapters().get(str(info.source.get("adapter")))
    if adapter is None or adapter.group_of is None:
        if info.has_source_videos():
            return info.source_video_of, "the source videos that were named when it was converted"
        return None, "none are known for this dataset; say with --group how an id names them"
    text = (adapter.group_of.__doc__ or "").strip()
    return adapter.group_of, text.splitlines()[0] if text else f"the rule of {adapter.name}"


def _hash(info: DatasetInfo, name: str, split: str) -> str | None:
    source: Mapping[str, Any] = info.sources.get(name, {})
    sha256 = source.get("sha256") if isinstance(source, dict) else None
    # An id that stands in two splits has one entry only: its hash is that of the split it names.
    return sha256 if isinstance(sha256, str) and source.get("split") == split else None


def _listed(ids: tuple[str, ...]) -> str:
    return ", ".join(ids[:3]) + (f" and {len(ids) - 3} more" if len(ids) > 3 else "")
