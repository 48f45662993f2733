"""Training clips a second: from records, and from the original video files with PyAV.

    python benchmarks/read_speed.py VIDEOS [VIDEOS ...] --seconds 6    # about 2 minutes, two cores
    python benchmarks/read_speed.py VIDEOS --seconds 2 --rounds 1                         # a try

The first, with 20 videos in three folders, made what is stored. VIDEOS are folders of videos; they
are converted to records of 128 pixels' short side first, each `--copies` times, since an epoch of
few videos is over before it has begun. Both sides deliver clips of 16 frames, every second one,
112x112, float32 in [0, 1], from random starts, on all cores: `clip_dataset`; and PyAV in as many
threads as there are cores, which seeks to the start and decodes up to the last frame needed. Once
as in training, both with the same random crops, flips and colours (Pillow and NumPy after PyAV,
whose threads wait for Python's lock: processes of their own would do better), and once plain,
without any of these (PyAV resizes in the decoder's own library). Rounds alternate, the median
counts. Writes benchmarks/results/read_speed.json and .md. Expected: what stands there.
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
from PIL import Image

from keras_stprivacy.data import Augment, clip_dataset
from keras_stprivacy.data.augment import colour_change, crop_window
from tfrecords_tools import ConversionSettings, SourceDataset, convert
from tfrecords_tools.datasets.folder import folder

RESULTS = pathlib.Path(__file__).parent / "results"
FRAMES, STEP, SIZE = 16, 2, 112


def sample(path: pathlib.Path, draw: random.Random, augment: Augment | None) -> np.ndarray:
    """One clip from a video file."""
    change = None if augment is None else [draw.random() for _ in range(9)]
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
                images.append(resized(frame, augment, change))
            count += 1
            if len(images) == FRAMES:
                break
    images += [images[-1] if images else np.zeros((SIZE, SIZE, 3), "uint8")] * (
        FRAMES - len(images)
    )
    clip = np.stack(images).astype("float32") / 255.0
    if augment is None:
        return clip
    if change[4] < augment.flip:
        clip = clip[:, :, ::-1]
    matrix, offset = colour_change(augment, change[5:])
    changed = clip.reshape(-1, 3) @ matrix.astype("float32")
    changed += np.float32(offset)
    return np.clip(changed, 0.0, 1.0, out=changed).reshape(clip.shape)


def resized(frame: av.VideoFrame, augment: Augment | None, change: list | None) -> np.ndarray:
    if augment is None:
        return frame.reformat(SIZE, SIZE, format="rgb24", threads=1).to_ndarray()
    top, left, height, width = crop_window(augment, frame.height, frame.width, 1.0, change[:4])
    box = (left, top, left + width, top + height)
    return np.asarray(frame.to_image().resize((SIZE, SIZE), Image.Resampling.BILINEAR, box))


def from_files(paths: list, seconds: float, workers: int, augment: Augment | None) -> float:
    draw = random.Random(0)
    order = itertools.cycle(draw.sample(paths, len(paths)))
    count, begin = 0, time.perf_counter()
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        while time.perf_counter() - begin < seconds:
            batch = [next(order) for _ in range(32)]
            for clip in pool.map(lambda path: sample(path, draw, augment), batch):
                assert clip.shape == (FRAMES, SIZE, SIZE, 3)
                count += 1
    return count / (time.perf_counter() - begin)


def from_records(place: pathlib.Path, seconds: float, augment: Augment | None) -> float:
    options = {"batch_size": 32, "seed": 0, "repeat": True, "augment": augment}
    batches = iter(clip_dataset(place, "train", FRAMES, STEP, SIZE, **options))
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
    parser.add_argument("--copies", type=int, default=10)
    args = parser.parse_args()
    workers = len(os.sched_getaffinity(0))
    kinds = {"as in training": Augment(), "plain": None}
    rates: dict[str, dict[str, list[float]]] = {
        kind: {"records": [], "video files": []} for kind in kinds
    }
    with tempfile.TemporaryDirectory() as name:
        place, paths = records_of(args.videos, pathlib.Path(name), args.copies)
        for _, (kind, augment) in itertools.product(range(args.rounds), kinds.items()):
            of_files = from_files(paths, args.seconds, workers, augment)
            rates[kind]["video files"].append(of_files)
            rates[kind]["records"].append(from_records(place, args.seconds, augment))
    median = {
        kind: {side: statistics.median(values) for side, values in sides.items()}
        for kind, sides in rates.items()
    }
    options = [word for word in sys.argv[1:] if word not in args.videos]
    result = {
        "command": " ".join(["python benchmarks/read_speed.py VIDEOS", *options]),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "videos": len(paths),
        "clips_per_second": rates,
        "median": median,
        "times_as_fast": {
            kind: sides["records"] / sides["video files"] for kind, sides in median.items()
        },
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "read_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    text = (
        f"`{result['command']}`: {len(paths)} videos; {result['machine']}.\n\n"
        "| clips | from records, clips / s | from video files, clips / s | times as fast |\n"
        "|---|---|---|---|\n"
        + "".join(
            f"| {kind} | {sides['records']:.1f} | {sides['video files']:.1f} | "
            f"{result['times_as_fast'][kind]:.1f} x |\n"
            for kind, sides in median.items()
        )
    )
    (RESULTS / "read_speed.md").write_text(text)
    print(text)


def records_of(
    folders: list[str], out: pathlib.Path, copies: int
) -> tuple[pathlib.Path, list[pathlib.Path]]:
    """All videos of the folders as one dataset: where its records are, and the files."""
    found = [folder(name, test_fraction=0, class_from="none") for name in folders]
    root = pathlib.Path(os.path.commonpath([os.path.abspath(name) for name in folders]))
    entries, paths = [], []
    for source, name in zip(found, folders, strict=True):
        for entry in source:
            path = pathlib.Path(os.path.abspath(name)) / str(entry.file)
            file = pathlib.PurePosixPath(path.relative_to(root))
            names = (f"{file} {copy}" for copy in range(copies))
            entries += [type(entry)(name, "train", 0, file=file) for name in names]
            paths.append(path)
    dataset = SourceDataset("videos", ("video",), (), root, lambda: iter(entries))
    convert(dataset, out, ConversionSettings(videos_per_shard=8))
    return out, paths


if __name__ == "__main__":
    main()
