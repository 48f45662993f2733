"""Frames → JPEGs: what a record holds of a video."""

import dataclasses
import hashlib
import io
import os
from collections.abc import Iterable

import numpy as np
from PIL import Image

from keras_stprivacy.data.decode import VideoReader
from tfrecords_tools.files import digest
from tfrecords_tools.settings import ConversionSettings


@dataclasses.dataclass(frozen=True)
class EncodedClip:
    """The frames of one video, ready to be stored.

    Args:
        frames: one JPEG per frame.
        timestamps: µs from the first frame.
        height: of the frames in pixels.
        width: of the frames in pixels.
        frame_rate: in frames per second.
        source_bytes: size of what it was made from.
        source_sha256: of what it was made from.
    """

    frames: list[bytes]
    timestamps: list[int]
    height: int
    width: int
    frame_rate: float
    source_bytes: int
    source_sha256: str


def encode_file(path: str | os.PathLike, settings: ConversionSettings) -> EncodedClip:
    """Decodes a video file and stores its frames as JPEGs, one at a time in memory.

    Raises:
        VideoDecodeError: if the file is not a video that can be decoded to its end, or beyond the
            limits.
    """
    with VideoReader(path, settings.short_side, settings.limits) as video:
        return _encode(video, video.frame_rate, *digest(path), settings)


def encode_array(clip: np.ndarray, frame_rate: float, settings: ConversionSettings) -> EncodedClip:
    """Stores the frames of an array as JPEGs.

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
    shrunk = (_shrunk(image, settings.short_side) for image in clip)
    frames = ((image, round(i * 1_000_000 / frame_rate)) for i, image in enumerate(shrunk))
    sha256 = hashlib.sha256(np.ascontiguousarray(clip).data).hexdigest()
    return _encode(frames, frame_rate, clip.nbytes, sha256, settings)


def _shrunk(image: np.ndarray, short_side: int | None) -> np.ndarray:
    height, width = image.shape[:2]
    if short_side is None or short_side >= min(height, width):
        return image
    scale = short_side / min(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def _encode(
    video: Iterable[tuple[np.ndarray, int]],
    frame_rate: float,
    source_bytes: int,
    source_sha256: str,
    settings: ConversionSettings,
) -> EncodedClip:
    frames, timestamps = [], []
    height = width = 0
    for image, timestamp in video:
        height, width = image.shape[:2]
        stream = io.BytesIO()
        Image.fromarray(image).save(
            stream,
            "JPEG",
            quality=settings.jpeg_quality,
            subsampling=settings.chroma_subsampling,
        )
        frames.append(stream.getvalue())
        timestamps.append(timestamp)
    return EncodedClip(frames, timestamps, height, width, frame_rate, source_bytes, source_sha256)
