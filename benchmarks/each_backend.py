"""Every system trained on a few clips and applied to others, on one backend: it runs, and how long.

    KERAS_BACKEND=tensorflow python benchmarks/each_backend.py
    KERAS_BACKEND=tensorflow python benchmarks/each_backend.py UCF101 --privacy-labels LABELS

and with jax and torch. Without UCF101 the clips are of the embedded dataset, 160 for training and
64 for testing. UCF101 and LABELS are what `stprivacy-tfrecords convert vp-ucf101` takes; some
videos are enough. The first half of each video is for training, the second for testing, and no
detector looks for persons: their box is the middle of every frame. So the scores say nothing.
Clips are 8 x 32 x 32, systems have the settings that they have on the embedded dataset, but VITA,
whose settings count steps and not epochs, makes a tenth of its steps. Needs the backend and, for
UCF101, TensorFlow, which reads the records. One thread, beside others, takes for the embedded clips
13 minutes with TensorFlow, 5 with PyTorch and 45 with JAX, which convolves slowly on CPUs; for nine
videos 18, 4 and 36. Writes its backend's part of benchmarks/results/embedded_clips.json or
real_clips.json. Expected: the tables of these names in docs/evaluation.md.
"""

import argparse
import dataclasses
import json
import os
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np

import keras_stprivacy as stp
import tfrecords_tools
from tfrecords_tools.datasets.vp_ucf101 import vp_ucf101
from tfrecords_tools.source import SourceDataset, SourceEntry

RESULTS = Path(__file__).parent / "results"
EMBEDDED = {"train_clips": 160, "test_clips": 64, "batch_size": 32}
A_TENTH = {  # of VITA's steps
    name: stp.baselines.VITA.embedded[name] // 10
    for name in (
        "pretraining_steps",
        "action_pretraining_steps",
        "privacy_pretraining_steps",
        "steps",
        "restart_every",
        "restart_steps",
    )
}
MIDDLE = (0.1, 0.25, 1.0, 0.75)  # ymin, xmin, ymax, xmax


def halves(videos: str, labels: str | None) -> SourceDataset:
    """The videos that are there, each cut into a training and a test half, with a box."""
    dataset = vp_ucf101(videos, privacy_labels=labels)
    found = list(dataset)
    used = sorted({entry.action for entry in found})

    def entries() -> Iterator[SourceEntry]:
        for entry in found:
            frames, _, rate = stp.data.decode_video(dataset.root / entry.file, short_side=64)
            middle = len(frames) // 2
            for split, clip in (("train", frames[:middle]), ("test", frames[middle:])):
                yield SourceEntry(
                    id=f"{split}/{entry.id}",
                    split=split,
                    action=used.index(entry.action),
                    attributes=entry.attributes,
                    clip=clip,
                    frame_rate=rate,
                    boxes=np.tile(np.array(MIDDLE, "float32"), (len(clip), 1)),
                )

    return SourceDataset(
        name="halves",
        class_names=tuple(dataset.class_names[action] for action in used),
        attribute_names=dataset.attribute_names,
        root=None,
        make_entries=entries,
        settings=tfrecords_tools.ConversionSettings(short_side=None),
    )


def rows(report: stp.benchmark.BenchmarkReport) -> dict:
    """How long each system trained, how large it is, and how far it changes the test clips."""
    measured = {}
    for name, _, clips in report.pictures:
        pairs = [(clip["rows"]["raw"], clip["rows"]["anonymized"]) for clip in clips]
        differences = [np.abs(raw.astype("float32") - given).mean() / 255 for raw, given in pairs]
        measured[name] = {
            "train_seconds": report[name].seconds.get("train system"),
            "parameters": report[name].parameters,
            "mean_absolute_difference": float(np.mean(differences)),
        }
    return measured


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="?", help="the videos of UCF101 and its lists")
    parser.add_argument("--privacy-labels", help="VP-UCF101's pickle, if it is not among them")
    parser.add_argument("--systems", help="only these, joined by commas; other rows stay")
    options = parser.parse_args()
    every = stp.baselines.systems()
    systems = tuple(options.systems.split(",")) if options.systems else every

    settings = stp.benchmark.Settings(
        seeds=1,
        attackers=("video_transformer",),
        epochs=1,
        batch_size=4,
        num_frames=8,
        frame_step=2,
        image_size=32,
        views=(1, 1),
        figure_clips=16,
        system_settings={"vita": A_TENTH, "vita_reversal": A_TENTH},
    )
    if options.videos is None:
        settings = dataclasses.replace(settings, **EMBEDDED)
    path = RESULTS / f"{'embedded' if options.videos is None else 'real'}_clips.json"
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        data, out = Path(folder) / "records", Path(folder) / "out"
        if options.videos is None:
            data = "motion-digits"
        else:
            tfrecords_tools.convert(halves(options.videos, options.privacy_labels), data)
        report = stp.benchmark.known(data, out, systems, settings, progress=print)
    if report.failures:
        raise SystemExit("\n".join(f"{name}: {why}" for name, why in report.failures.items()))
    results = json.loads(path.read_text()) if path.exists() else {}
    own = results.setdefault(keras.backend.backend(), {"rows": {}})
    given = "" if options.videos is None else " UCF101 --privacy-labels LABELS"
    own["command"] = (
        f"KERAS_BACKEND={keras.backend.backend()} python benchmarks/each_backend.py{given}"
    )
    own["machine"] = f"{os.cpu_count()} CPU cores, {platform.machine()}, no GPU"
    if systems == every:
        own["seconds"] = time.monotonic() - began
    else:
        own.pop("seconds", None)
    own["rows"].update(rows(report))
    path.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
