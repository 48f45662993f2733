"""A benchmark of records at a size of clips that no preset is for."""

import numpy as np
import pytest

import keras_stprivacy as stp
from keras_stprivacy.models.presets import PRESETS
from tfrecords_tools import convert
from tfrecords_tools.datasets.motion_digits import motion_digits_source

pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

SETTINGS = stp.benchmark.Settings(
    seeds=1,
    attackers=("linear_probe", "video_transformer", "reconstruction"),
    epochs=1,
    batch_size=16,
    num_frames=4,
    frame_step=1,
    image_size=48,
    bootstrap=50,
    figure_clips=1,
)


def test_transformers_read_and_rebuild_clips_of_any_size(tmp_path, monkeypatch):
    # One layer of the four, for the time it takes.
    monkeypatch.setitem(PRESETS["motion_digits_8x32"]["recognizer"], "num_layers", 1)
    source = motion_digits_source(num_train=32, num_test=24)
    convert(source, tmp_path / "records", source.settings, workers=1)
    report = stp.benchmark.PROTOCOLS["known"](
        tmp_path / "records", tmp_path / "out", systems=["downsample_2x"], settings=SETTINGS
    )
    assert not report.failures
    for name in ("raw", "downsample_2x"):
        assert report[name].attackers["video_transformer"]["cmap"].value > 0.0
    assert np.isfinite(report["downsample_2x"].attackers["reconstruction"]["psnr"].value)
    notes = " ".join(report.notes)
    network = "tubelets of 2x8x8, width 72, 1 layers, 4 heads"
    for attackers in ("video_transformer", "video_transformer, reconstruction"):
        assert f"{attackers}: no preset is for clips of 4x48x48, so a network was" in notes
    assert notes.count(network) == 2
