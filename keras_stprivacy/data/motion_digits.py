"""The embedded dataset: moving handwritten digits with known private attributes."""

import dataclasses
import functools
import logging
import os
import pathlib
import tempfile
import warnings
import zipfile

import numpy as np

from keras_stprivacy.data import _motion_digits_render as _render

_log = logging.getLogger(__name__)

# Of the clips, and part of every cache file's name: raise it whenever the same arguments render
# other bytes.
RENDERED_VERSION = 2
_DEFAULT_CLIPS = {"train": 8000, "validation": 500, "test": 1000}
_MIN_FRAMES = 2
_MIN_IMAGE_SIZE = 16
_STORED = ("clips", "action", "privacy", "boxes")


@dataclasses.dataclass(frozen=True, eq=False)
class MotionDigits:
    """Clips of one moving digit each, with what it does and what is private about it.

    The arrays are read-only, because several callers may share one cached dataset; `arrays`
    returns writable copies.

    Attributes:
        clips: uint8 array (N, T, H, W, 3), RGB.
        action: int32 array (N,), index into `class_names`.
        privacy: int32 array (N, 5) of 0 and 1, in the order of `attribute_names`.
        boxes: float32 array (N, T, 4): ymin, xmin, ymax, xmax of the moving digit in every frame,
            in [0, 1], tight around its pixels.
        ids: N strings, unique among all splits and seeds.
        class_names: the 8 actions.
        attribute_names: the 5 private attributes.
    """

    clips: np.ndarray
    action: np.ndarray
    privacy: np.ndarray
    boxes: np.ndarray
    ids: list[str]
    class_names: tuple[str, ...] = _render.ACTIONS
    attribute_names: tuple[str, ...] = tuple(_render.PREVALENCE)

    def __len__(self) -> int:
        return len(self.clips)

    @property
    def prevalence(self) -> dict[str, float]:
        """Share of the clips that have each attribute, which is a guess's average precision."""
        return {
            name: float(share)
            for name, share in zip(self.attribute_names, self.privacy.mean(axis=0), strict=True)
        }

    def arrays(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """Returns `(clip, {"action", "privacy"})`, as `fit` takes them.

        Returns:
            The clips as float32 (N, T, H, W, 3) in [0, 1] (four times the memory of `clips`),
            `action` int32 (N,) and `privacy` float32 (N, 5).
        """
        clip = self.clips.astype("float32")
        clip /= 255.0
        return clip, {"action": self.action.copy(), "privacy": self.privacy.astype("float32")}


def motion_digits(
    split: str = "train",
    num_clips: int | None = None,
    num_frames: int = 8,
    image_size: int = 32,
    seed: int = 0,
    cache: bool = True,
) -> MotionDigits:
    """Clips of moving handwritten digits, rendered from the images bundled with scikit-learn.

    The action is how the digit moves: right, left, down, up, rotate clockwise, rotate
    counter-clockwise, grow or shrink. Start, speed and distance vary, and the first frame is drawn
    without regard to the action. Actions are balanced.

    The private attributes are drawn independently of the action and of each other. Two are on the
    moving digit: `warm_hue` (red to yellow; otherwise green to violet; 50 % of the clips) and
    `round_digit` (a 0; otherwise a 1; 45 %; finer distinctions between handwritings take a small
    network longer than a demonstration lasts). Three are elsewhere: `companion` (a small grey 2 to
    9 that stands in a corner; 36 %), `striped_background` (otherwise a smooth slope; 54 %) and
    `lamp` (a white light in another corner; 28 %).

    No handwriting is in two splits. The first clips of a split do not depend on `num_clips`.

    Rendered datasets are kept in memory (the last few) and as files in the folder named by the
    environment variable `STPRIVACY_CACHE`, or else in `~/.cache/keras_stprivacy`.

    Args:
        split: `"train"`, `"validation"` or `"test"`.
        num_clips: number of clips N; by default 8000, 500 and 1000 for the three splits.
        num_frames: frames per clip T, at least 2; the motion as a whole is as long for any.
        image_size: height and width of the frames in pixels, at least 16.
        seed: non-negative integer; the same seed gives the same clips.
        cache: whether to look for rendered clips in memory and on disk and keep them there.

    Returns:
        A `MotionDigits`.

    Raises:
        ValueError: if an argument is outside of what is said above.

    Example:

    >>> import keras_stprivacy as stp
    >>> digits = stp.data.motion_digits("test", num_clips=16, cache=False)
    >>> digits.clips.shape, digits.clips.dtype
    ((16, 8, 32, 32, 3), dtype('uint8'))
    >>> digits.class_names[digits.action[0]] in digits.class_names
    True
    >>> clip, labels = digits.arrays()
    >>> labels["privacy"].shape
    (16, 5)
    """
    if split not in _DEFAULT_CLIPS:
        raise ValueError(f"split must be one of {list(_DEFAULT_CLIPS)}. Received: split={split!r}")
    if num_clips is None:
        num_clips = _DEFAULT_CLIPS[split]
    num_clips = _integer("num_clips", num_clips, 1)
    num_frames = _integer("num_frames", num_frames, _MIN_FRAMES)
    image_size = _integer("image_size", image_size, _MIN_IMAGE_SIZE)
    seed = _integer("seed", seed, 0)
    if cache:
        return _remembered(split, num_clips, num_frames, image_size, seed, _cache_folder())
    return _package(split, seed, _rendered(split, num_clips, num_frames, image_size, seed))


def _integer(name: str, value: int, minimum: int) -> int:
    whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
    if not whole or value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}. Received: {name}={value!r}")
    return int(value)


def _rendered(split, num_clips, num_frames, image_size, seed) -> dict[str, np.ndarray]:
    scene = _render.draw_scene(split, num_clips, num_frames, seed)
    clips, boxes = _render.render(scene, image_size)
    return {"clips": clips, "action": scene.action, "privacy": scene.privacy, "boxes": boxes}


def _package(split: str, seed: int, stored: dict[str, np.ndarray]) -> MotionDigits:
    for array in stored.values():
        array.flags.writeable = False
    ids = [f"{split}-{seed}-{i:06d}" for i in range(len(stored["action"]))]
    return MotionDigits(
        clips=stored["clips"],
        action=stored["action"],
        privacy=stored["privacy"],
        boxes=stored["boxes"],
        ids=ids,
    )


def _cache_folder() -> pathlib.Path:
    folder = os.environ.get("STPRIVACY_CACHE")
    return pathlib.Path(folder) if folder else pathlib.Path.home() / ".cache" / "keras_stprivacy"


@functools.lru_cache(maxsize=4)
def _remembered(split, num_clips, num_frames, image_size, seed, folder) -> MotionDigits:
    name = f"motion_digits-v{RENDERED_VERSION}-{split}-n{num_clips}-t{num_frames}"
    path = folder / f"{name}-i{image_size}-s{seed}.npz"
    stored = _read(path, (num_clips, num_frames, image_size))
    if stored is None:
        stored = _rendered(split, num_clips, num_frames, image_size, seed)
        _write(path, stored)
    return _package(split, seed, stored)


def _read(path: pathlib.Path, sizes: tuple[int, int, int]) -> dict[str, np.ndarray] | None:
    """The cached arrays, or None where there are none or they are damaged."""
    num_clips, num_frames, size = sizes
    expected = {
        "clips": ((num_clips, num_frames, size, size, 3), "uint8"),
        "action": ((num_clips,), "int32"),
        "privacy": ((num_clips, len(_render.PREVALENCE)), "int32"),
        "boxes": ((num_clips, num_frames, 4), "float32"),
    }
    try:
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            stored = {name: file[name] for name in _STORED}
    except FileNotFoundError:
        return None
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        _log.warning("The cache file %s cannot be read (%s); rendering it anew.", path, error)
        return None
    if {name: (a.shape, a.dtype.name) for name, a in stored.items()} != expected:
        _log.warning("The cache file %s does not hold what its name says; rendering it anew.", path)
        return None
    return stored


def _write(path: pathlib.Path, stored: dict[str, np.ndarray]) -> None:
    """Writes beside the target and renames, so that no reader ever sees half a file."""
    temporary = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, suffix=".part", delete=False) as file:
            temporary = pathlib.Path(file.name)
            np.savez(file, **{name: stored[name] for name in _STORED})  # type: ignore[arg-type]
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            temporary.unlink(missing_ok=True)
        warnings.warn(
            f"motion_digits could not keep its clips in {path.parent} ({error}). Name a folder "
            "that can be written in the environment variable STPRIVACY_CACHE, or pass cache=False.",
            RuntimeWarning,
            stacklevel=4,
        )
