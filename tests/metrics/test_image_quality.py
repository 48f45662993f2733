"""PSNR and SSIM against their definitions, written out."""

import numpy as np
import pytest

from keras_stprivacy.metrics import psnr, ssim

pytestmark = pytest.mark.any_backend


def _clips(seed, shape=(2, 1, 16, 18, 3)):
    return np.random.default_rng(seed).integers(0, 256, shape).astype("uint8")


def test_psnr_is_that_of_the_mean_squared_error_of_a_clip():
    one, other = _clips(0), _clips(1)
    for row in range(2):
        error = np.mean((one[row].astype(float) - other[row].astype(float)) ** 2)
        assert psnr(one, other)[row] == pytest.approx(10 * np.log10(255**2 / error))
    assert psnr(one, one).tolist() == [100.0, 100.0]


def test_ssim_is_the_mean_over_gaussian_windows():
    one, other = _clips(2), _clips(3)
    other[1] = np.clip(one[1].astype(int) + 9, 0, 255)
    places = np.arange(11) - 5
    window = np.exp(-(places**2) / (2 * 1.5**2))
    window = np.outer(window, window) / window.sum() ** 2
    expected = np.zeros((2, 6, 8, 3))
    for clip, top, left, channel in np.ndindex(expected.shape):
        x, y = (
            c[clip, 0, top : top + 11, left : left + 11, channel].astype(float)
            for c in (one, other)
        )
        mx, my = (window * x).sum(), (window * y).sum()
        vx, vy = (window * x * x).sum() - mx**2, (window * y * y).sum() - my**2
        cov = (window * x * y).sum() - mx * my
        c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
        expected[clip, top, left, channel] = ((2 * mx * my + c1) * (2 * cov + c2)) / (
            (mx**2 + my**2 + c1) * (vx + vy + c2)
        )
    np.testing.assert_allclose(ssim(one, other), expected.mean(axis=(1, 2, 3)), rtol=1e-9)


def test_frames_smaller_than_the_window_have_a_similarity():
    small = _clips(0, (1, 2, 8, 8, 3))
    assert ssim(small, small)[0] == pytest.approx(1.0)
    assert ssim(small, 255 - small)[0] < 0.0


def test_bad_clips():
    with pytest.raises(ValueError, match="uint8"):
        psnr(_clips(0).astype("float32"), _clips(0))
    with pytest.raises(ValueError, match="one shape"):
        ssim(_clips(0), _clips(0)[:1])
