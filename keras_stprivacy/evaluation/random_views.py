"""A clip for training, drawn from a whole video."""

import numpy as np

from keras_stprivacy.evaluation.views import check_video, cover, cover_size


def random_view(
    video: np.ndarray, clip_shape: tuple[int, ...], rng: np.random.Generator, frame_step: int = 1
) -> np.ndarray:
    """A clip for training: begins anywhere in the video, cropped anywhere along the long side.

    Args:
        video: array (frames, H, W, 3), uint8, or float in [0, 1].
        clip_shape: `(T, H, W, 3)` of the clip.
        rng: draws the place.
        frame_step: every how many frames one is taken.

    Returns:
        An array (T, H, W, 3).

    Raises:
        ValueError: as `temporal_views`.

    Example:

    >>> import numpy as np
    >>> video = np.zeros((40, 24, 32, 3), "uint8")
    >>> random_view(video, (8, 16, 16, 3), np.random.default_rng(0)).shape
    (8, 16, 16, 3)
    """
    check_video(video)
    index, top, left = random_window(video.shape, clip_shape, rng, frame_step)
    return cut_window(video, clip_shape, index, top, left)


def random_window(
    video_shape: tuple[int, ...],
    clip_shape: tuple[int, ...],
    rng: np.random.Generator,
    frame_step: int = 1,
) -> tuple[np.ndarray, int, int]:
    """Draws what `random_view` takes of a video.

    Args:
        video_shape: `(frames, height, width, 3)`.
        clip_shape: `(T, H, W, 3)` of the clip.
        rng: draws the place.
        frame_step: every how many frames one is taken.

    Returns:
        A tuple: the frames' numbers (T,), and top and left of the crop in the video resized to
        cover the clip.

    Example:

    >>> index, top, left = random_window((40, 24, 32, 3), (8, 16, 16, 3), np.random.default_rng(0))
    >>> len(index), top, 0 <= left <= 5
    (8, 0, True)
    """
    num_frames, height, width = clip_shape[:3]
    count = -(-video_shape[0] // frame_step)
    start = int(rng.integers(max(1, count - num_frames + 1)))
    index = np.minimum(start + np.arange(num_frames), count - 1) * frame_step
    covered = cover_size(video_shape[1:3], (height, width))
    top = int(rng.integers(covered[0] - height + 1))
    left = int(rng.integers(covered[1] - width + 1))
    return index, top, left


def cut_window(
    video: np.ndarray, clip_shape: tuple[int, ...], index: np.ndarray, top: int, left: int
) -> np.ndarray:
    """Cuts a clip (T, H, W, 3) from a video, see `random_window`."""
    height, width = clip_shape[1:3]
    resized = cover(video[index], (height, width))
    return resized[:, top : top + height, left : left + width]
