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

from keras_stprivacy.data.decode import DecodeLimits, VideoReader
from keras_stprivacy.data.errors import VideoDecodeError

# Frames are let go as soon as they are written, so a long file is no danger; a huge frame is.
_LIMITS = DecodeLimits(max_bytes=sys.maxsize, max_frames=sys.maxsize, max_seconds=float("inf"))
_FINEST = 10_000_000  # ticks a second
_LAST_RESORT_RATE = Fraction(25)


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
        self._is_avi = "avi" in self._container.format.name.split(",")

    def __enter__(self) -> "FrameReader":
        return self

    @property
    def audio_stream(self) -> Any:
        """The best sound stream, or None."""
        return self._container.streams.best("audio")

    @property
    def exact_frame_rate(self) -> Fraction:
        """Frames a second on average, as the file says; 25 where it does not say."""
        return self._stream.average_rate or self._stream.guessed_rate or _LAST_RESORT_RATE

    @property
    def promised_frames(self) -> int | None:
        """How many frames the header promises, or None; for showing progress only."""
        return self._stream.frames or None

    @property
    def time_base(self) -> Fraction:
        """A tick that the file's own times and its frame rate are both whole multiples of."""
        ticks = math.lcm(self._stream.time_base.denominator, self.exact_frame_rate.numerator)
        return Fraction(1, ticks) if ticks <= _FINEST else self._stream.time_base

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
        audio = self.audio_stream if on_audio else None
        streams = [self._stream] if audio is None else [self._stream, audio]
        waiting: list[Any] = []  # sound from before the first frame
        start: Fraction | None = None
        time, end, cut_off = None, Fraction(0), False
        try:
            for packet in self._container.demux(streams):
                if packet.stream is not self._stream:
                    waiting += [packet] if packet.dts is not None else []
                else:
                    cut_off |= packet.is_corrupt
                    for decoded in packet.decode():
                        time = self._instant(decoded, time)
                        start = time if start is None else start
                        duration = self._duration(decoded)
                        end = time + duration
                        pixels = self._pixels(decoded)
                        self.num_frames += 1
                        yield Frame(pixels, time - start, duration)
                if start is not None and on_audio is not None:
                    for waited in waiting:
                        on_audio(waited, start)
                    waiting.clear()
        except av.FFmpegError as error:
            self._broke_off(f"decoding fails: {error.strerror}")
        else:
            self._check_end(cut_off, start or Fraction(0), end)

    def _instant(self, decoded: Any, previous: Fraction | None) -> Fraction:
        step = 1 / self.exact_frame_rate
        # AVI knows the order of decoding only; what FFmpeg makes of it jumps back and forth.
        stamp = decoded.dts if self._is_avi else decoded.pts
        if stamp is None:
            return Fraction(0) if previous is None else previous + step
        tick = self._stream.time_base
        time = stamp * tick
        # Coarse ticks (1 ms in Matroska) round the true times: take them back to the frame rate.
        grid = round(time / step) * step
        if abs(grid - time) < tick:
            time = grid
        if previous is not None and time <= previous:  # damaged files repeat times
            return previous + step
        return time

    def _duration(self, decoded: Any) -> Fraction:
        step = 1 / self.exact_frame_rate
        duration = (decoded.duration or 0) * self._stream.time_base
        return step if abs(duration - step) < self._stream.time_base else duration

    def _pixels(self, decoded: Any) -> np.ndarray:
        self._check_pixels(decoded.width, decoded.height)
        turns = self._quarter_turns(decoded)
        if self.num_frames == 0:
            self.displayed_size = self._target_size(decoded, turns)
        height, width = (self.width, self.height) if turns % 2 else (self.height, self.width)
        resized = decoded.reformat(width, height, "rgb24", interpolation="BICUBIC")
        return np.ascontiguousarray(np.rot90(resized.to_ndarray(), turns))

    def _check_end(self, cut_off: bool, start: Fraction, end: Fraction) -> None:
        if self.num_frames == 0:
            raise VideoDecodeError(self.path, "no frame decodes")
        if cut_off:
            self._broke_off("a piece of it is incomplete")
            return
        promised = self._promised_seconds()
        # Matroska counts from time 0 of the file, others from the first frame.
        missing = (promised or 0.0) - float(max(end, end - start))
        if missing > max(0.5, 2.0 / float(self.exact_frame_rate)):
            self._broke_off(f"it promises {promised:.2f} s and ends at {float(end):.2f} s")

    def _promised_seconds(self) -> float | None:
        if self._is_avi:  # FFmpeg's duration is a guess there
            frames = self._stream.frames
            return frames / float(self.exact_frame_rate) if frames else None
        return self._expected_seconds()

    def _broke_off(self, reason: str) -> None:
        if self.allow_truncated and self.num_frames:
            return
        raise VideoDecodeError(
            self.path,
            f"it breaks off after frame {self.num_frames}: {reason}. Repair the file, or take "
            "what is there with allow_truncated=True (--allow-truncated).",
        )
