"""What is known of a shard without opening it."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class ShardInfo:
    """One TFRecord file, as `dataset.json` describes it.

    Attributes:
        file: file name, beside `dataset.json`.
        records: number of records, that is of videos.
        frames: number of frames of all of them.
        unannotated: number of records whose privacy attributes were not annotated.
        bytes: size of the file.
        sha256: of the file.
        plan: SHA-256 of what the shard was made from: settings, videos and labels.
    """

    file: str
    records: int
    frames: int
    unannotated: int
    bytes: int
    sha256: str
    plan: str
