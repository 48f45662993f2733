"""Frames of several clips in one picture."""

import io
from collections.abc import Sequence

from PIL import Image, ImageDraw

_FRAME_HEIGHT = 96
_TEXT_HEIGHT = 14
_GAP = 2
_MOST_PIXELS = 200_000_000


def contact_sheet(rows: Sequence[tuple[str, Sequence[bytes]]]) -> Image.Image:
    """A row of frames for each clip, with a line of text above it.

    Args:
        rows: text, and JPEGs. Letters outside of Latin-1 are drawn as "?".

    Returns:
        The picture, with frames 96 pixels high.

    Raises:
        ValueError: if a frame is no JPEG, or the picture would be too large.
    """
    clips = [(text, [_small(frame) for frame in frames]) for text, frames in rows]
    width = max([200, *(sum(f.width + _GAP for f in frames) for _, frames in clips)])
    row_height = _TEXT_HEIGHT + _FRAME_HEIGHT + _GAP
    if width * row_height * len(clips) > _MOST_PIXELS:
        raise ValueError(
            f"A contact sheet of {width} x {row_height * len(clips)} pixels is too large: ask for "
            "fewer records or frames."
        )
    sheet = Image.new("RGB", (width, row_height * len(clips)), "white")
    draw = ImageDraw.Draw(sheet)
    for number, (text, frames) in enumerate(clips):
        top, left = number * row_height, 0
        draw.text((_GAP, top), text.encode("latin-1", "replace").decode("latin-1"), fill="black")
        for frame in frames:
            sheet.paste(frame, (left, top + _TEXT_HEIGHT))
            left += frame.width + _GAP
    return sheet


def _small(frame: bytes) -> Image.Image:
    try:
        with Image.open(io.BytesIO(frame), formats=["JPEG"]) as image:
            width = max(1, round(image.width * _FRAME_HEIGHT / image.height))
            return image.convert("RGB").resize((width, _FRAME_HEIGHT), Image.Resampling.BICUBIC)
    except (OSError, Image.DecompressionBombError) as error:
        raise ValueError(f"a frame does not decode: {error}") from error
