"""How videos become records."""

import dataclasses
from typing import Any

from keras_stprivacy.data.decode_limits import DecodeLimits

_SUBSAMPLING = ("4:4:4", "4:2:2", "4:2:0")


@dataclasses.dataclass(frozen=True)
class ConversionSettings:
    """How videos become records. Every setting is part of what the output's bytes depend on.

    Args:
        short_side: frames are shrunk to this short side in pixels (never enlarged); None keeps
            their size.
        jpeg_quality: 1 to 100.
        chroma_subsampling: "4:2:0" halves the resolution of the colours; "4:4:4" keeps it.
        videos_per_shard: a file holds at most this many videos. The default makes files of 100 MB
            and more of action-recognition clips at the default size.
        limits: which videos are too large to decode.
        seconds_per_video: decoding a video may take this long, wall time.

    Raises:
        ValueError: if a setting is outside of what is said above.
    """

    short_side: int | None = 128
    jpeg_quality: int = 90
    chroma_subsampling: str = "4:2:0"
    videos_per_shard: int = 256
    limits: DecodeLimits = dataclasses.field(default_factory=DecodeLimits)
    seconds_per_video: float = 300.0

    def __post_init__(self):
        if self.short_side is not None and self.short_side < 1:
            raise ValueError(
                f"short_side must be None or at least 1. Received: short_side={self.short_side}"
            )
        if not 1 <= self.jpeg_quality <= 100:
            raise ValueError(
                f"jpeg_quality must be in 1..100. Received: jpeg_quality={self.jpeg_quality}"
            )
        if self.chroma_subsampling not in _SUBSAMPLING:
            raise ValueError(
                f"chroma_subsampling must be one of {_SUBSAMPLING}. "
                f"Received: chroma_subsampling={self.chroma_subsampling!r}"
            )
        if self.videos_per_shard < 1:
            raise ValueError(
                "videos_per_shard must be at least 1. "
                f"Received: videos_per_shard={self.videos_per_shard}"
            )
        if not self.seconds_per_video > 0:
            raise ValueError(
                "seconds_per_video must be positive. "
                f"Received: seconds_per_video={self.seconds_per_video}"
            )

    def as_json(self) -> dict[str, Any]:
        """The settings as `dataset.json` holds them."""
        return dataclasses.asdict(self)


def settings_from(
    settings: ConversionSettings, *, full_size: bool = False, **changes: Any
) -> ConversionSettings:
    """The settings with the changes that are not None; `full_size` keeps the frames' size."""
    chosen = {name: value for name, value in changes.items() if value is not None}
    if full_size:
        chosen["short_side"] = None
    return dataclasses.replace(settings, **chosen)
