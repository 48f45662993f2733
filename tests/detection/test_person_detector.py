import json
import sys

import numpy as np
import pytest

from keras_stprivacy.detection import PersonDetector, load_detector

pytestmark = pytest.mark.any_backend


class Bright(PersonDetector):
    """Takes the box of what is white for a person, of what is gray for something else."""

    def __init__(self, **options):
        super().__init__((64, 64), 80, **options)
        self.batches = []

    def predict(self, images):
        self.batches.append(len(images))
        boxes = np.zeros((len(images), 3, 4), "float32")
        confidence = np.zeros((len(images), 3), "float32")
        classes = np.full((len(images), 3), -1)
        for i, image in enumerate(images):
            for k, (low, high, kind) in enumerate([(200, 256, 0), (90, 160, 7)]):
                rows, columns = np.nonzero((image[..., 0] >= low) & (image[..., 0] < high))
                if len(rows):
                    boxes[i, k] = rows.min(), columns.min(), rows.max() + 1, columns.max() + 1
                    confidence[i, k], classes[i, k] = 0.9, kind
            boxes[i, 2], confidence[i, 2], classes[i, 2] = [1e9, np.nan, -5, 3], 0.99, 0
        return boxes, confidence, classes


def frames():
    clip = np.zeros((5, 32, 48, 3), "uint8")
    clip[0, 8:16, 12:36] = 255
    clip[1, 8:16, 12:36] = 120  # no person
    clip[3, 0:32, 0:24] = 255
    return clip


def test_boxes_are_shares_of_the_frame_whatever_the_size_of_the_model():
    detector = Bright(batch_size=2)
    found = detector(frames())
    assert [len(boxes) for boxes in found] == [1, 0, 0, 1, 0]
    np.testing.assert_allclose(found[0][0], [0.25, 0.25, 0.5, 0.75], atol=0.03)
    np.testing.assert_allclose(found[3][0], [0, 0, 1, 0.5], atol=0.03)
    assert detector.batches == [2, 2, 2]
    alone = [detector(frame[None])[0] for frame in frames()]
    for one, among in zip(alone, found, strict=True):
        np.testing.assert_array_equal(one, among)


def test_what_the_model_is_less_sure_of_is_no_person():
    assert not any(map(len, Bright(confidence=0.95)(frames())))
    assert Bright()(frames()[:0]) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"confidence": 2}, "confidence must be in"),
        ({"batch_size": 0}, "batch_size must be at least 1"),
        ({"person_class": 80}, "person_class must be the index .* 80 classes"),
    ],
)
def test_wrong_arguments(options, message):
    with pytest.raises(ValueError, match=message):
        Bright(**options)
    with pytest.raises(ValueError, match=r"frames must be uint8 \(frames, height, width, 3\)"):
        Bright()(np.zeros((2, 4, 4, 3)))


def test_classes_that_are_not_cocos_need_a_name():
    with pytest.raises(ValueError, match=r"20 classes; it is known for COCO's"):
        PersonDetector((8, 8), 20)
    assert PersonDetector((8, 8), 91).person_class == 1


def test_a_folder_without_a_detector(tmp_path):
    with pytest.raises(ValueError, match=r"holds no detector.*no config.json"):
        load_detector(tmp_path)
    (tmp_path / "config.json").write_text(json.dumps({"registered_name": "keras_hub>ViTBackbone"}))
    with pytest.raises(ValueError, match=r"Received: keras_hub>ViTBackbone"):
        load_detector(tmp_path)


@pytest.mark.parametrize(
    ("file", "name", "library", "extra"),
    [
        ("task.json", "keras_hub>RetinaNetObjectDetector", "keras_hub", "hub"),
        ("config.json", "keras_cv.models>YOLOV8Detector", "keras_cv", "cv"),
    ],
)
def test_a_missing_library_is_named(tmp_path, monkeypatch, file, name, library, extra):
    (tmp_path / file).write_text(json.dumps({"registered_name": name}))
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(ImportError, match=rf"pip install 'keras-stprivacy\[{extra}\]'"):
        load_detector(tmp_path)
