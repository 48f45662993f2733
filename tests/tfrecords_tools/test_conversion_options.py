import json

import numpy as np
import pytest
from click.testing import CliRunner
from made_videos import write_video

from keras_stprivacy.data import dataset_info
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert, dry_run
from tfrecords_tools.cli import main
from tfrecords_tools.convert import TooManyQuarantinedError
from tfrecords_tools.datasets.folder import folder
from tfrecords_tools.planning import plan_shards

pytestmark = pytest.mark.any_backend


def run(*arguments):
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def test_a_frame_rate_is_stored_with_true_times(tmp_path, read_records):
    write_video(tmp_path / "videos" / "x" / "a.mp4", levels=[20, 60, 100, 140, 180], rate=10)
    result = run("convert", "folder", tmp_path / "videos", tmp_path / "out", "--fps", 4)
    assert result.exit_code == 0, result.output
    (record,) = read_records(tmp_path / "out")
    assert record.per_frame("image/timestamp") == [0, 250_000]
    assert record.one("image/frame_rate") == 4.0
    assert record.one("clip/end/timestamp") == 500_000
    assert dataset_info(tmp_path / "out").settings["fps"] == 4.0


def test_labels_and_boxes_of_frames_follow_the_frames_that_are_stored(tmp_path, read_records):
    from tfrecords_tools.frame_attributes import FrameAttributes

    entry = SourceEntry(
        "v", "train", 0, (1,),
        clip=np.zeros((6, 8, 8, 3), "uint8"), frame_rate=10.0,
        boxes=np.arange(24, dtype="float32").reshape(6, 4) / 100,
        frame_attributes=FrameAttributes({"face": ((4, 5, (2,)),)}),
    )  # fmt: skip
    dataset = SourceDataset("made", ("a",), ("face",), None, lambda: iter([entry]))
    convert(dataset, tmp_path, ConversionSettings(fps=5), workers=1)
    (record,) = read_records(tmp_path)
    assert record.per_frame("image/timestamp") == [0, 200_000, 400_000]
    assert record.per_frame("PRIVACY/image/label/face") == [0, 0, 1]
    ymin = record.per_frame("PERSON/region/bbox/ymin")
    np.testing.assert_allclose(ymin, [0.0, 0.08, 0.16], rtol=1e-6)


def sizes_of(dataset, settings):
    return [
        sum(entry.clip.nbytes for entry in task.entries) for task in plan_shards(dataset, settings)
    ]


def of_sizes(sizes, order=1):
    entries = [
        SourceEntry(f"v{i}", "train", 0, clip=np.zeros((size, 1, 1, 3), "uint8"), frame_rate=1.0)
        for i, size in enumerate(sizes)
    ][::order]
    return SourceDataset("made", ("a",), (), None, lambda: iter(entries))


@pytest.mark.parametrize("least", [1, 100, 500, 2_000, 10**9])
def test_shards_are_filled_by_the_bytes_of_the_sources(least):
    frames = np.random.default_rng(least).integers(1, 60, 40)
    settings = ConversionSettings(shard_bytes=least)
    sizes = sizes_of(of_sizes(frames), settings)
    assert sum(sizes) == 3 * frames.sum()
    assert all(size >= least for size in sizes[:-1])
    assert sizes[-1] >= least / 2 or len(sizes) == 1
    assert len(sizes) >= max(1, sum(sizes) // (least + 3 * 60 + least // 2 + 1))
    again = plan_shards(of_sizes(frames, -1), settings)
    assert [task.plan() for task in again] == [
        task.plan() for task in plan_shards(of_sizes(frames), settings)
    ]


def test_a_dry_run_says_what_would_be_made_and_writes_nothing(videos, tmp_path):
    (videos / "jump" / "empty.mp4").touch()
    (videos / "jump" / "link.mp4").symlink_to("/etc/passwd")
    (videos / "wave" / "big.mp4").write_bytes(b"0" * 5000)
    arguments = ("convert", "folder", videos, tmp_path / "out", "--videos-per-shard", 3)
    result = run(*arguments, "--dry-run", "--json")
    assert result.exit_code == 0, result.output
    plan = json.loads(result.stdout)
    assert not (tmp_path / "out").exists()
    assert {item["id"]: item["reason"] for item in plan["problems"]} == {
        "jump/empty": "the file is empty (zero bytes)",
        "jump/link": "the path leads out of the source's folder",
    }
    assert sum(split["videos"] for split in plan["splits"].values()) == 9

    report = json.loads(run(*arguments, "--json").stdout)
    for split, counts in plan["splits"].items():
        left_out = sum(item["split"] == split for item in report["quarantined"])
        assert report["splits"][split]["records"] == counts["videos"] - left_out
        assert report["splits"][split]["shards"] == counts["shards"]
    before = {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    text = run(*arguments, "--dry-run").stdout
    assert "2 shards, 2 of them finished" in text
    assert "problems: 2 videos" in text
    assert before == {path: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    plan = dry_run(folder(videos), tmp_path / "out", ConversionSettings(jpeg_quality=10))
    assert not any(shard.finished for shard in plan.shards)


def test_too_many_errors_stop_the_run_and_keep_what_is_finished(videos, tmp_path):
    for name in "abc":
        (videos / "wave" / f"{name}.mp4").write_text("no video")
    arguments = ("convert", "folder", videos, tmp_path / "out", "--videos-per-shard", 1)
    result = run(*arguments, "--workers", 1, "--max-errors", 2, "--test-fraction", 0)
    assert result.exit_code == 1
    assert "3 of" in result.stderr and "more than max_errors=2" in result.stderr
    finished = sorted((tmp_path / "out").glob("*.tfrecord"))
    assert not (tmp_path / "out" / "dataset.json").exists()
    stamps = [path.stat().st_mtime_ns for path in finished]

    result = run(*arguments, "--max-errors", 3, "--test-fraction", 0)
    assert result.exit_code == 3
    assert [path.stat().st_mtime_ns for path in finished] == stamps
    described = (tmp_path / "out" / "dataset.json").read_bytes()
    with pytest.raises(TooManyQuarantinedError):  # also of those an earlier run has found
        convert(
            folder(videos, test_fraction=0),
            tmp_path / "out",
            ConversionSettings(videos_per_shard=1),
            max_errors=0,
        )
    assert (tmp_path / "out" / "dataset.json").read_bytes() == described
    with pytest.raises(ValueError, match="max_errors must be None or at least 0"):
        convert(folder(videos), tmp_path / "new", max_errors=-1)


def test_beam_is_a_runner(videos, tmp_path, digests):
    pytest.importorskip("apache_beam", reason="pip install 'keras-stprivacy[beam]'")
    program = ("convert", "folder", videos, "--quiet")
    result = run(*program, tmp_path / "beam", "--runner", "direct", "--beam-args", "--no_auth")
    assert result.exit_code == 0, result.output
    assert run(*program, tmp_path / "local").exit_code == 0
    assert digests(tmp_path / "beam") == digests(tmp_path / "local")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--videos-per-shard", 1, "--shard-bytes", 1), "exclude each other"),
        (("--boxes", "detector"), "--detector-weights FOLDER go together"),
        (("--detector-weights", "."), "--detector-weights FOLDER go together"),
        (("--beam-args", "x"), "needs a --runner other than local"),
        (("--runner", "direct", "--workers", 2), "tell Beam its own way"),
        (("--runner", "direct", "--beam-args", "'"), "cannot be split"),
        (("--fps", 0), "--fps"),
        (("--seconds-per-video", 0), "--seconds-per-video"),
        (("--max-errors", -1), "--max-errors"),
    ],
)
def test_wrong_usage_is_exit_code_2(videos, tmp_path, options, message):
    result = run("convert", "folder", videos, tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "wrong", [{"fps": 0}, {"fps": float("inf")}, {"shard_bytes": 0}, {"jpeg_quality": 0}]
)
def test_wrong_settings_say_what_is_needed(wrong):
    with pytest.raises(ValueError, match=f"{next(iter(wrong))} must be .* Received: "):
        ConversionSettings(**wrong)
