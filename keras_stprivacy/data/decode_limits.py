"""What is too large to decode."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class DecodeLimits:
    """How large a video may be to be decoded.

    Args:
        max_bytes: size of the file.
        max_pixels: height · width of a frame.
        max_frames: number of frames.
        max_seconds: duration.
    """

    max_bytes: int = 4 * 1024**3
    max_pixels: int = 40_000_000
    max_frames: int = 36_000
    max_seconds: float = 1800.0
