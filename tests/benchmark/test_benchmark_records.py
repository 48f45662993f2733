"""Benchmarks of records: boxes, labels of frames, and a detector where there are no boxes."""

import dataclasses

import numpy as np
import pytest
from click.testing import CliRunner
from stand_ins import learn_nothing

import keras_stprivacy as stp
from keras_stprivacy.benchmark.cell_run import trained_system
from keras_stprivacy.benchmark.data import actions_between, load_data
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.reopened import with_options
from keras_stprivacy.benchmark.variant import system_variants
from keras_stprivacy.cli.main import main
from keras_stprivacy.data.augment import Augment
from tfrecords_tools import convert
from tfrecords_tools.datasets.motion_digits import motion_digits_source
from tfrecords_tools.frame_attributes import FrameAttributes

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

SETTINGS = stp.benchmark.Settings(
    seeds=1,
    attackers=("linear_probe",),
    epochs=1,
    batch_size=16,
    num_frames=8,
    frame_step=1,
    image_size=32,
    bootstrap=50,
)
ANNOTATED = 5  # frames of a test clip, of 8


@pytest.fixture
def write_digits(tmp_path):
    """Records of moving digits; with boxes in all frames but the last, and labels of frames."""

    def write(boxes=True, frame_labels=True, of_source=None):
        source = motion_digits_source(num_train=64, num_test=24)

        def changed():
            for number, entry in enumerate(source.make_entries()):
                of_clip = np.array(entry.boxes)
                of_clip[-1] = np.nan
                segments = {
                    name: ((0, ANNOTATED - 1, (int(value),)),)
                    for name, value in zip(source.attribute_names, entry.attributes, strict=True)
                }
                labelled = frame_labels and entry.split == "test"
                yield dataclasses.replace(
                    entry,
                    boxes=of_clip if boxes else None,
                    frame_attributes=FrameAttributes(segments) if labelled else None,
                    source_video=None if of_source is None else f"shot {number // of_source}",
                )

        made = dataclasses.replace(source, make_entries=changed)
        convert(made, tmp_path / "records", source.settings, workers=1)
        return tmp_path / "records"

    return write


def test_systems_get_the_boxes_and_frame_attackers_the_labels_of_records(write_digits, tmp_path):
    report = stp.benchmark.PROTOCOLS["frames"](
        write_digits(), tmp_path / "out", systems=["blacken"], settings=SETTINGS
    )
    assert not report.failures
    notes = " ".join(report.notes)
    assert f"{ANNOTATED * 24} frames of 24 videos" in notes
    assert "the test has no labels of frames" not in notes
    counted = report["blacken"].boxes
    assert counted["frames"] == 8 * (64 + 24)
    assert counted["share_without_box"] == 1 / 8
    assert "cut from one source video" in notes


def test_clips_of_one_source_video_are_drawn_together(write_digits, tmp_path):
    records = write_digits(frame_labels=False, of_source=2)
    settings = dataclasses.replace(SETTINGS, bootstrap=400)
    report = stp.benchmark.PROTOCOLS["known"](records, tmp_path / "out", ["raw"], settings)
    notes = " ".join(report.notes)
    # 64 clips train, and the other 24 are of 12 shots: too few.
    assert "12 source videos (of 24 test videos) are too few for intervals" in notes
    assert report["raw"].scores["top_1"].low is None


def test_what_learned_from_records_is_tested_on_the_embedded_dataset(write_digits, tmp_path):
    settings = dataclasses.replace(SETTINGS, test_clips=24)
    report = stp.benchmark.PROTOCOLS["frames"](
        write_digits(), tmp_path / "out", ["blacken"], settings, to="motion-digits"
    )
    assert not report.failures
    notes = " ".join(report.notes)
    assert "192 frames of 24 videos" in notes and "tested on motion-digits" in notes
    assert "one of all its frames" in notes and "cut from one source video" not in notes


def test_records_without_boxes_or_labels_of_frames(write_digits, monkeypatch):
    records = write_digits(boxes=False, frame_labels=False)
    data = load_data(records, SETTINGS)
    for split in (data.train, data.test):
        assert set(next(iter(split))[1]) == {"action", "privacy"}
    assert not data.frame_labels
    assert "frame_labels" not in data.about
    planned = []
    monkeypatch.setattr(
        "keras_stprivacy.benchmark.protocols.run", lambda plan, out, progress: planned.append(plan)
    )
    stp.benchmark.PROTOCOLS["frames"](records, "nowhere", settings=SETTINGS)
    assert "the test has no labels of frames" in " ".join(planned[0].notes)


def test_the_files_behind_records_are_known(write_digits):
    sources = load_data(write_digits(), SETTINGS).sources
    assert {split: len(files) for split, files in sources.items()} == {"train": 64, "test": 24}
    assert not sources["train"] & sources["test"]


def test_records_of_the_embedded_dataset_are_not_flipped(write_digits):
    digits = stp.data.motion_digits("train", 64)
    for clips, labels in load_data(write_digits(), SETTINGS).train:
        for clip, action in zip(clips.numpy(), labels["action"], strict=True):
            distance = np.abs(clip - digits.clips / 255).mean(axis=(1, 2, 3, 4))
            assert distance.min() < 0.03
            assert digits.action[distance.argmin()] == action


def test_systems_get_records_in_batches_of_their_own(write_digits, tmp_path, monkeypatch):
    """And as they are, where a system changes them at random by itself."""
    given = learn_nothing(monkeypatch)
    changes = {"spact": {"batch_size": 4}, "collective": {"batch_size": 8}}
    data = load_data(write_digits(), SETTINGS)
    flipped = Augment(flip=1.0)
    data = dataclasses.replace(data, train=with_options(data.train, augment=flipped))
    plan = Plan("known", system_variants(changes, changes), data, data, SETTINGS)
    for variant in plan.variants[1:]:
        trained_system(plan, variant, 0, tmp_path)
    (spact, _), (collective, _) = given
    assert [len(next(iter(split))[0]) for split in (spact, collective)] == [4, 8]
    assert [split.make.keywords["augment"] for split in (spact, collective)] == [None, flipped]
    assert len(next(iter(data.train))[0]) == SETTINGS.batch_size  # the attackers'

    half = actions_between(data, 0, 4).train  # some clips of a batch are of other actions
    assert all(len(clips) <= 4 for clips, _ in with_options(half, batch_size=4))
    assert with_options((1, {}), batch_size=4) == (1, {})


def test_records_that_are_attacked_are_cut_by_steps_of_their_own(write_digits, monkeypatch):
    records, planned = write_digits(), []
    monkeypatch.setattr(
        "keras_stprivacy.benchmark.protocols.run", lambda plan, out, progress: planned.append(plan)
    )
    settings = dataclasses.replace(SETTINGS, num_frames=4, to_frame_step=2)
    for protocol in ("unseen", "frames"):
        stp.benchmark.PROTOCOLS[protocol](records, "nowhere", settings=settings, to=str(records))
    unseen, frames = planned

    def step(split):
        return getattr(split, "batches", split).make.keywords["frame_step"]

    assert [step(unseen.learned_from.train), step(unseen.attacked.train)] == [1, 2]
    assert [step(frames.attacked.train), step(frames.attacked.test)] == [1, 2]
    variant = unseen.variants[0]
    same = dataclasses.replace(unseen, settings=dataclasses.replace(settings, to_frame_step=None))
    assert unseen.of_cell(variant) != same.of_cell(variant)


def test_a_detector_finds_persons_where_records_hold_no_boxes(write_digits, tmp_path, monkeypatch):
    asked = []

    def load_detector(folder, **options):
        asked.append((folder, options))
        return lambda frames: np.tile([0.0, 0.0, 0.5, 1.0], (len(frames), 1, 1))

    monkeypatch.setattr("keras_stprivacy.detection.load_detector", load_detector)
    settings = dataclasses.replace(SETTINGS, detector="the folder", person_class=14)
    data = load_data(write_digits(boxes=False), settings)
    plan = Plan("known", system_variants(["raw", "blacken"]), data, data, settings)
    raw, blacken = (trained_system(plan, variant, 0, tmp_path)[0] for variant in plan.variants)
    assert asked == [("the folder", {"person_class": 14})]
    given = np.asarray(blacken.transform(np.ones((1, 8, 32, 32, 3), "float32"))["clip"])
    assert not given[:, :, :16].any()
    assert (given[:, :, 16:] == 1).all()
    assert not raw.uses_boxes


def test_a_cell_knows_the_detector_by_its_content(tmp_path):
    for place, content in (("a", b"1"), ("b", b"1"), ("c", b"2")):
        (tmp_path / place / "preset").mkdir(parents=True)
        (tmp_path / place / "preset" / "model.weights.h5").write_bytes(content)

    def of_cell(place, **options):
        folder = str(tmp_path / place / "preset")
        return dataclasses.replace(SETTINGS, detector=folder, **options).of_cell()

    assert of_cell("a") == of_cell("b") != of_cell("c")
    assert of_cell("a") != of_cell("a", person_class=0) != of_cell("a", person_class=14)
    assert "detector" not in SETTINGS.of_cell() and "person_class" not in SETTINGS.of_cell()
    assert str(tmp_path) not in str(of_cell("a"))
    with pytest.raises(ValueError, match="given with a detector. Received: person_class=14"):
        dataclasses.replace(SETTINGS, person_class=14)


def test_the_command_takes_a_detector(tmp_path, monkeypatch):
    seen = []

    def known(data, out, systems, settings, progress):
        seen.append((settings.detector, settings.person_class))
        raise ValueError("stopped here")

    monkeypatch.setitem(stp.benchmark.PROTOCOLS, "known", known)
    command = ["benchmark", "known", "--out", str(tmp_path / "out")]
    weights = ["--detector-weights", str(tmp_path)]
    result = CliRunner().invoke(main, [*command, *weights, "--person-class", "14"])
    assert result.exit_code == 1 and "stopped here" in result.output
    assert CliRunner().invoke(main, command).exit_code == 1
    assert seen == [(str(tmp_path), 14), (None, None)]
    alone = CliRunner().invoke(main, [*command, "--person-class", "14"])
    assert alone.exit_code == 2 and "--person-class needs --detector-weights" in alone.output
    missing = CliRunner().invoke(main, [*command, "--detector-weights", str(tmp_path / "none")])
    assert missing.exit_code == 2


def test_a_test_batch_holds_as_many_clips_with_views(write_digits):
    records = write_digits(boxes=False, frame_labels=False)
    for views, batch_size, videos in (((2, 3), 16, 2), ((5, 3), 8, 1)):
        changed = {"views": views, "batch_size": batch_size, "num_frames": 4}
        data = load_data(records, dataclasses.replace(SETTINGS, **changed))
        clips = [clips for clips, _ in data.test]
        assert {len(batch) for batch in clips} == {videos} and len(clips) * videos == 24
        assert clips[0].shape[1] == views[0] * views[1]
        assert len(next(iter(data.train))[0]) == batch_size
