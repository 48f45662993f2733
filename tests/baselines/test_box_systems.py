"""Boxes: their forms, the pixels inside, and frames that have none."""

import numpy as np
import pytest

from keras_stprivacy.baselines import System, build
from keras_stprivacy.baselines.boxes import (
    detected_boxes,
    frames_with_box,
    inside,
    standardize_boxes,
)
from keras_stprivacy.data import motion_digits
from keras_stprivacy.evaluation.notes import box_notes

pytestmark = pytest.mark.any_backend

SHAPE = (2, 10, 20, 3)
NONE = [np.nan] * 4


def clips(count=1):
    return np.random.default_rng(0).uniform(0.1, 1.0, (count, *SHAPE)).astype("float32")


@pytest.mark.parametrize("name", ["blacken", "weak_blur", "strong_blur"])
def test_pixels_outside_stay_and_those_inside_change(name):
    clip = clips()
    boxes = np.array([[[0.2, 0.5, 0.6, 0.75], [0.0, 0.0, 0.1, 0.05]]])
    made = build(name, clip_shape=SHAPE).transform(clip, boxes)["clip"]
    whole = build(name, clip_shape=SHAPE, whole_frame=True).transform(clip)["clip"]
    pixels = np.zeros((1, *SHAPE[:3]), bool)
    pixels[0, 0, 2:6, 10:15] = True
    pixels[0, 1, 0, 0] = True
    np.testing.assert_array_equal(made[~pixels], clip[~pixels])
    np.testing.assert_array_equal(made[pixels], whole[pixels])
    assert (made[pixels] != clip[pixels]).all()


def test_a_pixel_that_a_box_touches_is_inside():
    box = standardize_boxes(np.array([[[0.25, 0.41, 0.31, 0.49]]]), 1, 1)
    found = np.argwhere(inside(box, 10, 10)[0, 0])
    assert found.tolist() == [[2, 4], [3, 4]]


def test_a_box_on_edges_of_pixels_touches_no_others():
    for size in (7, 30, 112):
        for low in range(size):
            box = np.array([low, 0, low + 1, size], "float32") / np.float32(size)
            found = inside(standardize_boxes(box[None, None], 1, 1), size, size)
            assert found.sum() == size and found[0, 0, low].all()


def test_several_boxes_and_ragged_ones_are_one_form():
    first, second = [0.1, 0.1, 0.2, 0.2], [0.5, 0.5, 0.9, 0.9]
    ragged = standardize_boxes([[np.array([first, second]), np.zeros((0, 4))]], 1, 2)
    padded = standardize_boxes(np.array([[[first, second], [NONE, [0.3, 0.3, 0.3, 0.3]]]]), 1, 2)
    np.testing.assert_array_equal(ragged, padded)
    assert frames_with_box(ragged).tolist() == [[True, False]]
    pixels = inside(ragged, 10, 10)
    assert pixels[0, 0].sum() == 1 + 16 and not pixels[0, 1].any()


@pytest.mark.parametrize("box", [[0.5, 0.1, 0.2, 0.9], [0.1, np.nan, 0.5, 0.9]])
def test_a_box_that_would_leave_a_person_visible_is_an_error(box):
    boxes = np.array([[[[0.1, 0.1, 0.2, 0.2], NONE], [NONE, box]]])
    with pytest.raises(ValueError, match=r"a row of NaN alone is no box.*in clip 0, frame 1"):
        standardize_boxes(boxes, 1, 2)


@pytest.mark.parametrize(
    ("boxes", "message"),
    [
        (np.zeros((1, 3, 4)), "boxes must have the shape"),
        (np.zeros((1, 2, 5)), "boxes must have the shape"),
        (np.array([[[0, 0, 10, 20]] * 2]), "divide pixels by height and width"),
        ([[np.zeros((1, 4))], [np.zeros((1, 4))] * 2], "for every frame of every clip"),
    ],
)
def test_other_forms_are_refused(boxes, message):
    with pytest.raises(ValueError, match=message):
        standardize_boxes(boxes, 1, 2)


def test_a_box_beside_the_frame_is_none():
    box = standardize_boxes(np.array([[[1.1, 1.1, 1.3, 1.3]], [[-0.5, 0.2, 0.1, 0.4]]]), 2, 1)
    assert frames_with_box(box).tolist() == [[False], [True]]
    np.testing.assert_allclose(box[1, 0, 0], [0.0, 0.2, 0.1, 0.4])


def test_without_boxes_there_is_an_error():
    with pytest.raises(ValueError, match="blacken needs boxes of persons"):
        build("blacken", clip_shape=SHAPE).transform(clips())


def test_frames_without_a_box_are_counted():
    system = build("blacken", clip_shape=SHAPE)
    box = [0.0, 0.0, 1.0, 1.0]
    boxes = np.array([[box, NONE], [NONE, NONE], [box, box]], "float32")
    made = system.transform(clips(3), boxes)["clip"]
    assert system.report == {
        "clips": 3,
        "frames": 6,
        "frames_without_box": 3,
        "clips_without_box": 1,
        "share_without_box": 0.5,
        "without_box": "keep",
    }
    np.testing.assert_array_equal(made[1], clips(3)[1])
    assert made[2].max() == 0.0
    system.transform(clips(3), boxes)
    assert system.report["frames"] == 12
    system.reset_report()
    assert system.report["frames"] == 0 and system.report["share_without_box"] == 0.0


def test_frames_without_a_box_may_be_changed_as_a_whole():
    system = build("blacken", clip_shape=SHAPE, without_box="whole_frame")
    made = system.transform(clips(), np.array([[[0.0, 0.0, 0.5, 0.5], NONE]]))["clip"]
    said = box_notes(system.report, "blacken")
    assert said == ["blacken: 1 of 2 frames (50.0 %) had no person box and were changed as a whole"]
    assert made[0, 1].max() == 0.0 and made[0, 0].max() > 0.0
    assert system.report["frames_without_box"] == 1


def test_a_detector_is_asked_about_every_frame():
    asked = []

    def detector(frames):
        asked.append(frames)
        return [np.array([[0.0, 0.0, 0.5, 1.0]])] * 3 + [np.zeros((0, 4))]

    system = build("blacken", clip_shape=SHAPE, detector=detector)
    made = system.transform(clips(2))["clip"]
    assert asked[0].shape == (4, 10, 20, 3) and asked[0].dtype == np.uint8
    np.testing.assert_array_equal(asked[0][0], np.rint(clips(2)[0, 0] * 255))
    assert made[0, :, :5].max() == 0.0 and made[0, :, 5:].min() > 0.0
    np.testing.assert_array_equal(made[1, 1], clips(2)[1, 1])
    assert system.report["frames_without_box"] == 1


def test_boxes_of_the_caller_come_before_the_detector():
    system = build("blacken", clip_shape=SHAPE, detector=lambda frames: 1 / 0)
    made = system.transform(clips(), np.array([[[0.0, 0.0, 1.0, 1.0]] * 2]))["clip"]
    assert made.max() == 0.0


def test_a_detector_that_skips_frames_is_refused():
    with pytest.raises(ValueError, match="each of 2 frames. Received: 1"):
        detected_boxes(lambda frames: [np.zeros((0, 4))], clips())


def test_a_detector_must_be_a_function():
    with pytest.raises(TypeError, match="detector must be a function"):
        build("blacken", detector="yolo")


def test_a_detector_is_given_again_when_a_system_is_loaded(tmp_path):
    system = build("blacken", clip_shape=SHAPE, detector=lambda frames: 1 / 0)
    system.save(tmp_path)
    with pytest.raises(ValueError, match="needs boxes"):
        System.load(tmp_path).transform(clips())
    everywhere = lambda frames: np.tile([0.0, 0.0, 1.0, 1.0], (len(frames), 1, 1))  # noqa: E731
    assert System.load(tmp_path, detector=everywhere).transform(clips())["clip"].max() == 0.0


def test_boxes_of_the_embedded_dataset_cover_the_digit():
    digits = motion_digits("test", num_clips=32, cache=False)
    system = build("blacken", preset="embedded")
    made = system.transform(digits.clips, digits.boxes)["clip"]
    assert system.report["frames_without_box"] == 0
    changed = (made != digits.clips.astype("float32") / 255.0).any(axis=-1)
    covered = inside(standardize_boxes(digits.boxes, 32, 8), 32, 32)
    assert not (changed & ~covered).any()
    assert 0.02 < covered.mean() < 0.5
