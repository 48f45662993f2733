"""The example on real people: from UCF101 video files to a report and a SavedModel."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def table(shared_dir, tmp_path):
    """The private attributes of the clips, as a data person would write them down."""
    from tfrecords_tools.datasets.privacy_labels import PRIVACY_ATTRIBUTES, PrivacyLabels

    labels = PrivacyLabels(
        shared_dir / "testdata" / "stprivacy" / "ucf101_privacy_attribute_label.pickle"
    )
    videos = shared_dir / "testdata" / "ucf101" / "UCF-101"
    path = tmp_path / "labels.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["path", *PRIVACY_ATTRIBUTES])
        for video in sorted(videos.rglob("*.avi")):
            name = f"{video.parent.name}/{video.stem}"
            writer.writerow([video.relative_to(videos), *labels.find(name)])
    return path


def test_real_people_end_with_a_report_and_a_saved_model(shared_dir, table, tmp_path):
    pytest.importorskip("tensorflow")
    out = tmp_path / "out"
    command = [sys.executable, str(ROOT / "examples" / "train_folder.py")]
    command += [str(shared_dir / "testdata" / "ucf101" / "UCF-101"), str(out)]
    command += ["--table", str(table), "--image-size", "32", "--epochs", "1", "1", "1"]
    # PyTorch compiles nothing: TensorFlow takes two minutes for what `make demo` shows of it.
    environment = {**os.environ, "KERAS_BACKEND": "torch", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr[-3000:]
    report = json.loads((out / "report.json").read_text())
    assert report["attribute_names"] == ["skin_color", "face", "gender", "nudity", "relationship"]
    results = json.loads((out / "results.json").read_text())
    assert results["recipe"] == "priced" and results["seconds"] > 0
    assert "mask_information" in results["adversarial"][0]
    for name in ("curves.html", "report.html", "frames.png", "anonymizer.keras"):
        assert (out / name).stat().st_size > 1000

    import tensorflow as tf

    served = tf.saved_model.load(str(out / "serving" / "1")).signatures["serving_default"]
    clip = np.full((1, 8, 32, 32, 3), 200, "uint8")
    answer = served(clip=tf.constant(clip))
    assert answer["clip"].shape == clip.shape
    dropped = np.asarray(answer["decision_mask"]).size - np.asarray(answer["decision_mask"]).sum()
    assert dropped > 0  # 4 tubelets in a row: some leave at a keep ratio of 0.7
