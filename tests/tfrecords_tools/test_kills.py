"""Conversions that are killed at any moment go on and end byte for byte where they would have."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.any_backend

# One process that imports everything once; each conversion is a child of it, killed or not.
PROGRAM = """
import hashlib, os, pathlib, random, shutil, signal, sys, time
import numpy as np
import tfrecords_tools as t
from tfrecords_tools.datasets.folder import folder

videos, place, kills, seed = sys.argv[1], pathlib.Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
settings = t.ConversionSettings(videos_per_shard=2)
files = folder(videos)
clips = [
    t.SourceEntry(f"made/{i}", "train", i % 2, clip=np.full((2, 8, 8, 3), 5 * i, "uint8"),
                  frame_rate=10.0)
    for i in range(30)
]
dataset = t.SourceDataset(
    "mixed", files.class_names, (), files.root, lambda: iter([*files, *clips])
)


def start(out):
    child = os.fork()
    if not child:
        try:
            t.convert(dataset, out, settings, workers=1)
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
            os._exit(1)
        os._exit(0)
    return child


def content(out):
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in out.rglob("*") if path.is_file()
    }


begin = time.monotonic()
assert os.waitpid(start(place / "whole"), 0)[1] == 0
whole_seconds = time.monotonic() - begin
whole = content(place / "whole")
draw = random.Random(seed)
killed = finished = partly = 0
out = place / "parts"
while killed < kills:
    child = start(out)
    if killed % 2:  # any moment of a whole run, most of which is the start of the decoder
        time.sleep(draw.uniform(0, whole_seconds))
    else:  # any moment of the writing
        shards = draw.randrange(len(whole) - 1)
        end = time.monotonic() + 2 * whole_seconds
        while len(list(out.glob("*.tfrecord"))) < shards and time.monotonic() < end:
            time.sleep(0.0005)
        time.sleep(draw.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    status = os.waitpid(child, 0)[1]
    if os.WIFSIGNALED(status):
        killed += 1
        partly += any(out.glob("*.tfrecord")) and not (out / "dataset.json").exists()
        continue
    assert os.waitstatus_to_exitcode(status) == 0
    assert content(out) == whole
    finished += 1
    shutil.rmtree(out)
assert os.waitpid(start(out), 0)[1] == 0
assert content(out) == whole, set(content(out).items()) ^ set(whole.items())
print(killed, finished, partly, len(whole))
"""


def test_20_kills_at_random_moments(videos, tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, videos, tmp_path, "20", "7"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    killed, _, partly, files = map(int, done.stdout.split())
    assert killed == 20
    assert partly >= 3  # some moments were in the midst of it
    assert files == 18 + 1  # shards and dataset.json, and nothing else
