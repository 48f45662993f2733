"""Frames → JPEGs: what a record holds of a video."""

import dataclasses
import hashlib
import io
import os
from collections.abc import Iterable

import numpy as np
from PIL import Image

from keras_stprivacy.data.decode import VideoReader
from keras_stprivacy.data.digests import digest
from tfrecords_tools.frame_store import FrameStore
from tfrecords_tools.settings import ConversionSettings


@dataclasses.dataclass(frozen=True)
class EncodedClip:
    """The frames of one video, ready to be stored.

    Args:
        frames: one JPEG per frame.
        timestamps: µs from the first frame.
        frame_numbers: which frame of the source each is, from 0.
        height: of the frames in pixels.
        width: of the frames in pixels.
        frame_rate: in frames per second.
        source_bytes: size of what it was made from.
        source_sha256: of what it was made from.
    """

    frames: FrameStore
    timestamps: list[int]
    frame_numbers: list[int]
    height: int
    width: int
    frame_rate: float
    source_bytes: int
    source_sha256: str


def encode_file(
    path: str | os.PathLike, settings: ConversionSettings, store: FrameStore
) -> EncodedClip:
    """Decodes a video file and stores its frames as JPEGs, one at a time in memory.

    Args:
        path: the file.
        settings: how.
        store: where the frames go.

    Raises:
        VideoDecodeError: if the file is not a video that can be decoded to its end, or beyond the
            limits.
        StoreError: if the frames cannot be stored.
    """
    with VideoReader(path, settings.short_side, settings.limits, settings.fps) as video:
        return _encode(video.images(), video.frame_rate, *digest(path), settings, store)


def encode_array(clip: np.ndarray, frame_rate: float, settings: ConversionSettings) -> EncodedClip:
    """Stores the frames of an array as JPEGs, in memory.

    Args:
        clip: uint8 (F, H, W, 3), at least one frame.
        frame_rate: in frames per second.
        settings: how; limits are for files.

    Raises:
        ValueError: if `clip` is not such an array.
    """
    if clip.ndim != 4 or clip.shape[-1] != 3 or clip.dtype != np.uint8 or not clip.size:
        raise ValueError(
            "clip must be uint8 (frames, height, width, 3) with at least one frame. "
            f"Received: {clip.dtype} {clip.shape}"
        )
    numbers = _numbers(len(clip), frame_rate, settings.fps)
    frames = (
        (_shrunk(clip[number], settings.short_side), time, number) for time, number in numbers
    )
    sha256 = hashlib.sha256(np.ascontiguousarray(clip).data).hexdigest()
    rate = settings.fps or frame_rate
    return _encode(frames, rate, clip.nbytes, sha256, settings, FrameStore(io.BytesIO()))


def _numbers(count: int, frame_rate: float, fps: float | None) -> Iterable[tuple[int, int]]:
    """Time in µs and number of the frames of a clip that are stored."""
    if fps is None:
        return ((round(i * 1_000_000 / frame_rate), i) for i in range(count))
    stored = max(1, int(np.ceil(count / frame_rate * fps - 1e-9)))
    numbers = (min(count - 1, int(i / fps * frame_rate + 1e-9)) for i in range(stored))
    return ((round(i * 1_000_000 / fps), number) for i, number in enumerate(numbers))


def _shrunk(image: np.ndarray, short_side: int | None) -> np.ndarray:
    height, width = image.shape[:2]
    if short_side is None or short_side >= min(height, width):
        return image
    scale = short_side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _encode(
    video: Iterable[tuple[np.ndarray, int, int]],
    frame_rate: float,
    source_bytes: int,
    source_sha256: str,
    settings: ConversionSettings,
    store: FrameStore,
) -> EncodedClip:
    timestamps: list[int] = []
    frame_numbers: list[int] = []
    height = width = 0
    jpeg = b""
    for image, timestamp, number in video:
        if not frame_numbers or number != frame_numbers[-1]:
            height, width = image.shape[:2]
            jpeg = _jpeg(image, settings)
        store.add(jpeg)
        timestamps.append(timestamp)
        frame_numbers.append(number)
    return EncodedClip(
        store, timestamps, frame_numbers, height, width, frame_rate, source_bytes, source_sha256
    )


def _jpeg(image: np.ndarray, settings: ConversionSettings) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(
        stream, "JPEG", quality=settings.jpeg_quality, subsampling=settings.chroma_subsampling
    )
    return stream.getvalue()
