"""One rule for the times of frames, whatever the container."""

from fractions import Fraction

import numpy as np
import pytest
from made_videos import write_video

from keras_stprivacy.data.decode import VideoReader, decode_video
from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.errors import VideoLimitError
from keras_stprivacy.video.reader import FrameReader

pytestmark = pytest.mark.any_backend

REAL = [
    ("hmdb51/videos/*/*.avi", Fraction(1, 30)),  # AVI whose presentation times jump back
    ("ucf101/UCF-101/ApplyEyeMakeup/*.avi", Fraction(1, 25)),
    ("ucf101/UCF-101/Diving/*.avi", Fraction(1001, 30000)),
    ("folder/*.mkv", Fraction(1, 30)),  # ticks of 1 ms
    ("odd/three_frames.mp4", Fraction(1, 30)),
]


@pytest.mark.parametrize(("pattern", "step"), REAL)
def test_times_of_real_files_are_even(shared_dir, pattern, step):
    paths = sorted((shared_dir / "testdata").glob(pattern))
    assert paths
    for path in paths:
        with VideoReader(path) as video:
            times = [frame.time for frame in video.decode()]
        assert times == [i * step for i in range(len(times))], path.name


def test_files_are_timed_alike_for_records_and_for_anonymizing(shared_dir):
    data = shared_dir / "testdata"
    wave = sorted((data / "hmdb51/videos/wave").iterdir())
    for path in (*wave, data / "folder/again.mkv", data / "odd/vfr_walk.mp4"):
        with VideoReader(path, 16) as video, FrameReader(path, 8, 8, True) as reader:
            times = [time for _, time in video]
            assert times == [round(frame.time * 1_000_000) for frame in reader.frames()], path.name


def test_files_without_times_follow_their_frame_rate():
    from keras_stprivacy.data.frame_clock import FrameClock

    class Stub:
        average_rate = guessed_rate = Fraction(10)
        time_base = Fraction(1, 1000)
        name = "mov,mp4"

        def __init__(self, pts=None, duration=None):
            self.pts = self.dts = pts
            self.duration = duration
            self.format = self

    clock = FrameClock(Stub(), Stub())
    stamps = [500, None, 400, 800, 1400]
    times = [clock.time(Stub(stamp)) for stamp in stamps]
    # Missing: one frame later. Back in time: one frame later. Within a tick of the grid: on it.
    assert times == [Fraction(n, 10) for n in (5, 6, 7, 8, 14)]
    # Two within a tick of one place on the grid: the second keeps its own time, the rest theirs.
    clock = FrameClock(Stub(), Stub())
    times = [clock.time(Stub(stamp)) for stamp in (400, 401, 450, 500, 500, 620)]
    assert times == [Fraction(n, 1000) for n in (400, 401, 450, 500, 600, 620)]
    assert clock.duration(Stub(duration=0)) == clock.duration(Stub(duration=100)) == Fraction(1, 10)
    assert clock.duration(Stub(duration=250)) == Fraction(1, 4)


def levels(frames):
    return [round(float(frame.mean()) / 10) * 10 for frame in frames]


@pytest.mark.parametrize(
    ("rate", "expected", "times"),
    [
        (5, [20, 60, 100], [0, 200_000, 400_000]),
        (10, [20, 40, 60, 80, 100, 120], range(0, 600_000, 100_000)),
        (20, [20, 20, 40, 40, 60, 60, 80, 80, 100, 100, 120, 120], range(0, 600_000, 50_000)),
        (4, [20, 60, 120], [0, 250_000, 500_000]),
        (0.5, [20], [0]),
    ],
)
def test_resampling_shows_what_is_shown_at_each_instant(tmp_path, rate, expected, times):
    path = write_video(tmp_path / "a.mp4", levels=[20, 40, 60, 80, 100, 120], rate=10)
    frames, stamps, frame_rate = decode_video(path, frame_rate=rate)
    assert levels(frames) == expected
    assert stamps.tolist() == list(times)
    assert frame_rate == rate


def test_resampling_follows_variable_times(shared_dir):
    path = shared_dir / "testdata" / "odd" / "vfr_walk.mp4"
    every, times, _ = decode_video(path, 32)
    frames, stamps, _ = decode_video(path, 32, frame_rate=10)
    assert stamps.tolist() == [i * 100_000 for i in range(len(stamps))]
    assert len(frames) == 30  # 2.97 s
    for frame, stamp in zip(frames, stamps, strict=True):
        np.testing.assert_array_equal(frame, every[np.searchsorted(times, stamp, "right") - 1])


def test_resampling_has_limits(tmp_path):
    path = write_video(tmp_path / "a.mp4", rate=10)
    with pytest.raises(VideoLimitError, match=r"more than 100 frames at 1e\+06 a second"):
        decode_video(path, limits=DecodeLimits(max_frames=100), frame_rate=1e6)
    with pytest.raises(ValueError, match="frame_rate must be None or positive"):
        VideoReader(path, frame_rate=0)
