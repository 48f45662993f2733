"""Frames of a video file with their exact times, at the size that a model needs."""

import math
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np

from keras_stprivacy.data.decode import VideoReader
from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.errors import VideoDecodeError

# Frames are let go as soon as they are written, so a long file is no danger; a huge frame is.
_LIMITS = DecodeLimits(max_bytes=sys.maxsize, max_frames=sys.maxsize, max_seconds=float("inf"))
_FINEST = 10_000_000  # ticks a second


@dataclass(frozen=True)
class Frame:
    """A decoded frame: `pixels` uint8 `(H, W, 3)`; `time` and `duration` in seconds."""

    pixels: np.ndarray
    time: Fraction
    duration: Fraction


class FrameReader(VideoReader):
    """Decodes a file of any length frame by frame, upright, each resized as a whole to one size.

    Times start at 0 and keep their distances. Where a file breaks off it is an error.

    Args:
        path: of the video file.
        height: of the frames that come out, in pixels.
        width: of the frames that come out, in pixels.
        allow_truncated: whether a file that breaks off is read up to there, without an error.

    Raises:
        VideoDecodeError: if the file is no video, or has no picture in it.
        VideoLimitError: if its frames are too large.
    """

    def __init__(
        self, path: str | os.PathLike, height: int, width: int, allow_truncated: bool = False
    ) -> None:
        super().__init__(path, limits=_LIMITS)
        self.height, self.width = height, width
        self.allow_truncated = allow_truncated
        self.num_frames = 0  # decoded so far
        self.displayed_size = (0, 0)  # (H, W), known from the first frame on

    def __enter__(self) -> "FrameReader":
        return self

    @property
    def audio_stream(self) -> Any:
        """The best sound stream, or None."""
        return self.container.streams.best("audio")

    @property
    def time_base(self) -> Fraction:
        """A tick that the file's own times and its frame rate are both whole multiples of."""
        tick = self.stream.time_base or 1 / self.exact_frame_rate
        ticks = math.lcm(tick.denominator, self.exact_frame_rate.numerator)
        return Fraction(1, ticks) if ticks <= _FINEST else tick

    def frames(self, on_audio: Callable[[Any, Fraction], None] | None = None) -> Iterator[Frame]:
        """Decodes every frame of the file, once.

        Args:
            on_audio: called with every packet of `audio_stream`, and the time in the file, in
                seconds, that is the frames' time 0; None: sound is not read.

        Yields:
            The frames in the order of display.

        Raises:
            VideoDecodeError: if decoding fails, or the file ends before it should. Says after
                which frame.
        """
        waiting: list[Any] = []  # sound from before the first frame

        def keep(packet: Any) -> None:
            if packet.dts is not None:
                waiting.append(packet)

        def hand_over() -> None:
            while waiting and on_audio is not None and self.start is not None:
                on_audio(waiting.pop(0), self.start)

        end = Fraction(0)
        try:
            for frame in self.decode(self.audio_stream if on_audio else None, keep):
                end = frame.time + frame.duration
                if self.num_frames == 0:
                    self.displayed_size = self.upright_size(frame.picture)
                pixels = self.upright(frame.picture, self.height, self.width)
                self.num_frames += 1
                hand_over()
                yield Frame(pixels, frame.time, frame.duration)
        except VideoDecodeError as error:
            if not isinstance(error.__cause__, av.FFmpegError):
                raise
            self._broke_off(f"decoding fails: {error.__cause__.strerror}")
        else:
            self._check_end(end)
        hand_over()

    def _check_end(self, end: Fraction) -> None:
        if self.num_frames == 0:
            raise VideoDecodeError(self.path, "no frame decodes")
        if self.is_cut_off:
            self._broke_off("a piece of it is incomplete")
            return
        # Matroska counts from time 0 of the file, others from the first frame.
        start = self.start or Fraction(0)
        missing = (self.promised_seconds or 0.0) - float(max(end, start + end))
        if missing > max(0.5, 2.0 / float(self.exact_frame_rate)):
            self._broke_off(
                f"it promises {self.promised_seconds:.2f} s and ends at {float(start + end):.2f} s"
            )

    def _broke_off(self, reason: str) -> None:
        if self.allow_truncated and self.num_frames:
            return
        raise VideoDecodeError(
            self.path,
            f"it breaks off after frame {self.num_frames}: {reason}. Repair the file, or take "
            "what is there with allow_truncated=True (--allow-truncated).",
        )
