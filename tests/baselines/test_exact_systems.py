"""Systems without learning, against Pillow and SciPy."""

import numpy as np
import pytest
import scipy.ndimage
from PIL import Image

from keras_stprivacy.baselines import System, build, systems
from keras_stprivacy.baselines.blur import gaussian_kernel

pytestmark = pytest.mark.any_backend

EXACT = [name for name in systems() if not build(name).learns]
SHAPE = (3, 21, 26, 3)


def clips(count=2, shape=SHAPE, seed=0):
    return np.random.default_rng(seed).random((count, *shape)).astype("float32")


def every_plane(function, clip):
    """Applies a function of (H, W) to every channel of every frame."""
    planes = np.moveaxis(clip, -1, 2).reshape(-1, *clip.shape[2:4])
    made = np.stack([function(plane) for plane in planes])
    made = made.reshape(*clip.shape[:2], 3, *made.shape[1:])
    return np.moveaxis(made, 2, -1)


def test_the_exact_systems_are_these():
    assert EXACT == [
        "raw",
        "downsample_2x",
        "downsample_4x",
        "blacken",
        "strong_blur",
        "weak_blur",
    ]


# Sides that nearest-neighbour factors divide: elsewhere centres lie on edges, where Pillow's
# choice hangs on its rounding errors.
@pytest.mark.parametrize(
    ("enlarge", "shape", "factor"),
    [("bilinear", SHAPE, factor) for factor in (1, 2, 3, 4, 5)]
    + [("nearest", (2, 24, 36, 3), factor) for factor in (1, 2, 3, 4)],
)
def test_downsample_is_what_pillow_does(enlarge, shape, factor):
    clip = clips(shape=shape)
    system = build("downsample", clip_shape=shape, factor=factor, enlarge=enlarge)
    height, width = shape[1:3]
    up = getattr(Image.Resampling, enlarge.upper())

    def pillow(plane):
        small = Image.fromarray(plane).resize(
            (width // factor, height // factor), Image.Resampling.BILINEAR
        )
        return np.asarray(small.resize((width, height), up))

    np.testing.assert_allclose(
        system.transform(clip)["clip"], every_plane(pillow, clip), rtol=0, atol=2e-6
    )


@pytest.mark.parametrize(("name", "factor"), [("downsample_2x", 2), ("downsample_4x", 4)])
def test_named_downsamples_have_their_factor(name, factor):
    clip = clips()
    named = build(name, clip_shape=SHAPE).transform(clip)["clip"]
    free = build("downsample", clip_shape=SHAPE, factor=factor).transform(clip)["clip"]
    np.testing.assert_array_equal(named, free)
    assert np.abs(named - clip).mean() > 0.05


@pytest.mark.parametrize(("name", "size"), [("weak_blur", 13), ("strong_blur", 21)])
def test_blur_is_what_scipy_does(name, size):
    clip = clips()
    weights = np.exp(-0.5 * (np.arange(-(size // 2), size // 2 + 1) / 10.0) ** 2)
    weights /= weights.sum()

    def blurred(plane):
        for axis in (0, 1):
            plane = scipy.ndimage.correlate1d(plane, weights, axis=axis, mode="mirror")
        return plane

    system = build(name, clip_shape=SHAPE, whole_frame=True)
    np.testing.assert_allclose(
        system.transform(clip)["clip"], every_plane(blurred, clip), rtol=0, atol=2e-6
    )


def test_a_wide_kernel_is_scipys_gaussian():
    """Cut off far out, the kernel is the Gaussian filter of SciPy."""
    clip = clips(1)
    system = build("blur", clip_shape=SHAPE, kernel_size=17, sigma=2.0, whole_frame=True)
    expected = every_plane(
        lambda plane: scipy.ndimage.gaussian_filter(plane, 2.0, mode="mirror", radius=8), clip
    )
    np.testing.assert_allclose(system.transform(clip)["clip"], expected, rtol=0, atol=2e-6)


def test_kernel_sums_to_one_and_is_symmetric():
    kernel = gaussian_kernel(21, 10.0)
    assert kernel.sum() == pytest.approx(1.0, abs=1e-12)
    np.testing.assert_allclose(kernel, kernel[::-1])
    assert kernel[10] / kernel[0] == pytest.approx(np.exp(0.5))


def test_a_blur_wider_than_the_frame():
    clip = clips(1, (1, 4, 1, 3))
    made = build("strong_blur", clip_shape=(1, 4, 1, 3), whole_frame=True).transform(clip)["clip"]
    for channel in range(3):
        weights = gaussian_kernel(21, 10.0)
        expected = scipy.ndimage.correlate1d(clip[0, 0, :, 0, channel], weights, mode="mirror")
        np.testing.assert_allclose(made[0, 0, :, 0, channel], expected, atol=1e-6)


def test_raw_changes_nothing():
    clip = clips()
    np.testing.assert_array_equal(build("raw", clip_shape=SHAPE).transform(clip)["clip"], clip)


@pytest.mark.parametrize("name", EXACT)
def test_eight_bit_clips_give_the_same_as_floats(name):
    pixels = np.random.default_rng(1).integers(0, 256, (2, *SHAPE), "uint8")
    boxes = np.tile(np.array([0.2, 0.3, 0.7, 0.9], "float32"), (2, 3, 1))
    system = build(name, clip_shape=SHAPE)
    of_pixels = system.transform(pixels, boxes)["clip"]
    of_floats = system.transform(pixels.astype("float32") / 255.0, boxes)["clip"]
    assert of_pixels.dtype == np.float32 and of_pixels.shape == pixels.shape
    np.testing.assert_array_equal(of_pixels, of_floats)
    assert of_pixels.min() >= 0.0 and of_pixels.max() <= 1.0


@pytest.mark.parametrize("name", EXACT)
def test_fit_is_a_formality(name):
    assert build(name, clip_shape=SHAPE).fit((clips(), {})) == {}


@pytest.mark.parametrize("name", [*EXACT, "downsample", "blur"])
def test_settings_survive_a_file(name, tmp_path):
    settings = {
        "downsample": {"factor": 5, "enlarge": "nearest"},
        "blur": {"kernel_size": 3, "sigma": 0.7, "without_box": "whole_frame"},
    }
    system = build(name, clip_shape=SHAPE, batch_size=3, seed=4, **settings.get(name, {}))
    system.save(tmp_path / "system")
    again = System.load(tmp_path / "system")
    assert type(again) is type(system) and again.get_config() == system.get_config()
    boxes = np.tile(np.array([0.2, 0.3, 0.7, 0.9], "float32"), (2, 3, 1))
    np.testing.assert_array_equal(
        again.transform(clips(), boxes)["clip"], system.transform(clips(), boxes)["clip"]
    )


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("raw", {"clip_shape": (8, 32, 32)}, "clip_shape must be"),
        ("raw", {"batch_size": 0}, "batch_size must be at least 1"),
        ("raw", {"factor": 2}, "raw has no setting factor"),
        ("downsample", {"factor": 0}, "factor must be from 1"),
        ("downsample_2x", {"clip_shape": (1, 1, 9, 3)}, "factor must be from 1"),
        ("downsample", {"enlarge": "cubic"}, "enlarge must be one of"),
        ("blur", {"kernel_size": 4}, "kernel_size must be odd"),
        ("blur", {"sigma": 0.0}, "sigma must be positive"),
        ("blacken", {"without_box": "drop"}, "without_box must be one of"),
        ("pixelate", {}, "no system is named 'pixelate'"),
    ],
)
def test_wrong_settings_are_named(name, settings, message):
    with pytest.raises(ValueError, match=message):
        build(name, **settings)


def test_unknown_preset_is_named():
    with pytest.raises(ValueError, match='preset must be None or "embedded"'):
        build("raw", preset="tiny")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros((2, 4, 21, 26, 3), "float32"), "was built for clips of"),
        (np.zeros(SHAPE, "float32"), "add a batch axis"),
        (np.full((1, *SHAPE), np.nan, "float32"), "finite pixels"),
        (np.full((1, *SHAPE), 200.0, "float32"), "Divide 8-bit pixels by 255"),
    ],
)
def test_wrong_clips_are_named(given, message):
    with pytest.raises(ValueError, match=message):
        build("raw", clip_shape=SHAPE).transform(given)


def test_a_keep_ratio_where_there_is_none():
    with pytest.raises(ValueError, match="raw has no keep_ratio"):
        build("raw", clip_shape=SHAPE).transform(clips(), keep_ratio=0.5)


def test_folders_that_are_no_system(tmp_path):
    with pytest.raises(FileNotFoundError, match="no system was saved there"):
        System.load(tmp_path)
    (tmp_path / "system.json").write_text('{"format": "stprivacy-system", "version": 99}')
    with pytest.raises(ValueError, match="newer version"):
        System.load(tmp_path)


def test_a_save_that_breaks_off_leaves_no_complete_system(tmp_path, monkeypatch):
    system = build("raw", clip_shape=SHAPE)
    system.save(tmp_path)
    monkeypatch.setattr(type(system), "_save_weights", lambda self, folder: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        system.save(tmp_path)
    with pytest.raises(FileNotFoundError):
        System.load(tmp_path)


def test_every_name_is_that_of_its_class():
    from keras_stprivacy.baselines import system_class

    for name in (*systems(), "downsample", "blur"):
        assert system_class(name).name == name
        assert isinstance(build(name), System)
