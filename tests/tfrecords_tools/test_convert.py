import dataclasses
import io
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import pytest
from made_videos import write_video
from PIL import Image

from keras_stprivacy.data import clip_dataset, dataset_info, motion_digits
from keras_stprivacy.data.errors import EmptyDatasetError, LabelError, NewerFormatError
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert
from tfrecords_tools.datasets.folder import folder
from tfrecords_tools.datasets.motion_digits import motion_digits_source

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

SMALL = ConversionSettings(videos_per_shard=2)


def gray(value, frames=2):
    return np.full((frames, 8, 8, 3), value, "uint8")


def made(count=5, split="train", name="made", **changes):
    entries = [
        SourceEntry(
            **{
                "id": f"v{i}",
                "split": split,
                "action": i % 2,
                "attributes": (i % 2, 1),
                "clip": gray(40 * i),
                "frame_rate": 10.0,
                **changes,
            }
        )
        for i in range(count)
    ]
    return SourceDataset(name, ("a", "b"), ("face", "hair"), None, lambda: iter(entries))


def test_a_record_holds_everything_that_the_format_names(tmp_path, read_records):
    boxes = np.array([[0.1, 0.2, 0.5, 0.6], [0.2, 0.3, 0.6, 0.7]], "float32")
    dataset = made(1, boxes=boxes, attributes=(0, 1), action=0)
    convert(dataset, tmp_path / "out", workers=1)
    (record,) = read_records(tmp_path / "out")

    frames = record.per_frame("image/encoded")
    for frame in frames:
        picture = Image.open(io.BytesIO(frame))
        assert (picture.format, picture.size, picture.mode) == ("JPEG", (8, 8), "RGB")
    assert record.per_frame("image/timestamp") == [0, 100_000]
    context = {
        "image/format": b"jpeg",
        "image/height": 8,
        "image/width": 8,
        "image/channels": 3,
        "image/frame_rate": 10.0,
        "clip/label/index": 0,
        "clip/label/string": b"a",
        "clip/label/text": b"a",
        "PRIVACY/clip/label/index": 1,
        "PRIVACY/clip/label/string": b"hair",
        "PRIVACY/clip/label/is_annotated": 1,
        "example/id": b"v0",
        "example/dataset_name": b"made",
        "clip/data_path": b"v0",
        "clip/start/timestamp": 0,
        "clip/end/timestamp": 200_000,
    }
    assert set(record.context) == set(context)
    for key, value in context.items():
        assert record.one(key) == value, key
    for column, side in enumerate(("ymin", "xmin", "ymax", "xmax")):
        np.testing.assert_allclose(record.per_frame(f"PERSON/region/bbox/{side}"), boxes[:, column])


def test_no_attribute_present_and_not_annotated_are_told_apart(tmp_path, read_records):
    convert(made(1, attributes=(0, 0)), tmp_path / "none", workers=1)
    convert(made(1, attributes=None), tmp_path / "unknown", workers=1)
    for place, annotated in (("none", 1), ("unknown", 0)):
        (record,) = read_records(tmp_path / place)
        assert record.all("PRIVACY/clip/label/index") == []
        assert record.one("PRIVACY/clip/label/is_annotated") == annotated
        assert dataset_info(tmp_path / place).shards("train")[0].unannotated == 1 - annotated


def test_shards_hold_every_video_once_whatever_the_order_of_the_source(tmp_path, read_records):
    dataset = made(7)
    backwards = SourceDataset(
        dataset.name, dataset.class_names, dataset.attribute_names, None,
        lambda: reversed(list(dataset)),
    )  # fmt: skip
    report = convert(dataset, tmp_path / "a", SMALL, workers=1)
    convert(backwards, tmp_path / "b", SMALL, workers=1)

    assert [shard.records for shard in report.info.shards("train")] == [1, 2, 2, 2]
    ids = [record.one("example/id") for record in read_records(tmp_path / "a")]
    assert sorted(ids) == [f"v{i}".encode() for i in range(7)]
    assert ids != sorted(ids)
    for path in (tmp_path / "a").iterdir():
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_output_does_not_depend_on_the_number_of_workers(videos, tmp_path, digests):
    for workers in (1, 2, 4):
        convert(folder(videos), tmp_path / str(workers), SMALL, workers=workers)
    one, two, four = (digests(tmp_path / name) for name in "124")
    assert one == two == four
    assert "dataset.json" in one


def test_a_second_run_keeps_what_is_there_and_mends_what_is_not(videos, tmp_path, digests):
    out = tmp_path / "out"
    first = convert(folder(videos), out, SMALL, workers=1)
    before = digests(out)
    second = convert(folder(videos), out, SMALL, workers=1)
    assert (second.written_shards, second.kept_shards) == ((), first.written_shards)
    assert second.info == first.info

    damaged = out / first.written_shards[1]
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"?")
    (out / first.written_shards[2]).unlink()
    third = convert(folder(videos), out, SMALL, workers=1)
    assert third.written_shards == first.written_shards[1:3]
    assert digests(out) == before


def test_other_settings_or_labels_make_the_shards_anew(videos, tmp_path):
    out = tmp_path / "out"
    convert(folder(videos), out, SMALL, workers=1)
    report = convert(
        folder(videos), out, ConversionSettings(videos_per_shard=2, jpeg_quality=50), workers=1
    )
    assert not report.kept_shards
    report = convert(folder(videos), out, ConversionSettings(videos_per_shard=9), workers=1)
    assert not report.kept_shards
    assert sorted(path.name for path in out.iterdir()) == [
        "dataset.json",
        "test-00000-of-00001.tfrecord",
        "train-00000-of-00001.tfrecord",
    ]


def test_overwrite_makes_everything_anew(tmp_path):
    convert(made(), tmp_path, SMALL, workers=1)
    report = convert(made(), tmp_path, SMALL, workers=1, overwrite=True)
    assert len(report.written_shards) == 3
    assert not report.kept_shards


def test_another_dataset_in_the_way_is_not_touched(tmp_path, digests):
    convert(made(), tmp_path / "out", workers=1)
    before = digests(tmp_path / "out")
    with pytest.raises(FileExistsError, match=r"holds the dataset 'made', not 'other'"):
        convert(made(name="other"), tmp_path / "out", workers=1)
    assert digests(tmp_path / "out") == before
    report = convert(made(name="other"), tmp_path / "out", workers=1, overwrite=True)
    assert report.info.name == "other"


def test_arrays_shrink_like_files_and_never_grow(tmp_path, read_records):
    for short_side, shape in ((4, (4, 4)), (100, (8, 8)), (None, (8, 8))):
        out = tmp_path / str(short_side)
        convert(made(1), out, ConversionSettings(short_side=short_side), workers=1)
        (record,) = read_records(out)
        assert (record.one("image/height"), record.one("image/width")) == shape


class StopError(Exception):
    pass


@pytest.mark.parametrize("stop_after", [1, 3, 6])
def test_an_interrupted_run_goes_on_and_ends_the_same(videos, tmp_path, digests, stop_after):
    def stop(progress):
        if progress.done == stop_after:
            raise StopError

    convert(folder(videos), tmp_path / "whole", SMALL, workers=1)
    with pytest.raises(StopError):
        convert(folder(videos), tmp_path / "parts", SMALL, workers=1, on_progress=stop)
    assert not (tmp_path / "parts" / "dataset.json").exists()
    report = convert(folder(videos), tmp_path / "parts", SMALL, workers=1)
    assert len(report.kept_shards) == (stop_after - 1) // 2
    assert digests(tmp_path / "parts") == digests(tmp_path / "whole")


def test_another_dataset_that_was_begun_is_not_touched(tmp_path, digests):
    def stop(progress):
        if progress.done == 5:
            raise StopError

    out = tmp_path / "out"
    with pytest.raises(StopError):
        convert(made(), out, SMALL, workers=1, on_progress=stop)
    before = digests(out)
    assert before and not (out / "dataset.json").exists()
    with pytest.raises(FileExistsError, match=r"holds the dataset 'made', not 'other'"):
        convert(made(name="other"), out, SMALL, workers=1)
    assert digests(out) == before
    assert convert(made(), out, SMALL, workers=1).kept_shards


def test_two_conversions_at_a_time_do_not_meet_in_one_folder(tmp_path, digests):
    out, refused = tmp_path / "out", []

    def second(progress):
        with pytest.raises(FileExistsError, match="another conversion is writing to .*out. Wait"):
            convert(made(), out, SMALL, workers=1, overwrite=bool(len(refused) % 2))
        refused.append(progress.done)

    convert(made(), out, SMALL, workers=1, on_progress=second)
    assert refused == [1, 2, 3, 4, 5]
    convert(made(), tmp_path / "alone", SMALL, workers=1)
    assert digests(out) == digests(tmp_path / "alone")


def test_a_dataset_of_other_videos_is_not_touched_though_it_has_the_name(tmp_path, digests):
    convert(made(), tmp_path, SMALL, workers=1)
    before = digests(tmp_path)
    entries = [dataclasses.replace(entry, id=f"w{entry.id}") for entry in made()]
    others = dataclasses.replace(made(), make_entries=lambda: iter(entries))
    with pytest.raises(FileExistsError, match="'made' of 5 other videos, such as 'v0'; none of"):
        convert(others, tmp_path, SMALL, workers=1)
    assert digests(tmp_path) == before
    assert set(convert(others, tmp_path, SMALL, overwrite=True).info.sources) == {
        f"wv{i}" for i in range(5)
    }


@pytest.mark.parametrize("text", ['{"name": "nnU-Net"}', "[1]"])
def test_a_dataset_json_of_something_else_is_not_touched(tmp_path, text):
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(FileExistsError, match=r"holds a dataset.json that stprivacy-tfrecords did"):
        convert(made(), tmp_path, SMALL, workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["dataset.json"]
    assert (tmp_path / "dataset.json").read_text() == text
    assert convert(made(), tmp_path, SMALL, workers=1, overwrite=True).info.num_clips("train") == 5


def test_shards_that_nothing_describes_do_not_stay_beside_the_new_ones(tmp_path):
    convert(made(), tmp_path, SMALL, workers=1)
    path = tmp_path / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text()), indent=7))  # by an editor
    report = convert(made(), tmp_path, ConversionSettings(videos_per_shard=3), workers=1)
    shards = sorted(file.name for file in tmp_path.glob("*.tfrecord"))
    assert shards == ["train-00000-of-00002.tfrecord", "train-00001-of-00002.tfrecord"]
    assert len(report.written_shards) == 2
    mine = tmp_path / "other" / "train-00000-of-00001.tfrecord"
    mine.parent.mkdir()
    mine.write_bytes(b"of somebody else")  # no dataset.json beside it
    convert(made(), mine.parent, SMALL, workers=1)
    assert mine.read_bytes() == b"of somebody else"


def test_a_dataset_of_a_later_version_is_not_touched(tmp_path, digests):
    convert(made(), tmp_path, SMALL, workers=1)
    path = tmp_path / "dataset.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "format_version": 99}))
    before = digests(tmp_path)
    with pytest.raises(NewerFormatError, match=r"is of format version 99.*Update the package"):
        convert(made(), tmp_path, SMALL, workers=1)
    assert digests(tmp_path) == before
    assert len(convert(made(), tmp_path, SMALL, workers=1, overwrite=True).written_shards) == 3


def test_a_killed_run_goes_on_and_ends_the_same(videos, tmp_path, digests):
    program = (
        "import os, signal, sys, tfrecords_tools as t\n"
        "from tfrecords_tools.datasets.folder import folder\n"
        "def kill(progress):\n"
        "    if progress.done == 4: os.kill(os.getpid(), signal.SIGKILL)\n"
        "t.convert(folder(sys.argv[1]), sys.argv[2], t.ConversionSettings(videos_per_shard=2),"
        " workers=1, on_progress=kill)\n"
    )
    out = tmp_path / "parts"
    ended = subprocess.run(
        [sys.executable, "-c", program, videos, out], check=False, capture_output=True
    )
    assert ended.returncode == -9
    assert list(out.glob(".*.partial"))
    convert(folder(videos), tmp_path / "whole", SMALL, workers=1)
    assert convert(folder(videos), out, SMALL, workers=1).kept_shards
    assert digests(out) == digests(tmp_path / "whole")


def test_files_of_others_stay(videos, tmp_path):
    others = [tmp_path / ".notes.partial", tmp_path / ".progress" / "mine.txt"]
    begun = [
        folder / f".a.tfrecord.{'0a' * 16}.partial" for folder in (tmp_path, tmp_path / ".progress")
    ]
    (tmp_path / ".progress").mkdir()
    for path in (*others, *begun):
        path.write_text("something")
    convert(folder(videos), tmp_path, SMALL, workers=1)
    assert all(path.read_text() == "something" for path in others)
    assert not any(path.exists() for path in begun)
    assert os.listdir(tmp_path / ".progress") == ["mine.txt"]


def test_what_does_not_decode_is_left_out_with_its_reason(videos, tmp_path):
    (videos / "jump" / "empty.mp4").touch()
    (videos / "jump" / "text.mp4").write_text("no video")
    whole = write_video(videos / "wave" / "cut.mp4", levels=range(0, 200, 2)).read_bytes()
    (videos / "wave" / "cut.mp4").write_bytes(whole[: len(whole) // 2])
    report = convert(folder(videos), tmp_path / "out", workers=2)

    reasons = {item["id"]: item["reason"] for item in report.info.quarantined}
    assert set(reasons) == {"jump/empty", "jump/text", "wave/cut"}
    assert "empty" in reasons["jump/empty"]
    assert report.records == 6
    assert dataset_info(tmp_path / "out").quarantined == report.info.quarantined
    assert "jump/text.mp4: not a video that can be read" in str(report)


def test_links_out_of_the_source_are_not_followed(videos, tmp_path):
    outside = write_video(tmp_path / "elsewhere.mp4")
    (videos / "jump" / "link.mp4").symlink_to(outside)
    (videos / "jump" / "within.mp4").symlink_to(videos / "wave" / "wave_0.mp4")
    report = convert(folder(videos), tmp_path / "out", workers=1)
    assert [item["id"] for item in report.info.quarantined] == ["jump/link"]
    assert "leads out of" in report.info.quarantined[0]["reason"]
    assert report.records == 7


def test_nothing_in_the_output_says_where_it_was_made(videos, tmp_path):
    convert(folder(videos), tmp_path / "out", workers=1)
    for path in (tmp_path / "out").iterdir():
        assert os.fsencode(tmp_path) not in path.read_bytes()


def test_sources_have_hashes(videos, tmp_path):
    import hashlib

    report = convert(folder(videos), tmp_path / "out", workers=1)
    for source in report.info.sources.values():
        data = (videos / source["path"]).read_bytes()
        assert source["sha256"] == hashlib.sha256(data).hexdigest()
        assert source["bytes"] == len(data)


@pytest.mark.parametrize(
    ("dataset", "error", "message"),
    [
        (made(0), EmptyDatasetError, r"'made' has no videos"),
        (made(3, id="same"), ValueError, r"Ids must be unique. Received twice: 'same'"),
        (made(1, split="Train/x"), ValueError, r"split's name .* Received: 'Train/x'"),
        (made(1, action=2), LabelError, r"v0: action 2 is outside of the 2 classes"),
        (made(1, action=-1), LabelError, r"action -1 is outside"),
        (made(1, attributes=(1,)), LabelError, r"attributes must be 2 numbers"),
        (made(1, attributes=(0, 2)), LabelError, r"each 0 or 1. Received: \(0, 2\)"),
        (made(1, clip=None), ValueError, r"exactly one of file and clip"),
        (made(1, frame_rate=None), ValueError, r"a clip needs a frame_rate"),
        (made(1, source_video=""), ValueError, r"v0: source_video must be None, or text"),
        (made(1, source_video=7), ValueError, r"that UTF-8 can store. Received: 7"),
        (made(1, source_video="\udc80"), ValueError, r"source_video must be None, or text"),
    ],
)
def test_wrong_datasets_are_refused_before_anything_is_written(tmp_path, dataset, error, message):
    with pytest.raises(error, match=message):
        convert(dataset, tmp_path / "out", workers=1)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"short_side": 0},
        {"jpeg_quality": 101},
        {"chroma_subsampling": "4:1:0"},
        {"videos_per_shard": 0},
        {"seconds_per_video": 0},
    ],
)
def test_wrong_settings_are_named(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        ConversionSettings(**wrong)


def test_an_output_that_cannot_be_written_is_an_os_error(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match=r"file"):
        convert(made(), tmp_path / "file", workers=1)


def test_motion_digits_keep_their_pixels_labels_and_boxes(tmp_path, monkeypatch, read_records):
    monkeypatch.setenv("STPRIVACY_CACHE", str(tmp_path / "cache"))
    report = convert(motion_digits_source(24, 8, 4), tmp_path / "out", workers=1)
    assert {split: report.info.num_clips(split) for split in report.info.splits} == {
        "train": 24,
        "test": 8,
        "validation": 4,
    }
    digits = motion_digits("test", 8)
    index = {name: i for i, name in enumerate(digits.ids)}
    records = [
        record
        for record in read_records(tmp_path / "out")
        if record.one("example/id").decode() in index
    ]
    order = [index[record.one("example/id").decode()] for record in records]
    dataset = clip_dataset(tmp_path / "out", "test", 8, 1, 32, 8)
    clips, labels = next(iter(dataset))

    difference = np.abs(np.asarray(clips) * 255 - digits.clips[order])
    assert difference.mean() < 1.5
    np.testing.assert_array_equal(labels["action"], digits.action[order])
    np.testing.assert_array_equal(labels["privacy"], digits.privacy[order])
    for record, i in zip(records, order, strict=True):
        boxes = [record.per_frame(f"PERSON/region/bbox/{k}") for k in ("ymin", "xmin", "ymax")]
        np.testing.assert_allclose(np.transpose(boxes), digits.boxes[i, :, :3], rtol=1e-6)
    assert json.loads(report.to_json())["splits"]["test"]["records"] == 8


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"boxes": np.zeros((3, 4), "float32")}, "for each of 2 frames. Received: boxes for 3"),
        (
            {
                "boxes": np.zeros((2, 4), "float32"),
                "clip": None,
                "file": pathlib.PurePosixPath("a.mp4"),
            },
            "boxes go with a clip",
        ),
    ],
)
def test_boxes_that_go_with_no_frames_are_refused(tmp_path, changes, message):
    with pytest.raises(ValueError, match=message):
        convert(made(1, **changes), tmp_path / "out", workers=1)
