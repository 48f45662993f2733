"""The views of a video that a test averages over: clips spread over time, crops over the image."""

import math

import numpy as np
from PIL import Image


def temporal_views(
    video: np.ndarray, num_frames: int, num_views: int = 5, frame_step: int = 1
) -> np.ndarray:
    """Cuts clips that are spread evenly over a video.

    Of the frames at the sampling rate, view k begins at `int(k · max(0, (len − T) / (K − 1)))`; a
    video that is too short is continued with its last frame. A single view is the middle one.

    Args:
        video: array (frames, H, W, 3).
        num_frames: frames `T` of a clip.
        num_views: views `K`.
        frame_step: every how many frames one is taken.

    Returns:
        An array (K, T, H, W, 3).

    Raises:
        ValueError: if the video is not of that shape or has no frame, or a number is below 1.

    Example:

    >>> import numpy as np
    >>> video = np.arange(10).reshape(10, 1, 1, 1) * np.ones((1, 1, 1, 3), int)
    >>> temporal_views(video, num_frames=4, num_views=3)[:, :, 0, 0, 0].tolist()
    [[0, 1, 2, 3], [3, 4, 5, 6], [6, 7, 8, 9]]
    """
    check_video(video)
    for name, value in (
        ("num_frames", num_frames),
        ("num_views", num_views),
        ("frame_step", frame_step),
    ):
        if value < 1:
            raise ValueError(f"{name} must be at least 1. Received: {name}={value}")
    return video[view_frames(len(video), num_frames, num_views, frame_step)]


def view_frames(length: int, num_frames: int, num_views: int, frame_step: int = 1) -> np.ndarray:
    """Numbers of the frames (K, T) that `temporal_views` takes of a video of that length."""
    last = -(-length // frame_step) - 1
    spare = max(0, last + 1 - num_frames)
    if num_views == 1:
        starts = [spare // 2]
    else:
        starts = [int(k * spare / (num_views - 1)) for k in range(num_views)]
    return np.minimum(np.asarray(starts)[:, None] + np.arange(num_frames), last) * frame_step


def spatial_views(clip: np.ndarray, image_size: tuple[int, int], num_views: int = 3) -> np.ndarray:
    """Crops that are spread evenly along the long side of a clip.

    The clip is resized (bilinear, with its aspect ratio) until it just covers the image size, so
    that the short side equals it, and cropped `num_views` times from one end of the long side to
    the other. A single view is the middle one.

    Args:
        clip: array (T, H, W, 3), uint8, or float in [0, 1].
        image_size: height and width of a crop.
        num_views: crops.

    Returns:
        An array (num_views, T, height, width, 3) of the dtype of `clip`.

    Raises:
        ValueError: as `temporal_views`.

    Example:

    >>> import numpy as np
    >>> clip = np.arange(8, dtype="uint8").reshape(1, 1, 8, 1) * np.ones((2, 4, 1, 3), "uint8")
    >>> spatial_views(clip, (4, 4), num_views=3)[:, 0, 0, :, 0].tolist()
    [[0, 1, 2, 3], [2, 3, 4, 5], [4, 5, 6, 7]]
    """
    check_video(clip)
    if num_views < 1:
        raise ValueError(f"num_views must be at least 1. Received: num_views={num_views}")
    height, width = image_size
    resized = cover(clip, (height, width))
    corners = view_corners(resized.shape[1:3], image_size, num_views)
    return np.stack([resized[:, top : top + height, left : left + width] for top, left in corners])


def view_corners(
    covered: tuple[int, ...], image_size: tuple[int, int], num_views: int
) -> list[tuple[int, int]]:
    """Top and left of each crop that `spatial_views` makes of frames resized to `covered`."""
    spare = (covered[0] - image_size[0], covered[1] - image_size[1])
    shares = [0.5] if num_views == 1 else [k / (num_views - 1) for k in range(num_views)]
    return [(int(spare[0] * share), int(spare[1] * share)) for share in shares]


def video_views(
    video: np.ndarray,
    clip_shape: tuple[int, ...],
    views: tuple[int, int] = (5, 3),
    frame_step: int = 1,
) -> np.ndarray:
    """All views of a video: temporal ones times spatial ones.

    Args:
        video: array (frames, H, W, 3), uint8, or float in [0, 1].
        clip_shape: `(T, H, W, 3)` of a view.
        views: how many temporal and how many spatial views.
        frame_step: every how many frames one is taken.

    Returns:
        An array (temporal · spatial, T, H, W, 3), the spatial views of a temporal view in a row.

    Raises:
        ValueError: as `temporal_views`.

    Example:

    >>> import numpy as np
    >>> video_views(np.zeros((40, 24, 32, 3), "uint8"), (8, 16, 16, 3), views=(5, 3)).shape
    (15, 8, 16, 16, 3)
    """
    num_frames, height, width = clip_shape[:3]
    clips = temporal_views(video, num_frames, views[0], frame_step)
    return np.concatenate([spatial_views(clip, (height, width), views[1]) for clip in clips])


def unique_views(views: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Leaves out views that repeat one another, so that each is computed once.

    Args:
        views: array (V, ...).

    Returns:
        A tuple: the different views (U, ...) in their order, and how often each occurs (U,).

    Example:

    >>> import numpy as np
    >>> kept, count = unique_views(np.array([[1, 2], [3, 4], [1, 2]]))
    >>> kept.tolist(), count.tolist()
    ([[1, 2], [3, 4]], [2, 1])
    """
    seen: dict[bytes, int] = {}
    first: list[int] = []
    count: list[int] = []
    for index, view in enumerate(views):
        key = np.ascontiguousarray(view).tobytes()
        if key in seen:
            count[seen[key]] += 1
        else:
            seen[key] = len(first)
            first.append(index)
            count.append(1)
    return views[first], np.asarray(count)


def average_views(
    probability: np.ndarray, video: np.ndarray, count: np.ndarray, num_videos: int
) -> np.ndarray:
    """Averages the probabilities of the views of each video.

    Args:
        probability: array (U, C), one row a view.
        video: int array (U,), the video that a view belongs to.
        count: array (U,), how often the view counts.
        num_videos: videos.

    Returns:
        An array (num_videos, C).

    Raises:
        ValueError: if a video has no view.

    Example:

    >>> import numpy as np
    >>> p = np.array([[1.0], [0.0], [0.5]])
    >>> average_views(p, np.array([0, 0, 1]), np.array([3, 1, 1]), num_videos=2).tolist()
    [[0.75], [0.5]]
    """
    total = np.bincount(video, weights=count, minlength=num_videos)
    if (total == 0).any():
        raise ValueError(f"video {int(np.argmin(total))} has no view to average over")
    summed = np.zeros((num_videos, probability.shape[1]))
    np.add.at(summed, video, probability * np.asarray(count, "float64")[:, None])
    return summed / total[:, None]


def cover_size(size: tuple[int, ...], image_size: tuple[int, int]) -> tuple[int, int]:
    """Height and width at which frames just cover `image_size`, with their aspect ratio.

    Example:

    >>> cover_size((240, 320), (112, 112))
    (112, 149)
    """
    scale = max(image_size[0] / size[0], image_size[1] / size[1])
    return (
        max(image_size[0], math.floor(size[0] * scale + 0.5)),
        max(image_size[1], math.floor(size[1] * scale + 0.5)),
    )


def check_video(video: np.ndarray) -> None:
    """Checks that a video has a frame.

    Raises:
        ValueError: if it is no array (frames, H, W, 3), or empty.
    """
    if getattr(video, "ndim", 0) != 4 or video.shape[-1] != 3 or not video.size:
        raise ValueError(
            "a video must be an array (frames, height, width, 3) with at least one frame. "
            f"Received: shape {getattr(video, 'shape', None)}"
        )


def cover(clip: np.ndarray, image_size: tuple[int, int]) -> np.ndarray:
    """Resizes a clip, with its aspect ratio, until it just covers `image_size`."""
    size = cover_size(clip.shape[1:3], image_size)
    if clip.shape[1:3] == size:
        return clip
    if clip.dtype == np.uint8:
        frames = [Image.fromarray(f).resize(size[::-1], Image.Resampling.BILINEAR) for f in clip]
        return np.stack([np.asarray(f) for f in frames])
    out = np.empty((len(clip), *size, 3), "float32")
    for frame, channel in np.ndindex(len(clip), 3):
        plane = Image.fromarray(clip[frame, :, :, channel].astype("float32"))
        out[frame, :, :, channel] = plane.resize(size[::-1], Image.Resampling.BILINEAR)
    return out.astype(clip.dtype)
