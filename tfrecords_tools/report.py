"""What a conversion did."""

import dataclasses
import json
from typing import Any

from keras_stprivacy.data.manifest import DatasetInfo


@dataclasses.dataclass(frozen=True)
class ConversionReport:
    """What a conversion did.

    Attributes:
        info: the dataset as it is now.
        written_shards: names of the files made in this run.
        kept_shards: names of the files that an earlier run had made.
        notes: what is to be said about the source.
    """

    info: DatasetInfo
    written_shards: tuple[str, ...]
    kept_shards: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """Number of records in all splits."""
        return sum(self.info.num_clips(split) for split in self.info.splits)

    @property
    def frames_without_box(self) -> int | None:
        """Number of frames in which no person was found; None where boxes are not stored."""
        counts = [source.get("frames_without_box") for source in self.info.sources.values()]
        known = [count for count in counts if count is not None]
        return sum(known) if known else None

    def as_dict(self) -> dict[str, Any]:
        """The report as plain values."""
        return {
            "name": self.info.name,
            "directory": str(self.info.directory),
            "classes": len(self.info.class_names),
            "attributes": list(self.info.attribute_names),
            "splits": {
                split: {
                    "records": self.info.num_clips(split),
                    "frames": sum(shard.frames for shard in shards),
                    "bytes": sum(shard.bytes for shard in shards),
                    "unannotated": sum(shard.unannotated for shard in shards),
                    "shards": len(shards),
                }
                for split, shards in sorted(self.info.splits.items())
            },
            "written_shards": list(self.written_shards),
            "kept_shards": list(self.kept_shards),
            "quarantined": list(self.info.quarantined),
            "missing": len(self.info.missing),
            "frames_without_box": self.frames_without_box,
            "notes": list(self.notes),
        }

    def to_json(self) -> str:
        """The report as JSON."""
        return json.dumps(self.as_dict(), indent=1, ensure_ascii=False)

    def __str__(self) -> str:
        lines = [f"{self.info.name} in {self.info.directory}: {self.records} records"]
        for split, content in self.as_dict()["splits"].items():
            lines.append(
                f"  {split}: {content['records']} records, {content['frames']} frames, "
                f"{content['bytes'] / 1e6:.1f} MB in {content['shards']} shards"
            )
        if self.frames_without_box is not None:
            frames = sum(s.frames for shards in self.info.splits.values() for s in shards)
            lines.append(f"  no person box in {self.frames_without_box} of {frames} frames")
        if self.info.missing:
            lines.append(f"  missing: {len(self.info.missing)} videos that the lists name")
        if self.info.quarantined:
            lines.append(f"  quarantined: {len(self.info.quarantined)} videos")
            lines += [f"    {item['path']}: {item['reason']}" for item in self.info.quarantined]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])
