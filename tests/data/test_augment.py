import colorsys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keras_stprivacy.data.augment import Augment, colour_change, crop_window

pytestmark = pytest.mark.any_backend

draw = st.floats(0, 1, exclude_max=True, width=32)
NOTHING = {"brightness": 0, "contrast": 0, "saturation": 0, "hue": 0}
NO_COLOUR = Augment(**NOTHING)


@given(
    height=st.integers(1, 300),
    width=st.integers(1, 300),
    aspect=st.sampled_from([0.5, 1.0, 16 / 9]),
    draws=st.tuples(draw, draw, draw, draw),
)
def test_windows_are_whole_pixels_inside_of_the_frame(height, width, aspect, draws):
    window = crop_window(Augment(), float(height), float(width), aspect, np.array(draws))
    top, left, window_height, window_width = window

    assert all(float(number).is_integer() for number in window)
    assert top >= 0
    assert left >= 0
    assert 1 <= window_height <= height - top
    assert 1 <= window_width <= width - left


def test_windows_have_the_area_and_shape_that_was_asked_for():
    augment = Augment(crop_scale=(0.25, 0.25), crop_ratio=(1.0, 1.0))
    _, _, height, width = crop_window(augment, 200.0, 200.0, 1.0, np.array([0.3, 0.6, 0.5, 0.5]))
    assert (height, width) == (100, 100)

    _, _, height, width = crop_window(augment, 200.0, 200.0, 4.0, np.array([0.3, 0.6, 0.5, 0.5]))
    assert (height, width) == (50, 200)


def test_the_whole_frame_is_kept_at_scale_one():
    augment = Augment(crop_scale=(1.0, 1.0), crop_ratio=(1.0, 1.0))
    window = crop_window(augment, 64.0, 64.0, 1.0, np.array([0.9, 0.9, 0.9, 0.9]))
    assert [int(number) for number in window] == [0, 0, 64, 64]


def test_no_colour_change_is_the_identity():
    assert not NO_COLOUR.changes_colour
    matrix, offset = colour_change(NO_COLOUR, np.array([0.1, 0.9, 0.3, 0.7]))
    np.testing.assert_allclose(matrix, np.eye(3), atol=1e-3)
    np.testing.assert_allclose(offset, 0, atol=1e-6)


def test_each_colour_change_does_what_it_says():
    pixel = np.array([0.6, 0.3, 0.2])
    highest = np.array([1.0, 1.0, 1.0, 0.5])

    def changed(**amounts):
        augment = Augment(**{**NOTHING, **amounts})
        matrix, offset = colour_change(augment, highest)
        return pixel @ matrix + offset

    np.testing.assert_allclose(changed(brightness=0.2), pixel * 1.2, atol=2e-3)
    np.testing.assert_allclose(changed(contrast=0.4), (pixel - 0.5) * 1.4 + 0.5, atol=2e-3)
    luma = pixel @ [0.299, 0.587, 0.114]
    np.testing.assert_allclose(changed(saturation=1.0), luma + 2 * (pixel - luma), atol=2e-3)


def test_hue_turns_and_luma_stays():
    pixel = np.array([0.7, 0.3, 0.3])
    matrix, _ = colour_change(
        Augment(brightness=0, contrast=0, saturation=0, hue=0.1), np.array([0.5, 0.5, 0.5, 1.0])
    )
    turned = pixel @ matrix

    np.testing.assert_allclose(turned @ [0.299, 0.587, 0.114], pixel @ [0.299, 0.587, 0.114], 1e-3)
    distance = abs(colorsys.rgb_to_hsv(*turned)[0] - colorsys.rgb_to_hsv(*pixel)[0])
    assert 0.05 < min(distance, 1 - distance) < 0.15


@pytest.mark.parametrize(
    "wrong",
    [
        {"crop_scale": (0.0, 1.0)},
        {"crop_scale": (0.9, 0.5)},
        {"crop_scale": (0.5, 1.5)},
        {"crop_ratio": (0.0, 1.0)},
        {"flip": 1.5},
        {"brightness": -0.1},
        {"hue": 0.6},
    ],
)
def test_wrong_arguments_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Augment(**wrong)
