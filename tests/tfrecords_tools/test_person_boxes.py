import numpy as np
import pytest
from click.testing import CliRunner

import keras_stprivacy.detection
from keras_stprivacy.data import dataset_info
from tfrecords_tools import ConversionSettings, convert
from tfrecords_tools.cli import main
from tfrecords_tools.datasets.folder import folder

pytestmark = pytest.mark.any_backend


@pytest.fixture
def preset(tmp_path, monkeypatch):
    """A detector that finds one person in frames darker than 40, two below 25, else none."""

    def detect(frames):
        levels = frames.mean(axis=(1, 2, 3))
        return [
            np.float32([[0.1, 0.2, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]])[: int((x < 40) + (x < 25))]
            for x in levels
        ]

    monkeypatch.setattr(keras_stprivacy.detection, "load_detector", lambda place: detect)
    (tmp_path / "preset").mkdir()
    (tmp_path / "preset" / "config.json").write_text("{}")
    return tmp_path / "preset"


def test_boxes_are_stored_and_frames_without_one_counted(videos, tmp_path, preset, read_records):
    arguments = ["convert", "folder", videos, tmp_path / "out", "--boxes", "detector"]
    arguments += ["--detector-weights", preset]
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    seen = without = total = 0
    for record in read_records(tmp_path / "out"):
        for feature in record.lists["PERSON/region/bbox/ymin"].feature:
            count = len(feature.float_list.value)
            seen, without, total = seen + count, without + (not count), total + 1
    assert seen > 0 and without > 0
    assert f"no person box in {without} of {total} frames" in result.stdout


def test_another_detector_makes_other_shards(videos, tmp_path, preset):
    settings = ConversionSettings(detector=str(preset))
    first = convert(folder(videos), tmp_path / "out", settings, workers=1)
    described = first.info.settings["detector"]
    assert described["preset"] == "preset"
    assert str(tmp_path) not in (tmp_path / "out" / "dataset.json").read_text()
    assert convert(folder(videos), tmp_path / "out", settings, workers=2).kept_shards
    other = tmp_path / "other"
    other.mkdir()
    (other / "config.json").write_text('{"a": 1}')
    again = convert(folder(videos), tmp_path / "out", ConversionSettings(detector=str(other)))
    assert not again.kept_shards


def test_a_folder_without_a_detector_is_no_conversion(videos, tmp_path, digests):
    (tmp_path / "empty").mkdir()
    convert(folder(videos), tmp_path / "out")
    before = digests(tmp_path / "out")
    with pytest.raises(ValueError, match="holds no detector"):
        convert(
            folder(videos), tmp_path / "out", ConversionSettings(detector=str(tmp_path / "empty"))
        )
    assert digests(tmp_path / "out") == before


def test_the_class_of_persons_reaches_the_detector(videos, tmp_path, monkeypatch):
    asked = []

    def load(place, **options):
        asked.append(options)
        return lambda frames: [np.zeros((0, 4), "float32")] * len(frames)

    monkeypatch.setattr(keras_stprivacy.detection, "load_detector", load)
    (tmp_path / "preset").mkdir()
    arguments = ["convert", "folder", videos, tmp_path / "out", "--boxes", "detector"]
    arguments += ["--detector-weights", tmp_path / "preset"]
    for options in ([], ["--person-class", "14"], ["--person-class", "14"]):
        result = CliRunner().invoke(main, [*map(str, arguments), *options])
        assert result.exit_code == 0, result.output
    assert asked == [{}, {"person_class": 14}]  # the third run finds all as it is to be
    assert dataset_info(tmp_path / "out").settings["detector"]["person_class"] == 14

    alone = CliRunner().invoke(main, [*map(str, arguments[:4]), "--person-class", "14"])
    assert alone.exit_code == 2
    assert "--person-class needs --boxes detector" in alone.stderr
    with pytest.raises(ValueError, match="given with a detector. Received: person_class=14"):
        ConversionSettings(person_class=14)
