"""Training clips a second: from records, and from the original video files with PyAV.

    python benchmarks/read_speed.py VIDEOS [VIDEOS ...]        # about 2 minutes on two cores
    python benchmarks/read_speed.py VIDEOS --seconds 2 --rounds 1                     # a try

VIDEOS are folders of videos; they are converted to records of 128 pixels' short side first. Both
sides deliver clips of 16 frames, every second one, 112x112, float32 in [0, 1], from random starts,
on all cores: `clip_dataset` as in training, with its augmentation; and PyAV in as many threads as
there are cores, which seeks to the start, decodes up to the last frame needed, resizes each in the
decoder's own library and crops nothing. Rounds alternate, the median counts. Writes
benchmarks/results/read_speed.json and .md.
"""

import argparse
import concurrent.futures
import itertools
import json
import os
import pathlib
import platform
import random
import statistics
import sys
import tempfile
import time

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import av
import numpy as np

from keras_stprivacy.data import clip_dataset
from tfrecords_tools import ConversionSettings, SourceDataset, convert
from tfrecords_tools.datasets.folder import folder

RESULTS = pathlib.Path(__file__).parent / "results"
FRAMES, STEP, SIZE = 16, 2, 112


def sample(path: pathlib.Path, draw: random.Random) -> np.ndarray:
    """One clip from a video file."""
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        stream.codec_context.thread_count = 1
        rate = float(stream.average_rate)
        seconds = float((container.duration or 0) / av.time_base)
        start = draw.uniform(0, max(0.0, seconds - FRAMES * STEP / rate))
        container.seek(int(start / stream.time_base), stream=stream)
        images, count = [], 0
        for frame in container.decode(stream):
            stamp = frame.dts if "avi" in container.format.name else frame.pts
            if stamp is not None and stamp * stream.time_base < start:
                continue
            if count % STEP == 0:
                small = frame.reformat(SIZE, SIZE, format="rgb24", threads=1)
                images.append(small.to_ndarray())
            count += 1
            if len(images) == FRAMES:
                break
    images += [images[-1] if images else np.zeros((SIZE, SIZE, 3), "uint8")] * (
        FRAMES - len(images)
    )
    return np.stack(images).astype("float32") / 255.0


def from_files(paths: list[pathlib.Path], seconds: float, workers: int) -> float:
    draw = random.Random(0)
    order = itertools.cycle(draw.sample(paths, len(paths)))
    count, begin = 0, time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        while time.perf_counter() - begin < seconds:
            batch = [next(order) for _ in range(32)]
            for clip in pool.map(lambda path: sample(path, draw), batch):
                assert clip.shape == (FRAMES, SIZE, SIZE, 3)
                count += 1
    return count / (time.perf_counter() - begin)


def from_records(place: pathlib.Path, seconds: float) -> float:
    dataset = clip_dataset(place, "train", FRAMES, STEP, SIZE, batch_size=32, seed=0, repeat=True)
    batches = iter(dataset)
    next(batches)  # the first one also starts the pipeline
    count, begin = 0, time.perf_counter()
    while time.perf_counter() - begin < seconds:
        count += len(next(batches)[0])
    return count / (time.perf_counter() - begin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--seconds", type=float, default=15.0)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    workers = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as name:
        rates: dict[str, list[float]] = {"records": [], "video files": []}
        place, paths = records_of(args.videos, pathlib.Path(name))
        for _ in range(args.rounds):
            rates["video files"].append(from_files(paths, args.seconds, workers))
            rates["records"].append(from_records(place, args.seconds))
    median = {label: statistics.median(values) for label, values in rates.items()}
    result = {
        "command": "python benchmarks/read_speed.py " + " ".join(sys.argv[1:]),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "videos": len(paths),
        "clips_per_second": rates,
        "median": median,
        "times_as_fast": median["records"] / median["video files"],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "read_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    text = (
        f"`{result['command']}`: {len(paths)} videos; {result['machine']}.\n\n"
        "| from | clips / s (median) |\n|---|---|\n"
        + "".join(f"| {label} | {rate:.1f} |\n" for label, rate in median.items())
        + f"\nRecords are {result['times_as_fast']:.1f} x as fast.\n"
    )
    (RESULTS / "read_speed.md").write_text(text)
    print(text)


def records_of(folders: list[str], out: pathlib.Path) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """All videos of the folders as one dataset: where its records are, and the files."""
    found = [folder(name, test_fraction=0, class_from="none") for name in folders]
    root = pathlib.Path(os.path.commonpath([os.path.abspath(name) for name in folders]))
    entries, paths = [], []
    for source, name in zip(found, folders, strict=True):
        for entry in source:
            path = pathlib.Path(os.path.abspath(name)) / str(entry.file)
            file = pathlib.PurePosixPath(path.relative_to(root))
            entries.append(type(entry)(str(file), "train", 0, file=file))
            paths.append(path)
    dataset = SourceDataset("videos", ("video",), (), root, lambda: iter(entries))
    convert(dataset, out, ConversionSettings(videos_per_shard=8))
    return out, paths


if __name__ == "__main__":
    main()
