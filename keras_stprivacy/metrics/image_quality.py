"""How near two clips are: PSNR and SSIM of 8-bit pixels."""

import numpy as np

MOST_PSNR = 100.0  # dB, for pixels that are the same
_C1, _C2 = (0.01 * 255.0) ** 2, (0.03 * 255.0) ** 2
_SIGMA, _RADIUS = 1.5, 5


def psnr(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Peak signal-to-noise ratio of clips, in dB: higher is nearer.

    Args:
        one: uint8 array (B, T, H, W, 3).
        other: likewise.

    Returns:
        A float64 array (B,), of the mean squared error of all pixels of a clip; at most 100.

    Raises:
        ValueError: if shapes or types differ from that.

    Example:

    >>> black, grey = np.zeros((2, 1, 2, 4, 4, 3), "uint8")
    >>> grey[:] = 51
    >>> psnr(black, grey).round(2).tolist(), psnr(black, black).tolist()
    ([13.98], [100.0])
    """
    one, other = _checked(one, other)
    error = np.mean((one - other) ** 2, axis=(1, 2, 3, 4))
    with np.errstate(divide="ignore"):
        return np.minimum(MOST_PSNR, 10.0 * np.log10(255.0**2 / error))


def ssim(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Structural similarity of clips, mean over frames and channels: 1 = the same.

    Wang et al., "Image Quality Assessment" (2004): a Gaussian window of 11x11 pixels, σ 1.5,
    K1 = 0.01, K2 = 0.03, population covariance. Windows lie inside the frame; in frames with a
    side below 11, frames are mirrored at their borders instead.

    Args:
        one: uint8 array (B, T, H, W, 3).
        other: likewise.

    Returns:
        A float64 array (B,).

    Raises:
        ValueError: if shapes or types differ from that.

    Example:

    >>> clip = np.random.default_rng(0).integers(0, 255, (1, 1, 16, 16, 3)).astype("uint8")
    >>> ssim(clip, clip).round(6).tolist()
    [1.0]
    """
    one, other = _checked(one, other)
    mean_1, mean_2 = _blur(one), _blur(other)
    variance_1 = _blur(one * one) - mean_1**2
    variance_2 = _blur(other * other) - mean_2**2
    covariance = _blur(one * other) - mean_1 * mean_2
    above = (2.0 * mean_1 * mean_2 + _C1) * (2.0 * covariance + _C2)
    below = (mean_1**2 + mean_2**2 + _C1) * (variance_1 + variance_2 + _C2)
    similarity = above / below
    if min(similarity.shape[2:4]) > 2 * _RADIUS:
        similarity = similarity[:, :, _RADIUS:-_RADIUS, _RADIUS:-_RADIUS]
    return similarity.mean(axis=(1, 2, 3, 4))


def _blur(clips: np.ndarray) -> np.ndarray:
    from scipy.ndimage import gaussian_filter1d

    for axis in (2, 3):
        clips = gaussian_filter1d(clips, _SIGMA, axis=axis, mode="reflect", radius=_RADIUS)
    return clips


def _checked(one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    one, other = np.asarray(one), np.asarray(other)
    if one.shape != other.shape or one.ndim != 5 or {one.dtype, other.dtype} != {np.dtype("uint8")}:
        raise ValueError(
            "clips are compared as uint8 arrays (batch, frames, height, width, channels) of one "
            f"shape. Received: {one.dtype} {one.shape} and {other.dtype} {other.shape}"
        )
    return one.astype("float64"), other.astype("float64")
