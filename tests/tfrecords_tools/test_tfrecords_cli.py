import json
import shutil
import signal
import subprocess
import sys

import click.testing
import pytest
from made_videos import write_video

from keras_stprivacy.data import dataset_info
from tfrecords_tools import cli, convert
from tfrecords_tools.cli import conversion_options

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend


def run(*arguments):
    return click.testing.CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def test_a_conversion_prints_its_result_and_shows_progress_beside_it(videos, tmp_path):
    result = run("convert", "folder", videos, tmp_path / "out", "--workers", 1)
    assert result.exit_code == 0
    assert "6 records" in result.stdout
    assert "train: 4 records" in result.stdout
    assert "6 of 6 videos, 0 quarantined" in result.stderr
    assert "of 6 videos" not in result.stdout


def test_json_and_quiet(videos, tmp_path):
    out = tmp_path / "out"
    result = run("convert", "folder", videos, out, "--workers", 1, "--json", "--quiet")
    assert result.exit_code == 0
    assert result.stderr == ""
    report = json.loads(result.stdout)
    assert report["splits"]["train"]["records"] == 4
    assert report["quarantined"] == []


def test_options_become_settings(videos, tmp_path):
    arguments = ("convert", "folder", videos, tmp_path / "out", "--workers", 1)
    options = ("--short-side", 32, "--quality", 70, "--videos-per-shard", 2, "--name", "mine")
    result = run(*arguments, *options, "--seconds-per-video", 9, "--test-fraction", 0.5)
    assert result.exit_code == 0
    info = dataset_info(tmp_path / "out")
    assert info.name == "mine"
    assert info.settings["short_side"] == 32
    assert info.settings["jpeg_quality"] == 70
    assert info.settings["seconds_per_video"] == 9
    assert len(info.shards("train")) == 1
    assert run(*arguments, "--overwrite", "--full-size").exit_code == 0
    assert dataset_info(tmp_path / "out").settings["short_side"] is None


def test_quarantined_videos_are_exit_code_3(videos, tmp_path):
    (videos / "jump" / "empty.mp4").touch()
    result = run("convert", "folder", videos, tmp_path / "out", "--workers", 1)
    assert result.exit_code == 3
    assert "jump/empty.mp4: the file is empty" in result.stdout


def test_failures_are_exit_code_1(tmp_path):
    (tmp_path / "in").mkdir()
    result = run("convert", "folder", tmp_path / "in", tmp_path / "out")
    assert result.exit_code == 1
    assert result.stderr.startswith("Error: The dataset 'in' has no videos")
    assert "Traceback" not in result.output

    (tmp_path / "in" / "empty.mp4").touch()
    result = run("convert", "folder", tmp_path / "in", tmp_path / "out", "--workers", 1)
    assert result.exit_code == 1
    assert "not one video could be converted" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("convert", "nothing"),
        ("convert", "folder", "/does/not/exist", "out"),
        ("convert", "motion-digits", "out", "--fold", "1"),
        ("convert", "motion-digits", "out", "--short-side", "8", "--full-size"),
        ("convert", "motion-digits", "out", "--quality", "0"),
    ],
)
def test_wrong_usage_is_exit_code_2(arguments, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(*arguments).exit_code == 2
    assert not (tmp_path / "out").exists()


def test_an_interruption_is_exit_code_130(videos, tmp_path, monkeypatch):
    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(conversion_options, "run_conversion", interrupted)
    result = run("convert", "folder", videos, tmp_path / "out")
    assert result.exit_code == 130
    assert "Run again to go on" in result.stderr


def test_a_real_interruption_ends_quickly_and_can_be_gone_on_from(tmp_path):
    video = write_video(tmp_path / "in" / "a" / "0.mp4", levels=[100] * 200, size=(240, 320))
    for i in range(1, 60):
        shutil.copy(video, video.with_name(f"{i}.mp4"))
    command = [sys.executable, "-m", "tfrecords_tools.cli", "convert", "folder"]
    options = ["--workers", "1", "--videos-per-shard", "2"]
    process = subprocess.Popen(
        [*command, tmp_path / "in", tmp_path / "out", *options],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # A test run in a shell's background ignores the signal, and its children with it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        while "videos" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Interrupted" in errors
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_motion_digits(tmp_path, monkeypatch):
    monkeypatch.setenv("STPRIVACY_CACHE", str(tmp_path / "cache"))
    counts = ("--num-train", 16, "--num-test", 8, "--num-frames", 4, "--image-size", 16)
    result = run("convert", "motion-digits", tmp_path / "out", *counts)
    assert result.exit_code == 0
    assert dataset_info(tmp_path / "out").num_clips("train") == 16
    assert dataset_info(tmp_path / "out").settings["chroma_subsampling"] == "4:4:4"


@pytest.mark.parametrize("name", ["hmdb51", "ucf101"])
def test_official_splits(shared_dir, tmp_path, name):
    data = shared_dir / "testdata"
    labels = data / "stprivacy" / f"{name}_privacy_attribute_label.pickle"
    arguments = ("convert", name, data / name, tmp_path, "--privacy-labels", labels)
    result = run(*arguments, "--split-index", 3, "--short-side", 32)
    assert result.exit_code == 0
    assert "missing: " in result.stdout
    assert dataset_info(tmp_path).source == {"adapter": name, "fold": 3}
    assert dataset_info(tmp_path).attribute_names[0] == "skin_color"


@pytest.mark.parametrize(
    "command", [(), ("convert",), ("convert", "folder"), ("convert", "ucf101")]
)
def test_help_is_there(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.stdout


def test_the_bar_of_a_terminal(videos, tmp_path, monkeypatch):
    import io

    from tfrecords_tools.datasets.folder import folder
    from tfrecords_tools.progress import progress_display

    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    with progress_display("mine", quiet=False) as show:
        convert(folder(videos), tmp_path / "out", workers=1, on_progress=show)
    assert "mine" in terminal.getvalue()
    assert "6/6" in terminal.getvalue()
