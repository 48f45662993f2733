"""How videos become records."""

import dataclasses
from typing import Any

from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.digests import detector_as_json

_SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")


@dataclasses.dataclass(frozen=True)
class ConversionSettings:
    """How videos become records. Every setting is part of what the output's bytes depend on.

    Args:
        short_side: frames are shrunk to this short side in pixels (never enlarged); None keeps
            their size.
        jpeg_quality: 1 to 100.
        chroma_subsampling: "4:2:0" halves the resolution of the colours; "4:4:4" keeps it.
        fps: None: every frame is stored, at its own time. Else this many a second: for each of the
            instants 0, 1 / fps, ... the frame that is shown then.
        videos_per_shard: a file holds at most this many videos. The default makes files of 100 MB
            and more of action-recognition clips at the default size.
        shard_bytes: None, or instead of `videos_per_shard`: a file is filled until the videos in it
            are this many bytes as they are in the source. (How many they are as records is known
            only after converting them.)
        detector: None, or the folder with the preset of a detector (see
            `keras_stprivacy.detection`): person boxes of every frame are stored.
        person_class: index of persons among the detector's classes; None: as in COCO.
        limits: which videos are too large to decode.
        seconds_per_video: decoding a video may take this long, wall time.

    Raises:
        ValueError: if a setting is outside of what is said above.
    """

    short_side: int | None = 128
    jpeg_quality: int = 90
    chroma_subsampling: str = "4:2:0"
    fps: float | None = None
    videos_per_shard: int = 256
    shard_bytes: int | None = None
    detector: str | None = None
    person_class: int | None = None
    limits: DecodeLimits = dataclasses.field(default_factory=DecodeLimits)
    seconds_per_video: float = 300.0

    def __post_init__(self):
        self._require(self.short_side is None or self.short_side >= 1, "short_side", "at least 1")
        self._require(1 <= self.jpeg_quality <= 100, "jpeg_quality", "in 1..100")
        self._require(
            self.chroma_subsampling in _SUBSAMPLING, "chroma_subsampling", f"one of {_SUBSAMPLING}"
        )
        self._require(
            self.fps is None or 0 < self.fps < float("inf"), "fps", "None or a positive number"
        )
        self._require(self.videos_per_shard >= 1, "videos_per_shard", "at least 1")
        self._require(
            self.shard_bytes is None or self.shard_bytes >= 1, "shard_bytes", "None or at least 1"
        )
        self._require(
            self.person_class is None or (self.detector is not None and self.person_class >= 0),
            "person_class",
            "None, or at least 0 and given with a detector",
        )
        self._require(self.seconds_per_video > 0, "seconds_per_video", "positive")

    def _require(self, good: bool, name: str, needed: str) -> None:
        if not good:
            raise ValueError(f"{name} must be {needed}. Received: {name}={getattr(self, name)!r}")

    def as_json(self) -> dict[str, Any]:
        """The settings as `dataset.json` holds them: the detector by its content, not its place."""
        content = dataclasses.asdict(self)
        person_class = content.pop("person_class")
        if self.detector is not None:
            content["detector"] = detector_as_json(self.detector, person_class)
        return content

    def for_decoder(self) -> dict[str, Any]:
        """What a decoding process must know, as plain values."""
        return {**dataclasses.asdict(self), "detector": None, "person_class": None}


def settings_from(
    settings: ConversionSettings, *, full_size: bool = False, **changes: Any
) -> ConversionSettings:
    """The settings with the changes that are not None; `full_size` keeps the frames' size."""
    chosen = {name: value for name, value in changes.items() if value is not None}
    if full_size:
        chosen["short_side"] = None
    return dataclasses.replace(settings, **chosen)
