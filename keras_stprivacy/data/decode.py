"""Video files → frames, with PyAV: upright, with square pixels, within limits."""

import math
import os
import pathlib
from collections.abc import Callable, Iterator
from fractions import Fraction
from types import TracebackType

import av
import numpy as np

from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.decoded_frame import DecodedFrame
from keras_stprivacy.data.errors import VideoDecodeError, VideoLimitError
from keras_stprivacy.data.frame_clock import FrameClock
from keras_stprivacy.data.open_video import DECODER_ERRORS, check_pixels, open_video, words_of

_MICROSECONDS = 1_000_000
# Some headers promise a frame or a few more than there are; less than this share is a truncation.
_LEAST_SHARE = 0.9


class VideoReader:
    """Reads the frames of a video file, upright and with square pixels.

    Rotation, mirroring and pixel aspect are applied, 10-bit video and gray become 8-bit RGB, broken
    metadata is ignored. Only the named file is opened, never another one or an address that it
    refers to. Frames are decoded as they are asked for, in this thread alone.

    Args:
        path: the file.
        short_side: shrink frames to this short side in pixels; frames that are smaller stay as they
            are. None: the size as displayed.
        limits: what is too large to decode.
        frame_rate: None: every frame of the file. Else this many frames per second are delivered:
            for each instant 0, 1 / frame_rate, ... the frame that is shown then.

    Raises:
        VideoDecodeError: if the file is not a video that can be decoded to its end.
        VideoLimitError: if it is beyond the limits.

    Example:

    ```python
    with VideoReader("clip.avi", short_side=128) as video:
        for image, timestamp in video:  # uint8 (H, W, 3), µs from the first frame
            ...
    ```
    """

    def __init__(
        self,
        path: str | os.PathLike,
        short_side: int | None = None,
        limits: DecodeLimits | None = None,
        frame_rate: float | None = None,
    ):
        if short_side is not None and short_side < 1:
            raise ValueError(f"short_side must be at least 1. Received: short_side={short_side}")
        if frame_rate is not None and not 0 < frame_rate < float("inf"):
            raise ValueError(
                f"frame_rate must be None or positive. Received: frame_rate={frame_rate}"
            )
        self.path = pathlib.Path(path)
        self.short_side = short_side
        self.limits = limits or DecodeLimits()
        self.resampled_to = frame_rate
        self.start: Fraction | None = None  # time of the first frame in the file, once known
        self.is_cut_off = False  # whether a piece of the file was incomplete, so far
        self.container, self.stream = open_video(self.path, self.limits)
        self._clock = FrameClock(self.container, self.stream)

    def close(self) -> None:
        """Closes the file."""
        self.container.close()

    def __enter__(self) -> "VideoReader":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def frame_rate(self) -> float:
        """Frames per second that are delivered; on average, as the file says it, where it is its
        own rate; 0 where it does not say."""
        rate = self.resampled_to or self.stream.average_rate or self.stream.guessed_rate
        return float(rate) if rate else 0.0

    @property
    def exact_frame_rate(self) -> Fraction:
        """Frames a second of the file on average; 25 where it does not say."""
        return self._clock.rate

    @property
    def promised_frames(self) -> int | None:
        """How many frames the header promises, or None.

        MP4 and MOV count frames that their edit list hides, as those before the cut in what was
        cut out without encoding it again; FFmpeg's index says which are left.
        """
        promised = self.stream.frames
        if promised and "mov" in self.container.format.name.split(","):
            shown = sum(not entry.is_discard for entry in self.stream.index_entries)
            promised = min(promised, shown) if shown else promised
        return promised or None

    @property
    def promised_seconds(self) -> float | None:
        """How long the picture is as the header says, or None."""
        if self._clock.counts_decoding:  # the duration of an AVI is a guess of FFmpeg's
            frames = self.promised_frames
            return None if frames is None else frames / float(self.exact_frame_rate)
        stream = self.stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        parts = stream.metadata.get("DURATION", "").split(":")  # Matroska: 00:00:02.966000000
        if len(parts) == 3:
            try:
                hours, minutes, seconds = (float(part) for part in parts)
            except ValueError:
                return None
            return hours * 3600 + minutes * 60 + seconds
        if len(self.container.streams) == 1 and self.container.duration:
            return self.container.duration / av.time_base
        return None

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yields frames as uint8 (H, W, 3) RGB, and their times in µs from the first one."""
        for image, time, _ in self.images():
            yield image, time

    def images(self) -> Iterator[tuple[np.ndarray, int, int]]:
        """Yields frames, their times in µs from the first one, and their numbers in the file.

        A frame that is shown at several instants of `frame_rate` is the same array each time.
        """
        size, converted, image = None, -1, np.empty(0)
        for number, frame, time in self._chosen():
            if size is None:
                size = self.upright_size(frame.picture)
            if number != converted:
                converted, image = number, self.upright(frame.picture, *size)
            yield image, round(time * _MICROSECONDS), number

    def decode(
        self,
        other: av.stream.Stream | None = None,
        on_packet: Callable[[av.Packet], None] | None = None,
    ) -> Iterator[DecodedFrame]:
        """Decodes every frame of the file, once, in the order of display.

        Args:
            other: another stream of `container`, read at the same time.
            on_packet: called with each packet of `other`.

        Raises:
            VideoDecodeError: if decoding fails; its cause is FFmpeg's error.
            VideoLimitError: if the video is beyond the limits.
        """
        streams = [self.stream] if other is None else [self.stream, other]
        packets = self.container.demux(streams)
        count = 0
        while True:
            try:
                packet = next(packets)
                if packet.stream is not self.stream:
                    if on_packet is not None:
                        on_packet(packet)
                    continue
                self.is_cut_off |= packet.is_corrupt
                pictures = packet.decode()
            except StopIteration:
                return
            except DECODER_ERRORS as error:
                promised = f" of {self.promised_frames}" if self.promised_frames else ""
                raise VideoDecodeError(
                    self.path, f"{count}{promised} frames decode, then: {words_of(error)}"
                ) from error
            for picture in pictures:
                if not isinstance(picture, av.VideoFrame):  # what a stream of pictures never gives
                    continue
                count += 1
                if count > self.limits.max_frames:
                    raise VideoLimitError(self.path, f"more than {self.limits.max_frames} frames")
                check_pixels(self.path, self.limits, picture.width, picture.height)
                time = self._clock.time(picture)
                self.start = time if self.start is None else self.start
                if time - self.start > self.limits.max_seconds:
                    raise VideoLimitError(self.path, f"longer than {self.limits.max_seconds} s")
                yield DecodedFrame(picture, time - self.start, self._clock.duration(picture))

    def upright(self, picture: av.VideoFrame, height: int, width: int) -> np.ndarray:
        """The frame as it is to be shown: uint8 (height, width, 3) RGB, rotated and resized."""
        mirrored, turns = self._orientation(picture)
        across, down = (width, height) if turns % 2 == 0 else (height, width)
        # More threads than one cost many times what they gain on frames of this size.
        try:
            resized = picture.reformat(
                across, down, format="rgb24", interpolation="BICUBIC", threads=1
            )
        except DECODER_ERRORS as error:
            raise VideoDecodeError(
                self.path, f"not a video that can be read: {words_of(error)}"
            ) from error
        image = resized.to_ndarray()
        return np.ascontiguousarray(np.rot90(image[:, ::-1] if mirrored else image, turns))

    def upright_size(self, picture: av.VideoFrame) -> tuple[int, int]:
        """Height and width at which the frame is to be shown, within `short_side`."""
        aspect = self.stream.sample_aspect_ratio
        width = picture.width * float(aspect) if aspect else float(picture.width)
        height = float(picture.height)
        if self._orientation(picture)[1] % 2:
            height, width = width, height
        scale = 1.0
        if self.short_side is not None:
            scale = min(1.0, self.short_side / min(height, width))
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        check_pixels(self.path, self.limits, width, height)
        return height, width

    def _chosen(self) -> Iterator[tuple[int, DecodedFrame, Fraction]]:
        """The frames that are delivered: their numbers in the file, and when."""
        count, shown, last = 0, 0, None
        step = 1 / Fraction(self.resampled_to) if self.resampled_to else None
        for frame in self.decode():
            while step is not None and last is not None and shown * step < frame.time:
                yield count - 1, last, shown * step
                shown = self._one_more(shown)
            if step is None:
                yield count, frame, frame.time
            count += 1
            last = frame
        self._check_complete(count, 0.0 if last is None else float(last.time))
        while step is not None and last is not None and shown * step < last.time + last.duration:
            yield count - 1, last, shown * step
            shown = self._one_more(shown)

    def _one_more(self, shown: int) -> int:
        if shown >= self.limits.max_frames:
            raise VideoLimitError(
                self.path,
                f"more than {self.limits.max_frames} frames at {self.resampled_to:g} a second",
            )
        return shown + 1

    def _orientation(self, frame: av.VideoFrame) -> tuple[bool, int]:
        """What makes the frame upright: whether left and right change places, and the
        counter-clockwise quarter turns after that."""
        rotation, mirrored = frame.rotation, False
        matrix = frame.side_data.get("DISPLAYMATRIX")
        if matrix is not None:
            numbers = np.frombuffer(matrix, "i4")  # type: ignore[call-overload]
            a, b, _, c, d = numbers[:5].tolist()
            mirrored = a * d < b * c
            if mirrored:  # what is left to do after that is a rotation
                rotation = -round(math.degrees(math.atan2(-b, -a)))
        turns, rest = divmod(rotation, 90)
        if rest:
            raise VideoDecodeError(
                self.path, f"rotated by {rotation} degrees, not a multiple of 90"
            )
        return mirrored, turns % 4

    def _check_complete(self, count: int, last: float) -> None:
        if count == 0:
            raise VideoDecodeError(self.path, "no frame decodes")
        promised = self.promised_frames
        if promised:
            if count + 1 < _LEAST_SHARE * promised:
                raise VideoDecodeError(self.path, f"truncated: {count} of {promised} frames decode")
            self._check_whole(count)
            return
        if not self.stream.duration:  # Matroska: counted from time 0 of the file
            last += max(0.0, float(self.start or 0))
        expected = self.promised_seconds
        frame_duration = 1 / self.frame_rate if self.frame_rate else 0.0
        if expected and last + 2 * frame_duration < _LEAST_SHARE * expected:
            raise VideoDecodeError(
                self.path, f"truncated: {last:.2f} of {expected:.2f} seconds decode"
            )
        self._check_whole(count)

    def _check_whole(self, count: int) -> None:
        if self.is_cut_off:
            raise VideoDecodeError(
                self.path, f"truncated: a piece is incomplete; {count} frames decode"
            )


def decode_video(
    path: str | os.PathLike,
    short_side: int | None = None,
    limits: DecodeLimits | None = None,
    frame_rate: float | None = None,
) -> tuple[np.ndarray, np.ndarray, float]:
    """All frames of a video file at once.

    Args:
        path: the file.
        short_side: shrink frames to this short side in pixels; None: the size as displayed.
        limits: what is too large to decode.
        frame_rate: None: every frame; else deliver this many a second.

    Returns:
        Frames uint8 (F, H, W, 3), upright and with square pixels; their times int64 (F,) in µs from
        the first one; and the frame rate in frames per second.

    Raises:
        VideoDecodeError: if the file is not a video that can be decoded to its end.
        VideoLimitError: if it is beyond the limits.
    """
    with VideoReader(path, short_side, limits, frame_rate) as video:
        images, times = zip(*video, strict=True)
        return np.stack(images), np.array(times, "int64"), video.frame_rate
