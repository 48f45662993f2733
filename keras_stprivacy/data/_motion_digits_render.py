"""Draws the clips of `motion_digits`: pure NumPy, whole batches of clips at a time."""

import dataclasses
import functools
from typing import Any

import numpy as np

ACTIONS = (
    "right",
    "left",
    "down",
    "up",
    "rotate_clockwise",
    "rotate_counter_clockwise",
    "grow",
    "shrink",
)
# Attribute -> the part of the clips that have it. On the moving digit: the first two.
PREVALENCE = {
    "warm_hue": 0.50,
    "round_digit": 0.45,
    "companion": 0.36,
    "striped_background": 0.54,
    "lamp": 0.28,
}
ROUND_DIGITS = (0,)
STRAIGHT_DIGITS = (1,)
COMPANION_DIGITS = (2, 3, 4, 5, 6, 7, 8, 9)
# The bundled images stand in the order in which people wrote them, so contiguous ranges also keep
# most writers on one side.
HANDWRITINGS = {"train": (0, 1150), "validation": (1150, 1350), "test": (1350, 1797)}

# Opacity (0..1) from which a pixel counts as a pixel of the moving digit.
BOX_THRESHOLD = 0.3

_CELLS = 8  # the bundled images are 8x8
_UPSAMPLING = 4
_MARGIN = 2  # empty upsampled cells around a glyph
_GLYPH_SIZE = _CELLS * _UPSAMPLING + 2 * _MARGIN
_PIXELS_PER_CHUNK = 1 << 18


_GEOMETRY, _LOOKS = 12, 18  # uniform numbers a clip takes for geometry and for looks


@dataclasses.dataclass(frozen=True)
class Scene:
    """Everything that is drawn by lot for N clips; angles in radians, lengths in image sizes."""

    action: np.ndarray  # (N,) int32
    privacy: np.ndarray  # (N, 5) int32
    digit: np.ndarray  # (N,) index of the moving digit's handwriting
    companion: np.ndarray  # (N,) index of the companion's handwriting
    hue: np.ndarray  # (N,) of the moving digit, in turns
    tint: np.ndarray  # (N,) hue of the background, in turns
    center: np.ndarray  # (N, T, 2) y, x
    angle: np.ndarray  # (N, T), clockwise
    extent: np.ndarray  # (N, T), height of the glyph
    look: np.ndarray  # (N, _LOOKS) uniform numbers for what carries no label

    def __getitem__(self, rows: slice) -> "Scene":
        return Scene(**{f.name: getattr(self, f.name)[rows] for f in dataclasses.fields(self)})


@functools.lru_cache(maxsize=1)
def glyphs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns opacities (1797, G, G), ink centres (1797, 2) in glyph pixels, and digits (1797,)."""
    from sklearn.datasets import load_digits

    bundle = load_digits()
    images = (bundle.images / 16.0).astype("float32")
    # Catmull-Rom interpolation as one matrix on both sides of every image.
    where = (np.arange(_GLYPH_SIZE) + 0.5 - _MARGIN) / _UPSAMPLING - 0.5
    d = np.abs(where[:, None] - np.arange(_CELLS)[None, :])
    near = 1.5 * d**3 - 2.5 * d**2 + 1.0
    far = -0.5 * d**3 + 2.5 * d**2 - 4.0 * d + 2.0
    kernel = np.where(d < 1, near, np.where(d < 2, far, 0.0)).astype("float32")
    smooth = kernel @ images @ kernel.T
    ink = np.clip((smooth - 0.2) / 0.5, 0.0, 1.0)
    ink = ink * ink * (3.0 - 2.0 * ink)
    # The bilinear lookup reads nothing beyond the outermost cells, which must be empty.
    ink[:, [0, -1], :] = 0.0
    ink[:, :, [0, -1]] = 0.0
    first, last = _span((ink > 0.5).any(axis=2))
    left, right = _span((ink > 0.5).any(axis=1))
    centers = np.stack([(first + last) / 2.0, (left + right) / 2.0], axis=-1)
    return np.ascontiguousarray(ink), centers.astype("float32"), bundle.target.astype("int32")


def _span(occupied: Any) -> tuple[np.ndarray, np.ndarray]:
    """First occupied index and one past the last along the last axis; 0, 0 where there is none."""
    size = occupied.shape[-1]
    first = occupied.argmax(axis=-1)
    last = size - occupied[..., ::-1].argmax(axis=-1)
    return first, np.where(occupied.any(axis=-1), last, 0)


def draw_scene(split: str, num_clips: int, num_frames: int, seed: int) -> Scene:
    """Draws labels and geometry; the first clips do not depend on how many are asked for."""
    key = list(HANDWRITINGS).index(split)
    streams = [
        np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(key, i))) for i in range(4)
    ]
    blocks = np.tile(np.arange(len(ACTIONS), dtype="int32"), (-(-num_clips // len(ACTIONS)), 1))
    action = streams[0].permuted(blocks, axis=1).reshape(-1)[:num_clips]
    privacy = streams[1].random((num_clips, len(PREVALENCE))) < list(PREVALENCE.values())
    draws = streams[2].random((num_clips, _GEOMETRY + _LOOKS)).astype("float32")
    shake = streams[3].standard_normal((num_clips, num_frames, 2)).astype("float32")
    column = iter(draws.T)

    digits = glyphs()[2]
    first, last = HANDWRITINGS[split]

    def pick(classes: tuple[int, ...], u: np.ndarray) -> np.ndarray:
        pool = first + np.flatnonzero(np.isin(digits[first:last], classes))
        return pool[np.minimum((u * len(pool)).astype("int64"), len(pool) - 1)]

    warm, is_round = privacy[:, 0], privacy[:, 1]
    which = next(column)
    digit = np.where(is_round, pick(ROUND_DIGITS, which), pick(STRAIGHT_DIGITS, which))
    companion = pick(COMPANION_DIGITS, next(column))
    spread = next(column)
    hue = np.where(warm, -0.06 + 0.21 * spread, 0.44 + 0.28 * spread)
    tint = next(column)

    # The first frame is drawn without looking at the action; what follows from it is the action.
    center = 0.35 + 0.30 * np.stack([next(column), next(column)], axis=-1)[:, None]
    angle = (2.0 * next(column) - 1.0)[:, None] * np.deg2rad(15.0)
    extent = (0.43 + 0.06 * next(column))[:, None]
    pace = (0.8 + 0.45 * next(column))[:, None]
    progress = np.linspace(0.0, 1.0, num_frames, dtype="float32")[None, :] ** pace
    travel = (0.18 + 0.07 * next(column))[:, None] * progress
    turn = np.deg2rad(80.0 + 60.0 * next(column))[:, None] * progress
    zoom = (1.5 + 0.25 * next(column))[:, None] ** progress

    def sign(plus: str, minus: str) -> np.ndarray:
        up, down = (action == ACTIONS.index(plus)), (action == ACTIONS.index(minus))
        return (up.astype("float32") - down.astype("float32"))[:, None]

    move = np.stack([sign("down", "up") * travel, sign("right", "left") * travel], axis=-1)
    return Scene(
        action=action,
        privacy=privacy.astype("int32"),
        digit=digit,
        companion=companion,
        hue=hue.astype("float32"),
        tint=tint,
        center=(center + move + 0.006 * shake).astype("float32"),
        angle=angle + sign("rotate_clockwise", "rotate_counter_clockwise") * turn,
        extent=extent * zoom ** sign("grow", "shrink"),
        look=np.ascontiguousarray(draws[:, _GEOMETRY:]),
    )


def render(
    scene: Scene, image_size: int, moving_digit: bool = True
) -> tuple[np.ndarray, np.ndarray]:
    """Draws clips (N, T, H, W, 3) uint8 and the boxes (N, T, 4) float32 of the moving digit."""
    num_clips, num_frames = scene.angle.shape
    clips = np.empty((num_clips, num_frames, image_size, image_size, 3), "uint8")
    boxes = np.zeros((num_clips, num_frames, 4), "float32")
    step = max(1, _PIXELS_PER_CHUNK // (num_frames * image_size**2))
    for start in range(0, num_clips, step):
        rows = slice(start, min(start + step, num_clips))
        part = scene[rows]
        still = _background(part, image_size)  # (B, H, W, 3)
        _add_companion(part, still)
        clips[rows] = np.clip(still * 255.0 + 0.5, 0.0, 255.0).astype("uint8")[:, None]
        if moving_digit:
            boxes[rows] = _add_digit(part, still, clips[rows])
    return clips, boxes


def _background(scene: Scene, size: int) -> np.ndarray:
    look = scene.look[:, :, None, None]
    grid = (np.arange(size, dtype="float32") + 0.5) / size
    y, x = grid[None, :, None], grid[None, None, :]
    tone = 0.16 + 0.14 * look[:, 0]
    contrast = 0.09 + 0.05 * look[:, 1]
    # Upright or level, give or take 22 degrees.
    direction = np.pi * (0.5 * np.floor(4.0 * look[:, 2]) + 0.25 * (look[:, 17] - 0.5))
    along = np.cos(direction) * (x - 0.5) + np.sin(direction) * (y - 0.5)  # (B, H, W)
    cycles = 3.6 + 1.6 * look[:, 3]
    stripes = np.clip(3.0 * np.sin(2.0 * np.pi * (cycles * along + look[:, 4])), -1.0, 1.0)
    striped = scene.privacy[:, 3, None, None]
    gray = tone + contrast * np.where(striped == 1, stripes, 1.4 * along)

    corner_y, corner_x = _corner(scene, 0)
    lamp_y = np.abs(corner_y - 0.09 - 0.05 * scene.look[:, 5])[:, None, None]
    lamp_x = np.abs(corner_x - 0.09 - 0.05 * scene.look[:, 6])[:, None, None]
    distance = np.sqrt((y - lamp_y) ** 2 + (x - lamp_x) ** 2)
    glow = np.clip(1.6 - distance / (0.065 + 0.02 * look[:, 7]), 0.0, 1.0)
    glow = 0.9 * glow + 0.25 * np.exp(-((distance / 0.2) ** 2))
    glow *= scene.privacy[:, 4, None, None]

    color = 1.0 + 0.25 * (_rgb(scene.tint) - 0.5)  # (B, 3)
    base = gray[..., None] * color[:, None, None, :]
    return (base + glow[..., None] * (1.0 - base)).astype("float32")


def _corner(scene: Scene, place: int) -> tuple[np.ndarray, np.ndarray]:
    """Corner (y, x in {0, 1}) of the lamp (place 0) or the companion (1): never the same one."""
    first = np.minimum((4.0 * scene.look[:, 8]).astype("int32"), 3)
    other = 1 + np.minimum((3.0 * scene.look[:, 9]).astype("int32"), 2)
    corner = (first + place * other) % 4
    return (corner // 2).astype("float32"), (corner % 2).astype("float32")


def _add_companion(scene: Scene, still: np.ndarray) -> None:
    corner_y, corner_x = _corner(scene, 1)
    center_y = np.abs(corner_y - 0.15 - 0.05 * scene.look[:, 10])
    center_x = np.abs(corner_x - 0.15 - 0.05 * scene.look[:, 11])
    angle = np.deg2rad(30.0) * (scene.look[:, 12] - 0.5)
    extent = 0.25 + 0.05 * scene.look[:, 13]
    where, opacity = _stamp(
        scene.companion,
        np.stack([center_y, center_x], axis=-1)[:, None],
        angle[:, None],
        extent[:, None],
        still.shape[1],
    )
    clip = where // (still.shape[1] ** 2)
    opacity = (opacity * scene.privacy[clip, 2])[:, None]
    shade = (0.7 + 0.2 * scene.look[clip, 14])[:, None]
    flat = still.reshape(-1, 3)
    flat[where] += opacity * (shade - flat[where])


def _add_digit(scene: Scene, still: np.ndarray, clips: np.ndarray) -> np.ndarray:
    """Draws the moving digit into `clips` (B, T, H, W, 3), in place, and returns its boxes."""
    num_clips, num_frames, size = clips.shape[:3]
    where, opacity = _stamp(scene.digit, scene.center, scene.angle, scene.extent, size)
    clip = where // (num_frames * size**2)
    under = still.reshape(-1, 3)[clip * size**2 + where % size**2]
    saturation, value = 0.75 + 0.25 * scene.look[:, 15], 0.9 + 0.1 * scene.look[:, 16]
    color = value[:, None] * (1.0 - saturation[:, None] * (1.0 - _rgb(scene.hue)))
    drawn = under + opacity[:, None] * (color.astype("float32")[clip] - under)
    clips.reshape(-1, 3)[where] = np.clip(drawn * 255.0 + 0.5, 0.0, 255.0).astype("uint8")

    ink = np.zeros((num_clips, num_frames, size, size), bool)
    ink.reshape(-1)[where[opacity >= BOX_THRESHOLD]] = True
    top, bottom = _span(ink.any(axis=3))
    left, right = _span(ink.any(axis=2))
    return np.stack([top, left, bottom, right], axis=-1).astype("float32") / size


def _stamp(
    index: np.ndarray, center: np.ndarray, angle: np.ndarray, extent: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """Flat positions in (B, T, H, W) that a glyph may touch, and its opacity there."""
    bank, centers, _ = glyphs()
    scale = _CELLS * _UPSAMPLING / (extent * size)  # (B, T)
    cos, sin = scale * np.cos(angle), scale * np.sin(angle)
    pixel = np.arange(size, dtype="float32") + 0.5
    y = pixel - size * center[..., 0, None]  # (B, T, H)
    x = pixel - size * center[..., 1, None]
    cos, sin = cos[..., None], sin[..., None]
    middle = centers[index][:, None, None, :] - 0.5
    v = (cos * y + middle[..., 0])[..., :, None] - (sin * x)[..., None, :]  # (B, T, H, W)
    u = (sin * y + middle[..., 1])[..., :, None] + (cos * x)[..., None, :]
    top = _GLYPH_SIZE - 1
    where = np.flatnonzero((u > 0.0) & (u < top) & (v > 0.0) & (v < top))
    u, v = u.reshape(-1)[where], v.reshape(-1)[where]
    column, row = u.astype("int32"), v.astype("int32")
    u, v = u - column, v - row
    glyph = index[where // (angle.shape[1] * size**2)]
    flat, at = bank.reshape(-1), (glyph * _GLYPH_SIZE + row) * _GLYPH_SIZE + column
    upper = flat[at] * (1.0 - u) + flat[at + 1] * u
    lower = flat[at + _GLYPH_SIZE] * (1.0 - u) + flat[at + _GLYPH_SIZE + 1] * u
    return where, (upper * (1.0 - v) + lower * v).astype("float32")


def _rgb(hue: np.ndarray) -> np.ndarray:
    """Fully saturated colours (..., 3) in [0, 1] of hues in turns."""
    return np.clip(np.abs((hue[..., None] + np.array([0, 2 / 3, 1 / 3])) % 1.0 * 6 - 3) - 1, 0, 1)
