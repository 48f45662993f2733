import os

import numpy as np
import pytest
from made_videos import show_through, write_pictures, write_video

from keras_stprivacy.data.decode import DecodeLimits, VideoReader, decode_video
from keras_stprivacy.data.errors import VideoDecodeError, VideoLimitError

pytestmark = pytest.mark.any_backend


def test_frames_times_and_rate(tmp_path):
    path = write_video(tmp_path / "a.mp4", levels=[20, 120, 220], rate=10, size=(48, 64))
    frames, times, rate = decode_video(path)

    assert frames.shape == (3, 48, 64, 3)
    assert frames.dtype == np.uint8
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), [20, 120, 220], atol=4)
    assert times.tolist() == [0, 100_000, 200_000]
    assert rate == 10.0


def test_the_short_side_shrinks_and_never_grows(tmp_path):
    path = write_video(tmp_path / "a.mp4", size=(48, 64))
    assert decode_video(path, short_side=24)[0].shape[1:] == (24, 32, 3)
    assert decode_video(path, short_side=200)[0].shape[1:] == (48, 64, 3)
    with pytest.raises(ValueError, match=r"short_side must be at least 1"):
        decode_video(path, short_side=0)


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("rot90_walk.mp4", (89, 171, 128, 3)),
        ("decord_video_180.mov", (3, 128, 227, 3)),
        ("sar_16_11.mp4", (58, 128, 248, 3)),
        ("tenbit_yes.mp4", (65, 128, 171, 3)),
        ("gray_help.mp4", (58, 120, 160, 3)),
        ("one_frame.mp4", (1, 128, 171, 3)),
        ("moviepy_-video-with-dash-.mp4", (5, 1, 1, 3)),
        ("name with spaces & (parens) [x] #1 é 手.mp4", (58, 128, 171, 3)),
        ("torchcodec_av1_video.mkv", (125, 128, 228, 3)),
    ],
)
def test_odd_files_that_are_right_decode(shared_dir, name, shape):
    frames, times, rate = decode_video(shared_dir / "testdata" / "odd" / name, short_side=128)
    assert frames.shape == shape
    assert (np.diff(times) > 0).all()
    assert rate > 0


def test_rotation_turns_the_picture_the_right_way(shared_dir):
    odd = shared_dir / "testdata" / "odd"
    upright, _, _ = decode_video(shared_dir / "testdata" / "folder" / "walk.mkv", 120)
    # The same pictures, marked as to be shown a quarter turn clockwise.
    turned, _, _ = decode_video(odd / "rot90_walk.mp4", 120)
    distance = np.abs(np.rot90(turned[0]).astype(int) - upright[0]).mean()
    assert distance < 4


def test_variable_frame_rates_keep_their_times(shared_dir):
    _, times, _ = decode_video(shared_dir / "testdata" / "odd" / "vfr_walk.mp4", 32)
    assert times[-1] == 2_933_333
    assert len(set(np.diff(times).tolist())) > 2


def test_what_an_edit_list_hides_is_not_missing(tmp_path):
    path = write_video(tmp_path / "cut.mp4", levels=range(0, 240, 4), first=-48)
    with VideoReader(path) as video:
        assert video.stream.frames == 60 and video.promised_frames == 12
    frames, times, _ = decode_video(path)
    np.testing.assert_allclose(frames.mean(axis=(1, 2, 3)), range(192, 240, 4), atol=4)
    assert times[-1] == 1_100_000


def test_a_picture_that_begins_late_is_not_missing(tmp_path):
    path = write_video(tmp_path / "late.mkv", levels=range(0, 240, 4), first=60)
    assert len(decode_video(path)[0]) == 60


@pytest.mark.parametrize(
    ("matrix", "flipped"),
    [
        ((-1, 0, 0, 1), lambda image: image[:, ::-1]),
        ((1, 0, 0, -1), lambda image: image[::-1]),
        ((0, 1, 1, 0), lambda image: image.swapaxes(0, 1)),
        ((0, -1, -1, 0), lambda image: np.rot90(image, 2).swapaxes(0, 1)),
        ((0, 1, -1, 0), lambda image: np.rot90(image, -1)),
    ],
)
def test_mirrored_videos_are_shown_as_their_track_says(tmp_path, matrix, flipped):
    as_stored = tmp_path / "a.mp4"
    corners = np.zeros((48, 64, 3), "uint8")
    corners[:24, :32], corners[:24, 32:], corners[24:, :32] = 220, 120, 60
    write_pictures(as_stored, [corners] * 3)
    stored = decode_video(as_stored)[0]
    shown = decode_video(show_through(as_stored, matrix))[0]
    np.testing.assert_allclose(shown[0], flipped(stored[0]), atol=1)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("zero_bytes.mp4", "empty"),
        ("text_as.mp4", "not a video that can be read"),
        ("random_bytes.avi", "not a video that can be read"),
        ("audio_only.mp4", "no video stream, only audio"),
        ("truncated_no_moov.mp4", "not a video that can be read"),
        ("truncated_faststart.mp4", "35 of 89 frames decode, then"),
        ("decord_corrupted.mp4", "28 of 50 frames decode, then"),
        ("truncated_ucf.avi", "truncated: 14 of 88 frames decode"),
        ("truncated.mkv", "truncated: 1.07 of 2.97 seconds decode"),
    ],
)
def test_odd_files_that_are_wrong_say_why(shared_dir, name, reason):
    with pytest.raises(VideoDecodeError, match=reason) as caught:
        decode_video(shared_dir / "testdata" / "odd" / name, 64)
    assert name in str(caught.value)
    assert name not in caught.value.reason


def test_a_last_piece_that_is_incomplete_is_not_passed_over(shared_dir, tmp_path):
    whole = sorted((shared_dir / "testdata").rglob("*.avi"), key=lambda path: path.name)
    whole = next(path for path in whole if path.name.startswith("v_"))  # of UCF101
    frames = len(decode_video(whole, 32)[0])
    content = whole.read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(content[: int(0.96 * len(content))])
    with pytest.raises(VideoDecodeError, match=r"a piece is incomplete; \d+ frames dec") as caught:
        decode_video(cut, 32)
    found = int(caught.value.reason.split(";")[1].split()[0])
    assert 0.9 * frames <= found < frames


def test_what_is_no_file_says_so(tmp_path):
    with pytest.raises(VideoDecodeError, match=r"No such file"):
        VideoReader(tmp_path / "gone.mp4")
    with pytest.raises(VideoDecodeError, match=r"not a regular file"):
        VideoReader(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    with pytest.raises(VideoDecodeError, match=r"not a regular file"):
        VideoReader(tmp_path / "pipe.mp4")


def test_playlists_open_nothing(tmp_path):
    video = write_video(tmp_path / "secret.mp4")
    playlist = tmp_path / "innocent.mp4"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{video}\n#EXT-X-ENDLIST\n")
    with pytest.raises(VideoDecodeError, match=r"containers that are read|not a video"):
        decode_video(playlist)
    concat = tmp_path / "concat.mp4"
    concat.write_text(f"ffconcat version 1.0\nfile {video.name}\n")
    with pytest.raises(VideoDecodeError, match=r"containers that are read|not a video"):
        decode_video(concat)


def test_a_name_is_never_a_protocol(tmp_path, monkeypatch):
    write_video(tmp_path / "b.mp4")
    (tmp_path / "b.mp4").rename(tmp_path / "concat:a|b.mp4")
    monkeypatch.chdir(tmp_path)
    assert len(decode_video("concat:a|b.mp4")[0]) == 3


@pytest.mark.parametrize(
    ("limits", "reason"),
    [
        (DecodeLimits(max_bytes=100), "bytes, the limit is 100"),
        (DecodeLimits(max_pixels=48 * 64 - 1), "64x48 pixels, the limit is 3071"),
        (DecodeLimits(max_frames=2), "more than 2 frames"),
        (DecodeLimits(max_seconds=0.15), "longer than 0.15 s"),
    ],
)
def test_limits(tmp_path, limits, reason):
    path = write_video(tmp_path / "a.mp4", rate=10, size=(48, 64))
    with pytest.raises(VideoLimitError, match=reason):
        decode_video(path, limits=limits)


def test_pixels_are_counted_as_displayed(shared_dir):
    path = shared_dir / "testdata" / "odd" / "sar_16_11.mp4"
    assert decode_video(path, limits=DecodeLimits(max_pixels=465 * 240))[0].shape[1:3] == (240, 465)
    with pytest.raises(VideoLimitError, match=r"465x240 pixels, the limit is 100000"):
        decode_video(path, limits=DecodeLimits(max_pixels=100_000))


def test_files_are_closed(tmp_path):
    path = write_video(tmp_path / "a.mp4")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        decode_video(path)
        with pytest.raises(VideoLimitError):
            decode_video(path, limits=DecodeLimits(max_frames=1))
    assert len(os.listdir("/proc/self/fd")) == before
