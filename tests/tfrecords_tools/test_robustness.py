"""What is wrong with the world costs a message, never a run."""

import os
import subprocess
import sys

import numpy as np
import pytest
from made_videos import write_video

from keras_stprivacy.data import dataset_info
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert, decoders
from tfrecords_tools.cli import main
from tfrecords_tools.datasets.folder import folder

pytestmark = pytest.mark.any_backend

# Reasons in the order of the files' names; None: a correct record of that many frames.
ODD = {
    "audio_only.mp4": "no video stream, only audio",
    "decord_corrupted.mp4": "28 of 50 frames decode, then: Invalid data",
    "decord_unordered.mov": 4,
    "decord_video_180.mov": 3,
    "decord_video_270.mov": 3,
    "decord_video_90.mov": 3,
    "gray_help.mp4": 58,
    "hd1080_5f.mp4": 5,
    "hevc10_yes.mkv": 65,
    "hf_test_video_66x50.mov": 82,
    "moviepy_-video-with-dash-.mp4": 5,
    "moviepy_no_duration.webm": 74,
    "name with spaces & (parens) [x] #1 é 手.mp4": 58,
    "odd_321x241_yuv444.mp4": 47,
    "one_frame.mp4": 1,
    "random_bytes.avi": "not a video that can be read",
    "rot90_walk.mp4": 89,
    "sar_16_11.mp4": 58,
    "tenbit_yes.mp4": 65,
    "text_as.mp4": "not a video that can be read",
    "three_frames.mp4": 3,
    "tiny_8x6.mp4": 58,
    "torchcodec_av1_video.mkv": 125,
    "torchcodec_h264_10bits.mp4": 30,
    "torchcodec_h265_10bits.mp4": 30,
    "torchcodec_nasa_13013.mp4": 325,
    "truncated.mkv": "truncated: 1.07 of 2.97 seconds decode",
    "truncated_faststart.mp4": "35 of 89 frames decode, then: Invalid data",
    "truncated_no_moov.mp4": "not a video that can be read",
    "truncated_ucf.avi": "truncated: 14 of 88 frames decode",
    "vfr_walk.mp4": 38,
    "vp9_help.webm": 58,
    "with_audio.mp4": 58,
    "xvid_help.avi": 58,
    "zero_bytes.mp4": "the file is empty (zero bytes)",
}


def test_every_odd_file_is_a_record_or_has_its_true_reason(shared_dir, tmp_path, read_records):
    odd = shared_dir / "testdata" / "odd"
    assert sorted(ODD) == sorted(path.name for path in odd.iterdir())
    report = convert(folder(odd), tmp_path, ConversionSettings(short_side=64), workers=2)
    outcome = {source["path"]: source["frames"] for source in report.info.sources.values()}
    outcome |= {item["path"]: item["reason"] for item in report.info.quarantined}
    assert set(outcome) == set(ODD)
    for name, expected in ODD.items():
        if isinstance(expected, int):
            assert outcome[name] == expected, name
        else:
            assert str(outcome[name]).startswith(expected), (name, outcome[name])
    for record in read_records(tmp_path):
        times = record.per_frame("image/timestamp")
        assert times[0] == 0
        assert (np.diff(times) > 0).all()
        assert len(record.per_frame("image/encoded")) == len(times)


def test_genuine_clips_lose_nothing(shared_dir, tmp_path):
    data = shared_dir / "testdata"
    for name in ("hmdb51/videos", "ucf101/UCF-101", "folder"):
        source = folder(data / name)
        report = convert(source, tmp_path / name, ConversionSettings(short_side=32), workers=2)
        assert report.records == len(list(source)) > 0
        assert not report.info.quarantined


LIMITED = """
import resource, sys
from tfrecords_tools.cli import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
main(sys.argv[2:])
"""


@pytest.mark.parametrize("limit", [2_000, 30_000])  # the frames of a video, and a shard
def test_a_full_disk_fails_the_run_and_keeps_what_is_finished(tmp_path, digests, limit):
    """No file may grow beyond a limit: the same errors come from a full disk."""
    noise = np.random.default_rng(0)
    for name in "abcdef":
        levels = noise.integers(0, 255, 5)
        write_video(tmp_path / "videos" / "x" / f"{name}.mp4", levels, size=(128, 160))
    arguments = ["convert", "folder", tmp_path / "videos", tmp_path / "out"]
    arguments += ["--workers", "1", "--quality", "100", "--videos-per-shard", "2"]
    if limit > 10_000:
        arguments += ["--test-fraction", "0", "--videos-per-shard", "6"]
    command = [sys.executable, "-c", LIMITED, str(limit), *map(str, arguments)]
    failed = subprocess.run(command, capture_output=True, text=True)
    assert failed.returncode == 1, failed.stderr
    assert "Error: " in failed.stderr
    assert "too large" in failed.stderr  # of a disk: No space left on device
    assert "Traceback" not in failed.stderr
    assert not list((tmp_path / "out").glob("*.partial"))
    assert not (tmp_path / "out" / "dataset.json").exists()

    command[3] = str(1 << 40)
    assert subprocess.run(command, capture_output=True).returncode == 0
    main([*map(str, arguments[:3]), str(tmp_path / "whole"), *arguments[4:]], standalone_mode=False)
    assert digests(tmp_path / "out") == digests(tmp_path / "whole")


def entries_of(root, *files):
    entries = [
        SourceEntry(f"v{i}", "train", 0, file=__import__("pathlib").PurePosixPath(file))
        for i, file in enumerate(files)
    ]
    return SourceDataset("odd_paths", ("a",), (), root, lambda: iter(entries))


def test_paths_that_are_none_are_quarantined(tmp_path):
    write_video(tmp_path / "root" / "good.mp4")
    write_video(tmp_path / "secret.mp4")
    (tmp_path / "root" / "loop.mp4").symlink_to("loop.mp4")
    (tmp_path / "root" / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "root" / "pipe.mp4")
    dataset = entries_of(
        tmp_path / "root",
        *("good.mp4", "../secret.mp4", "/etc/passwd", "gone.mp4", "a\0b.mp4", "loop.mp4"),
        *("folder.mp4", "pipe.mp4", "x" * 300 + ".mp4"),
    )
    report = convert(dataset, tmp_path / "out", workers=1)
    reasons = {item["id"]: item["reason"] for item in report.info.quarantined}
    leaves = "the path leads out of the source's folder"
    assert report.records == 1
    assert reasons["v1"] == reasons["v2"] == reasons["v4"] == leaves
    assert reasons["v3"] == "cannot be opened: No such file or directory"
    assert "symbolic links" in reasons["v5"]
    assert reasons["v6"] == reasons["v7"] == "not a regular file"
    assert "name too long" in reasons["v8"]


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is unreadable to root")
def test_unreadable_files_and_folders_are_quarantined(tmp_path):
    write_video(tmp_path / "root" / "a.mp4").chmod(0)
    write_video(tmp_path / "root" / "sub" / "b.mp4").parent.chmod(0)
    report = convert(entries_of(tmp_path / "root", "a.mp4", "sub/b.mp4"), tmp_path / "out")
    assert all("ermission denied" in item["reason"] for item in report.info.quarantined)
    assert len(report.info.quarantined) == 2
    (tmp_path / "root" / "sub").chmod(0o700)


NAMES = ["a!b(c)[d]#e&f+g;h~i@j.avi", " lead and trail .avi", "two\nlines.avi", 'quote"s\'.avi',
         "-dash.avi", "%41.avi", "手é.avi", "a\\b.avi", "*.avi", "$HOME.avi"]  # fmt: skip


def test_every_character_of_a_name_survives(tmp_path, read_records):
    for name in NAMES:
        write_video(tmp_path / "videos" / "x" / name, levels=[9])
    with open(os.fsencode(tmp_path) + b"/videos/x/\xff\xfe.avi", "wb") as file:  # no UTF-8
        file.write((tmp_path / "videos" / "x" / NAMES[0]).read_bytes())
    report = convert(folder(tmp_path / "videos"), tmp_path / "out", workers=1)
    assert not report.info.quarantined
    paths = {record.one("clip/data_path") for record in read_records(tmp_path / "out")}
    assert paths == {f"x/{name}".encode() for name in NAMES} | {b"x/\xff\xfe.avi"}


def test_names_do_not_depend_on_the_locale(tmp_path, digests):
    for name in ("é", "手"):
        write_video(tmp_path / "videos" / f"{name} x" / f"{name}.mp4", levels=[9])
    command = [sys.executable, "-m", "tfrecords_tools.cli", "convert", "folder"]
    command += [os.fsencode(tmp_path / "videos"), "--quiet", "--name", "mine"]
    plain = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    for out, environment in (("ascii", plain), ("usual", {**os.environ, "PYTHONUTF8": "1"})):
        done = subprocess.run([*command, tmp_path / out], env=environment, capture_output=True)
        assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert digests(tmp_path / "ascii") == digests(tmp_path / "usual")


def test_folders_may_have_names_that_are_no_text(tmp_path):
    source, out = tmp_path / os.fsdecode(b"vid\xe9os"), tmp_path / os.fsdecode(b"out\xe9")
    write_video(source / "x" / "1.mp4")
    command = [sys.executable, "-m", "tfrecords_tools.cli", "convert", "folder"]
    environment = {**os.environ, "PYTHONUTF8": "1"}
    done = subprocess.run([*command, source, out, "--quiet"], env=environment, capture_output=True)
    assert done.returncode == 0, done.stderr.decode(errors="replace")
    assert rb"out\udce9" in done.stdout
    assert dataset_info(out).name == r"vid\xe9os"


def test_ids_that_cannot_be_stored_are_refused(tmp_path):
    entry = SourceEntry("a\udcff", "train", 0, clip=np.zeros((1, 8, 8, 3), "uint8"), frame_rate=1.0)
    dataset = SourceDataset("made", ("a",), (), None, lambda: iter([entry]))
    with pytest.raises(ValueError, match="id must be text that UTF-8 can store"):
        convert(dataset, tmp_path, workers=1)


HOSTILE = """
import json, sys
import tfrecords_tools.decode_worker as worker
changes = json.loads(sys.argv[1])
decode = worker.answer
def answer(request, store):
    good = decode(request, store)
    for key, value in changes.items():
        good['clip' if key != 'sizes' else key] = (
            value if key == 'sizes' else {**good['clip'], key: value})
    return good
worker.answer = answer
worker.main()
"""


@pytest.mark.parametrize(
    "changes",
    [
        '{"sizes": []}',
        '{"sizes": [1, 1, 1]}',
        '{"sizes": [-1, 3, 1]}',
        '{"sizes": "none"}',
        '{"timestamps": [0, 1]}',
        '{"timestamps": [0, 1, 1e400]}',
        '{"frame_numbers": [0, true, 2]}',
        '{"height": "8"}',
        '{"frame_rate": null}',
        '{"frame_rate": NaN}',
        '{"frame_rate": 1e300}',
        '{"frame_rate": -30.0}',
        '{"extra": 1}',
    ],
)
def test_a_decoder_that_was_taken_over_can_only_lose_its_video(tmp_path, monkeypatch, changes):
    monkeypatch.setattr(decoders, "WORKER_COMMAND", [sys.executable, "-c", HOSTILE, changes])
    decoder = decoders.Decoder(ConversionSettings())
    with pytest.raises(decoders.VideoDecodeError, match="an answer that is none"):
        decoder.encode(write_video(tmp_path / "a.mp4"))
    decoder.close()


PEAKS = """
import os, pathlib, sys, tfrecords_tools as t
from tfrecords_tools.datasets.folder import folder

def peak(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024

def show(progress):
    (child,) = {
        int(pid) for task in pathlib.Path("/proc/self/task").iterdir()
        for pid in (task / "children").read_text().split()
    }
    print(peak("self"), peak(child))

settings = t.ConversionSettings(short_side=None, fps=float(sys.argv[3]), jpeg_quality=100)
t.convert(folder(sys.argv[1]), sys.argv[2], settings, workers=1, on_progress=show)
"""


@pytest.mark.skipif(not os.path.exists("/proc/self/task"), reason="peaks are read from /proc")
def test_memory_does_not_grow_with_the_length_of_a_video(tmp_path):
    noise = np.random.default_rng(0).integers(0, 255, 10)
    write_video(tmp_path / "videos" / "x" / "a.mp4", noise, rate=1, size=(256, 256))
    peaks = []
    for name, fps in (("short", 1), ("long", 3500)):
        command = [sys.executable, "-c", PEAKS, tmp_path / "videos", tmp_path / name, str(fps)]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        peaks.append([int(part) for part in done.stdout.split()])
    written = sum(path.stat().st_size for path in (tmp_path / "long").glob("*.tfrecord")) >> 20
    assert written > 40
    for short, long in zip(*peaks, strict=True):  # in MB: of the converter, and of the decoder
        assert long < short + written / 2
        assert long < 600
