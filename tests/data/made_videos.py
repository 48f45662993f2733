"""Small video files."""

import pathlib
import struct
from collections.abc import Sequence
from typing import Any

import av
import numpy as np


def write_video(
    path: pathlib.Path,
    levels: Sequence[int] = (20, 120, 220),
    rate: int = 10,
    size: tuple[int, int] = (48, 64),
    first: int = 0,
) -> pathlib.Path:
    """Writes a video whose frame i is of the gray level `levels[i]`, and shown as number first + i.

    MP4 hides what comes before number 0 by an edit list, as in what is cut out without encoding.
    """
    pictures = [np.full((*size, 3), level, "uint8") for level in levels]
    return write_pictures(path, pictures, rate, first)


def write_pictures(
    path: pathlib.Path, pictures: Sequence[np.ndarray], rate: int = 10, first: int = 0
) -> pathlib.Path:
    """Writes a video of uint8 (H, W, 3) pictures; see `write_video`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width, _ = pictures[0].shape
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate, width=width, height=height)
        stream.pix_fmt = "yuv420p"
        for picture in pictures:
            _mux(container, stream.encode(av.VideoFrame.from_ndarray(picture)), first, rate)
        _mux(container, stream.encode(), first, rate)
    return path


def _mux(container: Any, packets: Sequence[av.Packet], first: int, rate: int) -> None:
    for packet in packets:
        ticks = round(first / (packet.time_base * rate))
        packet.pts, packet.dts = packet.pts + ticks, packet.dts + ticks
        container.mux(packet)


def show_through(path: pathlib.Path, matrix: tuple[int, int, int, int]) -> pathlib.Path:
    """Makes an MP4 say that it is to be shown through the matrix a, b, c, d of its track."""
    content = bytearray(path.read_bytes())
    one, last = 1 << 16, 1 << 30
    place = content.index(_matrix(one, 0, 0, one, last), content.index(b"tkhd"))
    content[place : place + 36] = _matrix(*(number * one for number in matrix), last)
    path.write_bytes(content)
    return path


def _matrix(a: int, b: int, c: int, d: int, last: int) -> bytes:
    return struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, last)
