"""Video files → frames, with PyAV: upright, with square pixels, within limits."""

import dataclasses
import fractions
import os
import pathlib
import stat
from collections.abc import Iterator
from types import TracebackType

import av
import numpy as np

from keras_stprivacy.data.errors import VideoDecodeError, VideoLimitError

# Demuxers of ordinary video files. Those left out open further files or addresses (playlists),
# or make video of anything (text, raw data).
_CONTAINERS = "avi,mov,matroska,webm,mpeg,mpegts,mpegvideo,flv,asf,ogg,gif,m4v,h264,hevc"
_MICROSECONDS = 1_000_000
# Some headers promise a frame or a few more than there are; less than this share is a truncation.
_LEAST_SHARE = 0.9


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


class VideoReader:
    """Reads the frames of a video file, upright and with square pixels.

    Rotation and pixel aspect are applied, 10-bit video and gray become 8-bit RGB, broken metadata
    is ignored. Only the named file is opened, never another one or an address that it refers to.
    Frames are decoded as they are asked for.

    Args:
        path: the file.
        short_side: shrink frames to this short side in pixels; frames that are smaller stay as they
            are. None: the size as displayed.
        limits: what is too large to decode.

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
    ):
        if short_side is not None and short_side < 1:
            raise ValueError(f"short_side must be at least 1. Received: short_side={short_side}")
        self.path = pathlib.Path(path)
        self.short_side = short_side
        self.limits = limits or DecodeLimits()
        self._check_file()
        # The whole path with a leading slash, so that no name can be taken for a protocol.
        self._container = self._guard(
            av.open,
            os.path.abspath(self.path),
            metadata_errors="replace",
            container_options={"protocol_whitelist": "file", "format_whitelist": _CONTAINERS},
        )
        try:
            self._open_stream()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Closes the file."""
        self._container.close()

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
        """Frames per second: the average where the file says it, else the container's guess."""
        rate = self._stream.average_rate or self._stream.guessed_rate
        return float(rate) if rate else 0.0

    def __iter__(self) -> Iterator[tuple[np.ndarray, int]]:
        """Yields every frame as uint8 (H, W, 3) RGB, and its time in µs from the first one."""
        count, first, last = 0, None, fractions.Fraction(0)
        target = None
        frames = self._container.decode(self._stream)
        while True:
            try:
                frame = next(frames)
            except StopIteration:
                break
            except (av.FFmpegError, ValueError, MemoryError) as error:
                promised = f" of {self._stream.frames}" if self._stream.frames else ""
                raise VideoDecodeError(
                    self.path, f"{count}{promised} frames decode, then: {_words(error)}"
                ) from error
            count += 1
            if count > self.limits.max_frames:
                raise VideoLimitError(self.path, f"more than {self.limits.max_frames} frames")
            self._check_pixels(frame.width, frame.height)
            time = self._time(frame, count - 1)
            first = time if first is None else first
            last = time - first
            if last > self.limits.max_seconds:
                raise VideoLimitError(self.path, f"longer than {self.limits.max_seconds} s")
            quarter_turns = self._quarter_turns(frame)
            if target is None:
                target = self._target_size(frame, quarter_turns)
            height, width = target if quarter_turns % 2 == 0 else target[::-1]
            image = self._guard(
                frame.reformat, width, height, format="rgb24", interpolation="BICUBIC"
            ).to_ndarray()
            yield np.ascontiguousarray(np.rot90(image, quarter_turns)), round(last * _MICROSECONDS)
        self._check_complete(count, float(last))

    def _guard(self, function, *args, **kwargs):
        try:
            return function(*args, **kwargs)
        except (av.FFmpegError, ValueError, MemoryError) as error:
            if isinstance(error, av.ArgumentError) and function is av.open:
                reason = "not in one of the containers that are read (AVI, MP4, MKV, WebM, ...)"
            else:
                reason = f"not a video that can be read: {_words(error)}"
            raise VideoDecodeError(self.path, reason) from error

    def _check_file(self) -> None:
        try:
            status = os.stat(self.path)
        except OSError as error:
            raise VideoDecodeError(self.path, f"cannot be opened: {error.strerror}") from error
        if not stat.S_ISREG(status.st_mode):
            raise VideoDecodeError(self.path, "not a regular file")
        if status.st_size == 0:
            raise VideoDecodeError(self.path, "the file is empty (zero bytes)")
        if status.st_size > self.limits.max_bytes:
            raise VideoLimitError(
                self.path, f"{status.st_size} bytes, the limit is {self.limits.max_bytes}"
            )

    def _open_stream(self) -> None:
        cover = av.stream.Disposition.attached_pic
        streams = [s for s in self._container.streams.video if not s.disposition & cover]
        if not streams:
            kinds = sorted({stream.type for stream in self._container.streams})
            raise VideoDecodeError(
                self.path, f"no video stream, only {', '.join(kinds) or 'nothing'}"
            )
        self._stream = streams[0]
        if self._stream.codec_context is None:
            raise VideoDecodeError(self.path, "there is no decoder for its video stream")
        self._check_pixels(self._stream.codec_context.width, self._stream.codec_context.height)

    def _check_pixels(self, width: int, height: int) -> None:
        if width * height > self.limits.max_pixels:
            raise VideoLimitError(
                self.path, f"{width}x{height} pixels, the limit is {self.limits.max_pixels}"
            )

    def _time(self, frame: av.VideoFrame, index: int) -> fractions.Fraction:
        if frame.pts is None or frame.time_base is None:
            rate = self._stream.average_rate or self._stream.guessed_rate
            return fractions.Fraction(index) / rate if rate else fractions.Fraction(0)
        return frame.pts * frame.time_base

    def _quarter_turns(self, frame: av.VideoFrame) -> int:
        """Counter-clockwise quarter turns that make the frame upright."""
        turns, rest = divmod(frame.rotation, 90)
        if rest:
            raise VideoDecodeError(
                self.path, f"rotated by {frame.rotation} degrees, not a multiple of 90"
            )
        return turns % 4

    def _target_size(self, frame: av.VideoFrame, quarter_turns: int) -> tuple[int, int]:
        """Height and width of what is delivered, from the first frame."""
        aspect = self._stream.sample_aspect_ratio
        width = frame.width * float(aspect) if aspect else float(frame.width)
        height = float(frame.height)
        if quarter_turns % 2:
            height, width = width, height
        scale = 1.0
        if self.short_side is not None:
            scale = min(1.0, self.short_side / min(height, width))
        height, width = max(1, round(height * scale)), max(1, round(width * scale))
        self._check_pixels(width, height)
        return height, width

    def _check_complete(self, count: int, last: float) -> None:
        if count == 0:
            raise VideoDecodeError(self.path, "no frame decodes")
        promised = self._stream.frames
        if promised:
            if count + 1 < _LEAST_SHARE * promised:
                raise VideoDecodeError(self.path, f"truncated: {count} of {promised} frames decode")
            return
        expected = self._expected_seconds()
        frame_duration = 1 / self.frame_rate if self.frame_rate else 0.0
        if expected and last + 2 * frame_duration < _LEAST_SHARE * expected:
            raise VideoDecodeError(
                self.path, f"truncated: {last:.2f} of {expected:.2f} seconds decode"
            )

    def _expected_seconds(self) -> float | None:
        stream = self._stream
        if stream.duration and stream.time_base:
            return float(stream.duration * stream.time_base)
        parts = stream.metadata.get("DURATION", "").split(":")  # Matroska: 00:00:02.966000000
        if len(parts) == 3:
            try:
                hours, minutes, seconds = (float(part) for part in parts)
            except ValueError:
                return None
            return hours * 3600 + minutes * 60 + seconds
        if len(self._container.streams) == 1 and self._container.duration:
            return self._container.duration / av.time_base
        return None


def _words(error: BaseException) -> str:
    """What the error says, without the path, which may be long or private."""
    if isinstance(error, av.FFmpegError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"


def decode_video(
    path: str | os.PathLike, short_side: int | None = None, limits: DecodeLimits | None = None
) -> tuple[np.ndarray, np.ndarray, float]:
    """All frames of a video file at once.

    Args:
        path: the file.
        short_side: shrink frames to this short side in pixels; None: the size as displayed.
        limits: what is too large to decode.

    Returns:
        Frames uint8 (F, H, W, 3), upright and with square pixels; their times int64 (F,) in µs from
        the first one; and the frame rate in frames per second.

    Raises:
        VideoDecodeError: if the file is not a video that can be decoded to its end.
        VideoLimitError: if it is beyond the limits.
    """
    with VideoReader(path, short_side, limits) as video:
        images, times = zip(*video, strict=True)
        return np.stack(images), np.array(times, "int64"), video.frame_rate
