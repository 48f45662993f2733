"""A video file from frames, seen under its name only when it is complete."""

import contextlib
import os
import secrets
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from keras_stprivacy.video.errors import VideoWriteError, import_av
from keras_stprivacy.video.vorbis_headers import without_comments

CODECS = {
    ".mp4": "libx264",
    ".m4v": "libx264",
    ".mov": "libx264",
    ".mkv": "libx264",
    ".webm": "libvpx-vp9",
}
CRF = 18  # of the encoders that have such a quality
_BT601, _LIMITED_RANGE = 5, 1  # as FFmpeg numbers them
_LAYOUTS = {1: "mono", 2: "stereo"}


def check_destination(path: str | os.PathLike, overwrite: bool) -> Path:
    """Checks, before any work is done, that a video can be written to `path`.

    Raises:
        FileExistsError: if the file is there and `overwrite` is False.
        FileNotFoundError: if its folder is not there.
        IsADirectoryError: if it is a folder.
        VideoWriteError: if its ending names no container that is written.
    """
    path = Path(path)
    if path.suffix.lower() not in CODECS:
        raise VideoWriteError(
            f"the ending of {str(path)!r} names no container that can be written. "
            f"Use one of {', '.join(CODECS)}."
        )
    if not path.parent.is_dir():
        raise FileNotFoundError(f"there is no folder {str(path.parent)!r}. Make it first.")
    if path.is_dir():
        raise IsADirectoryError(f"{str(path)!r} is a folder. Name a file in it.")
    if os.path.lexists(path) and not overwrite:
        raise _already_there(path)
    return path


def _already_there(path: Path) -> FileExistsError:
    return FileExistsError(f"{str(path)!r} is already there. Pass overwrite=True (--overwrite).")


class VideoWriter:
    """Writes frames to a hidden file beside `path`, and renames it when all went well.

    Nothing but the frames given (and the sound, if asked for) goes into the file: no metadata,
    chapters, subtitles or attachments.

    Args:
        path: of the video file; the ending chooses the container.
        size: `(H, W)` in pixels; odd numbers are rounded up, since the codecs need even ones.
        frame_rate: nominal frames a second.
        time_base: the tick of the frames' times, in seconds.
        codec: name of an FFmpeg encoder; None: the usual one of the container.
        crf: quality of the encoder, lower is better; None: 18 where it has such a quality.
        audio_stream: a stream whose packets `write_audio` will copy, or None.
        overwrite: whether to replace what is at `path` when the file is complete.

    Raises:
        VideoWriteError: if the codec is unknown, has no `crf` or does not fit the container, if
            the sound does not, or if the file cannot be completed.
        FileExistsError: at the end, if something has appeared at `path` that must stay.
    """

    def __init__(
        self,
        path: Path,
        size: tuple[int, int],
        frame_rate: Fraction,
        time_base: Fraction,
        codec: str | None = None,
        crf: int | None = None,
        audio_stream: Any = None,
        overwrite: bool = False,
    ) -> None:
        self._av = import_av()
        self.path = path
        self.overwrite = overwrite
        self.size = (size[0] + size[0] % 2, size[1] + size[1] % 2)
        self.time_base = time_base
        self.num_frames = 0  # written so far
        self._partial = path.with_name(f".{secrets.token_hex(8)}.partial{path.suffix}")
        self._container = self._av.open(str(self._partial.absolute()), "w")
        try:
            self._stream = self._add_video(codec or CODECS[path.suffix.lower()], frame_rate, crf)
            self._audio = None if audio_stream is None else self._add_audio(audio_stream)
            self._start(codec, crf)
        except BaseException:
            self._discard()
            raise

    def _add_video(self, codec: str, frame_rate: Fraction, crf: int | None) -> Any:
        try:
            kind = self._av.Codec(codec, "w").type
            if kind != "video":
                raise ValueError(f"it is an encoder of {kind}, not of video")
            stream = self._container.add_stream(codec, rate=frame_rate)
        except (self._av.FFmpegError, ValueError) as error:
            raise VideoWriteError(
                f"the codec {codec!r} cannot be written to {self.path.suffix}: {error}"
            ) from error
        stream.height, stream.width = self.size
        stream.pix_fmt = "yuv420p"
        context = stream.codec_context
        context.time_base = self.time_base
        context.max_b_frames = 0  # with them, containers get the length of uneven frame times wrong
        context.colorspace, context.color_range = _BT601, _LIMITED_RANGE
        quality = {"crf": str(CRF if crf is None else crf)}
        stream.options = quality | ({"b": "0"} if codec.startswith("libvpx") else {})
        return stream

    def _start(self, codec: str | None, crf: int | None) -> None:
        try:
            self._container.start_encoding()
        except (self._av.FFmpegError, ValueError) as error:
            raise VideoWriteError(
                f"{self.path.suffix} of {self.size[1]}x{self.size[0]} pixels cannot be written "
                f"with codec={codec!r}, crf={crf}: {error}"
            ) from error
        if crf is not None and "crf" in self._stream.codec_context.options:  # nobody took it
            raise VideoWriteError(
                f"the encoder {codec!r} has no quality crf. Leave it out, or use libx264. "
                f"Received: crf={crf}"
            )

    def _add_audio(self, source: Any) -> Any:
        if source.codec_context is None:
            raise VideoWriteError(
                "the sound of the source cannot be copied: its codec is unknown. Leave it out."
            )
        name = source.codec_context.codec.canonical_name
        layout = _LAYOUTS.get(source.codec_context.channels)
        unknown = source.codec_context.layout.name.endswith("channels")  # as AVI has it
        needed = name.startswith("pcm_") and self.path.suffix.lower() in (".mp4", ".m4v")
        if name not in self._container.supported_codecs or (unknown and needed and layout is None):
            there = self.path.suffix.lower()
            others = " or ".join(ending for ending in (".mkv", ".mov") if ending != there)
            raise VideoWriteError(
                f"the sound of the source ({name}) cannot be copied to {self.path.suffix}. "
                f"Write to {others}, or leave the sound out."
            )
        stream = self._container.add_stream_from_template(source)
        if unknown and needed:
            stream.codec_context.layout = layout
        if name == "vorbis":
            try:
                headers = without_comments(source.codec_context.extradata or b"")
            except ValueError as error:
                raise VideoWriteError(
                    f"the sound of the source (vorbis) cannot be copied: {error} Leave it out."
                ) from error
            stream.codec_context.extradata = headers
        return stream

    def write(self, pixels: np.ndarray, time: Fraction, duration: Fraction) -> None:
        """Adds a frame, resized to the file's size.

        Args:
            pixels: uint8 `(h, w, 3)`.
            time: when it is shown, in seconds.
            duration: how long, in seconds.
        """
        height, width = self.size
        frame = self._av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
        frame = frame.reformat(
            width, height, "yuv420p", dst_colorspace="ITU601", interpolation="BILINEAR"
        )
        frame.time_base = self.time_base
        frame.pts = round(time / self.time_base)
        frame.duration = round(duration / self.time_base)
        self._container.mux(self._stream.encode(frame))
        self.num_frames += 1

    def write_audio(self, packet: Any, start: Fraction) -> None:
        """Copies a packet of sound; `start` is the time in its file that becomes 0, in seconds."""
        shift = round(start / packet.time_base)
        packet.pts = None if packet.pts is None else packet.pts - shift
        packet.dts -= shift
        packet.stream = self._audio
        self._container.mux(packet)

    def _complete(self) -> None:
        """Writes what the encoder still holds, and the end of the file.

        Raises:
            VideoWriteError: if the container does not take them.
        """
        try:
            self._container.mux(self._stream.encode(None))
            self._container.close()
        except self._av.FFmpegError as error:
            if isinstance(error, OSError):  # of the disk
                raise
            raise VideoWriteError(
                f"{self.path} cannot be completed: {error}. Write to .mkv, or leave the sound out."
            ) from error

    def _publish(self) -> None:
        """Gives the complete file its name, once it is on the disk."""
        with self._partial.open("rb") as file:
            os.fsync(file.fileno())
        if not self.overwrite:
            try:
                os.link(self._partial, self.path)  # unlike a renaming, it replaces nothing
            except FileExistsError:
                raise _already_there(self.path) from None
            except OSError:  # the file system has no links
                if os.path.lexists(self.path):
                    raise _already_there(self.path) from None
            else:
                self._partial.unlink()
                return
        os.replace(self._partial, self.path)

    def _discard(self) -> None:
        try:
            with contextlib.suppress(self._av.FFmpegError):  # it is no use any more
                self._container.close()
        finally:
            self._partial.unlink(missing_ok=True)

    def __enter__(self) -> "VideoWriter":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        complete = False
        try:
            if error is None:
                self._complete()
                self._publish()
                complete = True
        finally:
            if not complete:
                self._discard()
