"""The picture of a report: frames raw, sparsified and anonymized, one above the other."""

import dataclasses

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_FRAME = 112  # pixels of a frame's longer side, about
_GAP = 4
_LABELS = 96
_CAPTION = 26
_MARGIN = 20
_PAPER, _INK, _FAINT = (255, 255, 255), (28, 30, 34), (110, 116, 126)


@dataclasses.dataclass(frozen=True)
class ClipPicture:
    """One clip before and after.

    Attributes:
        rows: name of a row -> uint8 frames (T, H, W, 3).
        caption: a line above the clip.
    """

    rows: dict[str, np.ndarray]
    caption: str


def sparsified(
    clip: np.ndarray, decision_mask: np.ndarray, grid_shape: tuple[int, int, int]
) -> np.ndarray:
    """The raw clip with dropped tubelets blackened, to show where the anonymizer looks.

    It is an illustration: what the anonymizer gives out never contains raw pixels.

    Args:
        clip: uint8 array (T, H, W, 3).
        decision_mask: array (L·N,), 1 = kept.
        grid_shape: tubelets along time, height and width.

    Returns:
        A uint8 array (T, H, W, 3).

    Example:

    >>> import numpy as np
    >>> clip = np.full((2, 2, 4, 3), 9, "uint8")
    >>> sparsified(clip, np.array([1, 0]), (1, 1, 2))[0, :, :, 0].tolist()
    [[9, 9, 0, 0], [9, 9, 0, 0]]
    """
    shown = np.asarray(decision_mask).reshape(grid_shape) > 0
    for axis, (size, cells) in enumerate(zip(clip.shape[:3], grid_shape, strict=True)):
        shown = np.repeat(shown, size // cells, axis=axis)
    return np.where(shown[..., None], clip, np.uint8(0)).astype("uint8")


def clip_grid(pictures: list[ClipPicture], num_frames: int = 4, columns: int = 2) -> Image.Image:
    """Draws clips in a grid; each is a block of rows with some frames spread over the clip.

    Small frames are enlarged without smoothing, so that their pixels can be seen.

    Args:
        pictures: the clips; all with the same rows.
        num_frames: frames of each clip.
        columns: blocks beside each other.

    Returns:
        An RGB image.

    Raises:
        ValueError: if there is no clip.

    Example:

    >>> import numpy as np
    >>> clip = np.zeros((8, 32, 32, 3), "uint8")
    >>> clip_grid([ClipPicture({"raw": clip, "anonymized": clip}, "walk")]).mode
    'RGB'
    """
    if not pictures:
        raise ValueError("clip_grid needs at least one clip")
    names = list(pictures[0].rows)
    frames, height, width = pictures[0].rows[names[0]].shape[:3]
    size, resampling = _shown_size(height, width)
    index = np.unique(np.linspace(0, frames - 1, min(num_frames, frames)).round().astype(int))
    columns = min(columns, len(pictures))
    lines = -(-len(pictures) // columns)
    block = (
        len(index) * (size[0] + _GAP) - _GAP,
        _CAPTION + len(names) * (size[1] + _GAP) - _GAP,
    )
    strong, plain = ImageFont.load_default(14), ImageFont.load_default(13)
    label_width = max(_LABELS, *(int(strong.getlength(name)) + _MARGIN for name in names))
    image = Image.new(
        "RGB",
        (
            2 * _MARGIN + label_width + columns * block[0] + (columns - 1) * _MARGIN,
            2 * _MARGIN + lines * block[1] + (lines - 1) * _MARGIN,
        ),
        _PAPER,
    )
    draw = ImageDraw.Draw(image)
    for number, picture in enumerate(pictures):
        line, column = divmod(number, columns)
        left = _MARGIN + label_width + column * (block[0] + _MARGIN)
        top = _MARGIN + line * (block[1] + _MARGIN)
        draw.text((left, top), _fitted(picture.caption, plain, block[0]), _FAINT, plain)
        for row, name in enumerate(names):
            y = top + _CAPTION + row * (size[1] + _GAP)
            if column == 0:
                draw.text((_MARGIN, y + size[1] // 2), name, _INK, strong, anchor="lm")
            for place, frame in enumerate(index):
                tile = Image.fromarray(picture.rows[name][frame]).resize(size, resampling)
                image.paste(tile, (left + place * (size[0] + _GAP), y))
    return image


def _shown_size(height: int, width: int) -> tuple[tuple[int, int], Image.Resampling]:
    """(width, height) of a frame in the picture, and how it gets there."""
    longer = max(height, width)
    if longer <= _FRAME:
        factor = max(1, round(_FRAME / longer))
        return (width * factor, height * factor), Image.Resampling.NEAREST
    shrink = 2 * _FRAME / longer
    if shrink >= 1.0:
        return (width, height), Image.Resampling.NEAREST
    return (round(width * shrink), round(height * shrink)), Image.Resampling.LANCZOS


def _fitted(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> str:
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(text + "...") > width:
        text = text[:-1]
    return text + "..."
