"""Small video files."""

import pathlib
from collections.abc import Sequence

import av
import numpy as np


def write_video(
    path: pathlib.Path,
    levels: Sequence[int] = (20, 120, 220),
    rate: int = 10,
    size: tuple[int, int] = (48, 64),
) -> pathlib.Path:
    """Writes a video whose frame i is of the gray level `levels[i]`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=rate, width=size[1], height=size[0])
        stream.pix_fmt = "yuv420p"
        for level in levels:
            picture = np.full((*size, 3), level, "uint8")
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture)))
        container.mux(stream.encode())
    return path
