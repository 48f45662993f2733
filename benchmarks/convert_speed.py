"""How fast videos become records, beside the plain ffmpeg command, and in how much memory.

    python benchmarks/convert_speed.py VIDEOS [VIDEOS ...] --copies 4 --rounds 2 --long-frames 5000
    python benchmarks/convert_speed.py VIDEOS --copies 1 --long-frames 500 --rounds 1    # a try

The first took about 2 minutes on two cores with 20 videos in three folders, and made what is
stored. VIDEOS are folders; `ffmpeg` is taken from the PATH, from --ffmpeg, or from the package
imageio-ffmpeg. Every command is a process of its own, timed from its start to its end: ffmpeg once
per video with its default threads and with one, writing JPEGs of the same short side and about the
same size; the converter with one and with two workers. Rounds alternate, the median counts. Memory
is the largest peak of any process of the converter, for the clips and for one long video. Writes
benchmarks/results/convert_speed.json and .md. Expected: what stands there.
"""

import argparse
import json
import os
import pathlib
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time

RESULTS = pathlib.Path(__file__).parent / "results"
ENDINGS = (".avi", ".mkv", ".mp4", ".mov", ".webm")
SHORT_SIDE = 128
SCALE = (
    f"scale=w='if(gt(iw,ih),-2,{SHORT_SIDE})':h='if(gt(iw,ih),{SHORT_SIDE},-2)':flags=bicubic,"
    "format=yuvj420p"
)


def find_ffmpeg(given: str | None) -> str:
    found = given or shutil.which("ffmpeg")
    if found is None:
        try:
            import imageio_ffmpeg
        except ImportError:
            sys.exit("no ffmpeg: put it on the PATH, name it with --ffmpeg, or install it: "
                     "pip install imageio-ffmpeg")  # fmt: skip
        found = imageio_ffmpeg.get_ffmpeg_exe()
    return found


def copies(folders: list[str], times: int, out: pathlib.Path) -> list[pathlib.Path]:
    files = []
    for folder in folders:
        for path in sorted(pathlib.Path(folder).rglob("*")):
            if path.suffix.lower() in ENDINGS:
                for copy in range(times):
                    target = out / f"c{len(files) % 3}" / f"{len(files):05d}_{copy}{path.suffix}"
                    target.parent.mkdir(parents=True, exist_ok=True)
                    shutil.copyfile(path, target)
                    files.append(target)
    return files


def run_ffmpeg(ffmpeg: str, files: list[pathlib.Path], out: pathlib.Path, threads: int | None):
    for i, file in enumerate(files):
        folder = out / str(i)
        folder.mkdir(parents=True)
        few = [] if threads is None else ["-threads", str(threads), "-filter_threads", str(threads)]
        command = [ffmpeg, "-v", "fatal", *few, "-i", file, "-an", "-vf", SCALE, "-q:v", "2"]
        command += [] if threads is None else ["-threads", str(threads)]
        subprocess.run([*command, "-fps_mode", "passthrough", folder / "%05d.jpg"], check=True)


class Peaks(threading.Thread):
    """Watches the peak memory of a process and all below it."""

    def __init__(self, pid: int):
        super().__init__(daemon=True)
        self.pid, self.peaks, self.over = pid, {}, threading.Event()

    def run(self) -> None:
        while not self.over.wait(0.05):
            for pid in self._family(self.pid):
                try:
                    status = pathlib.Path(f"/proc/{pid}/status").read_text()
                    self.peaks[pid] = int(status.split("VmHWM:")[1].split()[0]) / 1024
                except (OSError, IndexError):
                    continue

    def _family(self, pid: int):
        yield pid
        try:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                for child in (task / "children").read_text().split():
                    yield from self._family(int(child))
        except OSError:
            return


def run_converter(videos: pathlib.Path, out: pathlib.Path, workers: int) -> tuple[float, list]:
    command = [sys.executable, "-m", "tfrecords_tools.cli", "convert", "folder", videos, out]
    command += ["--workers", str(workers), "--short-side", str(SHORT_SIDE), "--quality", "90"]
    begin = time.perf_counter()
    process = subprocess.Popen([*command, "--quiet"], stdout=subprocess.DEVNULL)
    peaks = Peaks(process.pid)
    peaks.start()
    if process.wait() not in (0, 3):
        sys.exit(f"the conversion failed with exit status {process.returncode}")
    seconds = time.perf_counter() - begin
    peaks.over.set()
    peaks.join()
    return seconds, sorted(peaks.peaks.values(), reverse=True)


def write_long(path: pathlib.Path, frames: int) -> None:
    import av
    import numpy as np

    path.parent.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (64, 240, 320, 3)).astype("uint8")
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=30, width=320, height=240)
        stream.pix_fmt = "yuv420p"
        for i in range(frames):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(noise[i % 64])))
        container.mux(stream.encode())


def size_of(folder: pathlib.Path, ending: str) -> int:
    return sum(path.stat().st_size for path in folder.rglob(f"*{ending}"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="+")
    parser.add_argument("--ffmpeg")
    parser.add_argument("--copies", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--long-frames", type=int, default=30_000)
    args = parser.parse_args()
    ffmpeg = find_ffmpeg(args.ffmpeg)
    times: dict[str, list[float]] = {}
    memory: dict[str, list[float]] = {}
    sizes = {}
    with tempfile.TemporaryDirectory() as name:
        place = pathlib.Path(name)
        files = copies(args.videos, args.copies, place / "videos")
        for _ in range(args.rounds):
            for label, threads in (("ffmpeg", None), ("ffmpeg, one thread", 1)):
                begin = time.perf_counter()
                run_ffmpeg(ffmpeg, files, place / "jpegs", threads)
                times.setdefault(label, []).append(time.perf_counter() - begin)
                sizes["ffmpeg"] = size_of(place / "jpegs", ".jpg")
                sizes["frames"] = len(list((place / "jpegs").rglob("*.jpg")))
                shutil.rmtree(place / "jpegs")
            for workers in (1, 2):
                label = f"convert, {workers} worker{'s'[: workers - 1]}"
                seconds, peaks = run_converter(place / "videos", place / "out", workers)
                times.setdefault(label, []).append(seconds)
                memory[label] = peaks
                sizes["records"] = size_of(place / "out", ".tfrecord")
                shutil.rmtree(place / "out")
        if args.long_frames:
            write_long(place / "long" / "x" / "long.mp4", args.long_frames)
            _, memory["one long video"] = run_converter(place / "long", place / "out", 1)
    median = {label: statistics.median(values) for label, values in times.items()}
    options = [word for word in sys.argv[1:] if word not in args.videos]
    result = {
        "command": " ".join(["python benchmarks/convert_speed.py VIDEOS", *options]),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "videos": len(files),
        **sizes,
        "seconds": times,
        "median_seconds": median,
        "one_worker_over_ffmpeg": median["convert, 1 worker"] / median["ffmpeg"],
        "two_workers_gain": median["convert, 1 worker"] / median["convert, 2 workers"],
        "peak_mib": memory,
        "long_frames": args.long_frames,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "convert_speed.json").write_text(json.dumps(result, indent=1) + "\n")
    (RESULTS / "convert_speed.md").write_text(table(result))
    print(table(result))


def table(result: dict) -> str:
    """The results as Markdown."""
    lines = [
        f"`{result['command']}`: {result['videos']} videos, {result['frames']} frames; "
        f"{result['machine']}. JPEGs of ffmpeg {result['ffmpeg'] / 1e6:.1f} MB, records "
        f"{result['records'] / 1e6:.1f} MB.",
        "",
        "| command | s (median) | peak of a process, MiB |",
        "|---|---|---|",
    ]
    for label, seconds in result["median_seconds"].items():
        peak = f"{result['peak_mib'][label][0]:.0f}" if label in result["peak_mib"] else ""
        lines.append(f"| {label} | {seconds:.2f} | {peak} |")
    if result["long_frames"]:
        peak = result["peak_mib"]["one long video"][0]
        lines.append(f"| one video of {result['long_frames']} frames | | {peak:.0f} |")
    lines += [
        "",
        f"One worker takes {result['one_worker_over_ffmpeg']:.2f} x the time of ffmpeg; two are "
        f"{result['two_workers_gain']:.2f} x as fast as one.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
