"""Opens a video file and nothing else, whatever it refers to."""

import os
import pathlib
import stat

import av

from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.errors import VideoDecodeError, VideoLimitError

# What PyAV raises where a file is not what it should be.
DECODER_ERRORS = (av.FFmpegError, ValueError, MemoryError)

# Demuxers of ordinary video files. Those left out open further files or addresses (playlists),
# or make video of anything (text, raw data).
_CONTAINERS = "avi,mov,matroska,webm,mpeg,mpegts,mpegvideo,flv,asf,ogg,gif,m4v,h264,hevc"


def open_video(
    path: pathlib.Path, limits: DecodeLimits
) -> tuple[av.container.InputContainer, av.VideoStream]:
    """Opens a file as a video.

    Args:
        path: the file.
        limits: what is too large to decode.

    Returns:
        The open container, which the caller closes, and its first stream of moving pictures.

    Raises:
        VideoDecodeError: if it is no video that can be read.
        VideoLimitError: if the file or its pictures are too large.
    """
    _check_file(path, limits)
    try:
        # The whole path with a leading slash, so that no name can be taken for a protocol.
        container = av.open(
            os.path.abspath(path),
            metadata_errors="replace",
            container_options={"protocol_whitelist": "file", "format_whitelist": _CONTAINERS},
        )
    except DECODER_ERRORS as error:
        reason = f"not a video that can be read: {words_of(error)}"
        if isinstance(error, av.ArgumentError):
            reason = "not in one of the containers that are read (AVI, MP4, MKV, WebM, ...)"
        raise VideoDecodeError(path, reason) from error
    try:
        return container, _video_stream(path, container, limits)
    except BaseException:
        container.close()
        raise


def check_pixels(path: pathlib.Path, limits: DecodeLimits, width: int, height: int) -> None:
    """Raises VideoLimitError where a picture is too large."""
    if width * height > limits.max_pixels:
        raise VideoLimitError(path, f"{width}x{height} pixels, the limit is {limits.max_pixels}")


def words_of(error: BaseException) -> str:
    """What the error says, without the path, which may be long or private."""
    if isinstance(error, av.FFmpegError) and error.strerror:
        return error.strerror
    return f"{type(error).__name__}: {error}"


def _check_file(path: pathlib.Path, limits: DecodeLimits) -> None:
    try:
        status = os.stat(path)
    except OSError as error:
        raise VideoDecodeError(path, f"cannot be opened: {error.strerror}") from error
    except ValueError as error:  # a null character
        raise VideoDecodeError(path, f"cannot be opened: {error}") from error
    if not stat.S_ISREG(status.st_mode):
        raise VideoDecodeError(path, "not a regular file")
    if status.st_size == 0:
        raise VideoDecodeError(path, "the file is empty (zero bytes)")
    if status.st_size > limits.max_bytes:
        raise VideoLimitError(path, f"{status.st_size} bytes, the limit is {limits.max_bytes}")


def _video_stream(
    path: pathlib.Path, container: av.container.InputContainer, limits: DecodeLimits
) -> av.VideoStream:
    cover = av.stream.Disposition.attached_pic
    streams = [s for s in container.streams.video if not s.disposition & cover]
    if not streams:
        kinds = sorted({stream.type for stream in container.streams})
        raise VideoDecodeError(path, f"no video stream, only {', '.join(kinds) or 'nothing'}")
    context = streams[0].codec_context
    if context is None:
        raise VideoDecodeError(path, "there is no decoder for its video stream")
    check_pixels(path, limits, context.width, context.height)
    # One thread: conversions run several processes, and small frames gain nothing from more.
    context.thread_count = 1
    context.thread_type = "NONE"
    return streams[0]
