"""Whole files: every frame, its time, and nothing else of the source."""

import signal
import subprocess
import sys
import textwrap
import types
from fractions import Fraction

import keras
import numpy as np
import pytest
from broken_models import spoil
from tiny_anonymizer import HEIGHT, NUM_FRAMES, WIDTH, tiny_anonymizer
from video_files import read_video, write_pcm, write_video, write_vorbis

from keras_stprivacy.data.errors import VideoDecodeError
from keras_stprivacy.export.deployed import DeployedAnonymizer
from keras_stprivacy.video import VideoWriteError, anonymize
from keras_stprivacy.video.vorbis_headers import without_comments
from keras_stprivacy.video.writer import VideoWriter


@pytest.fixture(scope="module")
def anonymizer():
    return tiny_anonymizer()


@pytest.fixture(scope="module")
def constant():
    """An anonymizer that answers every kept tubelet with the same gray, 0.25."""
    model = tiny_anonymizer(keep_ratio=1.0)
    projection = model.head.projection
    projection.kernel.assign(keras.ops.zeros_like(projection.kernel))
    projection.bias.assign(keras.ops.full_like(projection.bias, (0.25 - 0.5) / 0.5))
    return model


@pytest.mark.parametrize(
    "num_frames", [9, *(pytest.param(n, marks=pytest.mark.any_backend) for n in (1, 3, 4, 16, 17))]
)
def test_every_frame_and_its_rate(anonymizer, tmp_path, num_frames):
    source = write_video(tmp_path / "in.mp4", num_frames)
    calls = []
    written = anonymize(
        source,
        tmp_path / "out.mp4",
        anonymizer,
        batch_size=2,  # 8 frames at once: none, one or two full batches, and a rest
        progress=lambda done, total: calls.append((done, total)),
    )
    frames, times, facts = read_video(tmp_path / "out.mp4")
    assert len(frames) == written.num_frames == num_frames
    assert facts["rate"] == written.frame_rate == 25
    np.testing.assert_allclose(times, np.arange(num_frames) / 25, atol=1e-9)
    assert calls[-1] == (num_frames, num_frames)
    assert frames.shape[1:] == (32, 48, 3)


def test_the_frames_are_the_models(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 6, size=(HEIGHT, WIDTH))
    raw, _, _ = read_video(source)
    clips = np.concatenate([raw, raw[-1:], raw[-1:]]).reshape(2, NUM_FRAMES, HEIGHT, WIDTH, 3)
    output = DeployedAnonymizer(anonymizer, keep_ratio=0.5).predict_on_batch(clips)["clip"]
    expected = keras.ops.convert_to_numpy(output).reshape(8, HEIGHT, WIDTH, 3)[:6] / 255
    anonymize(source, tmp_path / "out.mkv", anonymizer, keep_ratio=0.5, size="model", crf=1)
    frames, _, _ = read_video(tmp_path / "out.mkv")
    # Chroma at half resolution blurs the random colours; brightness goes through.
    luma = np.array([0.299, 0.587, 0.114])
    error = np.abs(frames @ luma / 255 - expected @ luma)
    assert error.mean() < 0.01
    assert np.abs(raw @ luma / 255 - expected @ luma).mean() > 0.1


@pytest.mark.any_backend
def test_kept_parts_show_only_what_the_head_writes(constant, tmp_path):
    source = write_video(tmp_path / "in.mp4", 5, size=(64, 96))
    anonymize(source, tmp_path / "out.mp4", constant)
    frames, _, _ = read_video(tmp_path / "out.mp4")
    assert np.abs(frames.astype(int) - 64).max() <= 2  # 0.25 * 255, after H.264


@pytest.mark.any_backend
def test_uneven_times_are_kept(anonymizer, tmp_path):
    times = [0, 40, 45, 200, 1000, 1033, 2500]
    source = write_video(tmp_path / "in.mkv", len(times), times=times)
    for name in ("out.mp4", "out.mkv", "out.mov"):
        anonymize(source, tmp_path / name, anonymizer)
        _, written, _ = read_video(tmp_path / name)
        np.testing.assert_allclose(written, np.array(times) / 1000, atol=1e-3)


@pytest.mark.any_backend
@pytest.mark.parametrize("name", ["out.mp4", "out.m4v", "out.mov", "out.mkv", "out.webm"])
def test_containers(anonymizer, tmp_path, name):
    anonymize(write_video(tmp_path / "in.mp4", 5), tmp_path / name, anonymizer)
    frames, _, facts = read_video(tmp_path / name)
    assert len(frames) == 5
    assert facts["rate"] == 25


@pytest.mark.any_backend
def test_odd_sizes_are_rounded_up_and_the_models_size_on_request(anonymizer, tmp_path, shared_dir):
    source = shared_dir / "testdata/odd/odd_321x241_yuv444.mp4"
    written = anonymize(source, tmp_path / "out.mp4", anonymizer)
    assert (written.height, written.width) == (242, 322)
    written = anonymize(source, tmp_path / "small.mp4", anonymizer, size="model")
    assert (written.height, written.width) == (HEIGHT, WIDTH)


@pytest.mark.any_backend
def test_metadata_stays_behind(anonymizer, tmp_path):
    secrets = {"title": "at home", "location": "+52.5200+013.4050/", "artist": "someone"}
    source = write_video(tmp_path / "in.mp4", 4, metadata=secrets)
    assert read_video(source)[2]["metadata"]["title"] == "at home"
    for name in ("out.mp4", "out.mkv"):
        anonymize(source, tmp_path / name, anonymizer)
        content = (tmp_path / name).read_bytes()
        assert not any(secret.encode() in content for secret in secrets.values())


@pytest.mark.any_backend
def test_sound_only_when_asked_and_then_with_a_warning(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 50, sound=True)
    silent = anonymize(source, tmp_path / "silent.mp4", anonymizer)
    assert not silent.audio
    assert read_video(tmp_path / "silent.mp4")[2]["streams"] == 1
    for name, batch_size in (("loud.mp4", 8), ("loud.mkv", 1)):
        with pytest.warns(UserWarning, match="voices identify people"):
            loud = anonymize(source, tmp_path / name, anonymizer, audio=True, batch_size=batch_size)
        assert loud.audio
        frames, _, _ = read_video(tmp_path / name)
        assert len(frames) == 50
        assert _packets(tmp_path / name) == _packets(source)


def _packets(path):
    import av

    with av.open(str(path)) as container:
        return [bytes(p) for p in container.demux(container.streams.audio[0]) if p.size]


@pytest.mark.any_backend
def test_sound_that_the_container_cannot_hold(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 5, sound=True)
    with (
        pytest.warns(UserWarning, match="voices"),
        pytest.raises(VideoWriteError, match=r"\(aac\) cannot be copied to \.webm"),
    ):
        anonymize(source, tmp_path / "out.webm", anonymizer, audio=True)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.any_backend
@pytest.mark.parametrize("name", ["out.mp4", "out.mov", "out.mkv"])
def test_uncompressed_sound_of_an_avi(anonymizer, tmp_path, name):
    source = write_pcm(tmp_path / "in.avi", 30)
    with pytest.warns(UserWarning, match="voices"):
        anonymize(source, tmp_path / name, anonymizer, audio=True)
    assert len(read_video(tmp_path / name)[0]) == 30
    np.testing.assert_array_equal(_heard(tmp_path / name), _heard(source))


@pytest.mark.any_backend
def test_sound_of_channels_that_nobody_knows(anonymizer, tmp_path):
    """It is refused before the work is done, and containers that take it are named."""
    source = write_pcm(tmp_path / "in.mkv", 5, layout="2.1")
    with (
        pytest.warns(UserWarning, match="voices"),
        pytest.raises(VideoWriteError, match=r"copied to \.mp4\. Write to \.mkv or \.mov"),
    ):
        anonymize(source, tmp_path / "out.mp4", anonymizer, audio=True, progress=_never)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mkv"]


def _never(done, total):
    raise AssertionError("frames were anonymized")


@pytest.mark.any_backend
def test_a_file_that_cannot_be_completed(tmp_path):
    """The container's last words are an error of ours, and never hide what went wrong before."""
    import av

    class Broken:
        def __init__(self, container):
            self.container = container

        def __getattr__(self, name):
            return getattr(self.container, name)

        def close(self):
            self.container.close()
            raise av.error.ArgumentError(22, "Invalid argument")

    def broken(name):
        writer = _writer(tmp_path / name)
        writer._container = Broken(writer._container)
        return writer

    frame = np.zeros((32, 48, 3), "uint8")
    message = r"a\.mp4 cannot be completed: .*Invalid argument"
    with pytest.raises(VideoWriteError, match=message), broken("a.mp4") as writer:
        writer.write(frame, Fraction(0), Fraction(1, 25))
    with pytest.raises(KeyboardInterrupt), broken("b.mp4"):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


@pytest.mark.any_backend
def test_a_quality_for_encoders_that_have_one(tmp_path):
    frame = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    sizes = []
    for crf in (1, 60):
        with _writer(tmp_path / f"{crf}.mp4", crf=crf) as writer:
            writer.write(frame, Fraction(0), Fraction(1, 25))
        sizes.append((tmp_path / f"{crf}.mp4").stat().st_size)
    assert sizes[0] > 1.5 * sizes[1]
    with pytest.raises(VideoWriteError, match="'mpeg4' has no quality crf.*Received: crf=30"):
        _writer(tmp_path / "out.mp4", codec="mpeg4", crf=30)
    with _writer(tmp_path / "out.mp4", codec="mpeg4") as writer:
        writer.write(frame, Fraction(0), Fraction(1, 25))
    assert len(read_video(tmp_path / "out.mp4")[0]) == 1


@pytest.mark.any_backend
def test_a_name_as_long_as_it_can_be(tmp_path):
    path = tmp_path / ("手" * 83 + ".mp4")  # 253 bytes
    with _writer(path) as writer:
        writer.write(np.zeros((32, 48, 3), "uint8"), Fraction(0), Fraction(1, 25))
    assert [path] == list(tmp_path.iterdir())


@pytest.mark.any_backend
def test_a_source_without_sound_is_no_error(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 2)
    assert not anonymize(source, tmp_path / "out.mp4", anonymizer, audio=True).audio


@pytest.mark.any_backend
@pytest.mark.parametrize("name", ["out.mkv", "out.webm", "out.mp4"])
def test_comments_of_vorbis_sound_stay_behind(anonymizer, tmp_path, name):
    source = write_vorbis(tmp_path / "in.mkv", 25, {"ARTIST": "someone", "LOCATION": "at home"})
    assert b"someone" in source.read_bytes()
    with pytest.warns(UserWarning, match="voices identify people"):
        anonymize(source, tmp_path / name, anonymizer, audio=True)
    content = (tmp_path / name).read_bytes()
    assert not any(secret in content for secret in (b"someone", b"at home", b"ARTIST"))
    assert _packets(tmp_path / name) == _packets(source)
    heard = [_heard(path) for path in (source, tmp_path / name)]
    num_samples = heard[0].shape[-1]
    assert num_samples > 10_000
    np.testing.assert_array_equal(heard[0], heard[1][:, :num_samples])  # MP4 fills the last packet


def _heard(path):
    import av

    with av.open(str(path)) as container:
        return np.concatenate([f.to_ndarray() for f in container.decode(audio=0)], axis=-1)


@pytest.mark.any_backend
@pytest.mark.parametrize("form", ["lacing", "lengths"])
def test_vorbis_headers(form):
    first, last = b"\x01vorbis" + bytes(23), b"\x05vorbis" + bytes(600)
    comment = b"\x03vorbis" + b"someone" * 100
    if form == "lacing":
        sizes = bytes([2, 30, 255, 255, len(comment) - 510])
        headers = sizes + first + comment + last
    else:
        headers = b"".join(len(h).to_bytes(2, "big") + h for h in (first, comment, last))
    empty = without_comments(headers)
    assert b"someone" not in empty and empty == without_comments(empty)
    assert empty[:3] == bytes([2, 30, 16]) and empty[3:33] == first and empty[49:] == last
    for wrong in (b"", b"\x02", headers[40:], b"\x02\xff\xff"):
        with pytest.raises(ValueError, match="no Vorbis headers"):
            without_comments(wrong)


def _writer(path, **options):
    return VideoWriter(path, (32, 48), Fraction(25), Fraction(1, 25), **options)


@pytest.mark.any_backend
def test_sound_of_an_unknown_codec(tmp_path):
    unknown = types.SimpleNamespace(codec_context=None)
    with pytest.raises(VideoWriteError, match="cannot be copied: its codec is unknown"):
        _writer(tmp_path / "out.mkv", audio_stream=unknown)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.any_backend
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("overwrite", [True, False])
def test_a_file_that_appears_meanwhile(tmp_path, monkeypatch, links, overwrite):
    def no_links(*_):
        raise PermissionError("no links here")

    if not links:
        monkeypatch.setattr("os.link", no_links)
    path, frame = tmp_path / "out.mkv", np.zeros((32, 48, 3), np.uint8)

    def write(meanwhile):
        with _writer(path, overwrite=overwrite) as writer:
            writer.write(frame, Fraction(0), Fraction(1, 25))
            meanwhile()

    if overwrite:
        write(lambda: path.write_bytes(b"another"))
    else:
        with pytest.raises(FileExistsError, match="is already there"):
            write(lambda: path.write_bytes(b"another"))
        assert path.read_bytes() == b"another"
        path.unlink()
        write(lambda: None)
    assert len(read_video(path)[0]) == 1
    assert [each.name for each in tmp_path.iterdir()] == ["out.mkv"]


REAL = [
    "odd/hf_test_video_66x50.mov",
    "odd/with_audio.mp4",
    "odd/vfr_walk.mp4",
    "odd/vp9_help.webm",
    "odd/tenbit_yes.mp4",
    "odd/gray_help.mp4",
    "odd/one_frame.mp4",
    "odd/tiny_8x6.mp4",
    "odd/moviepy_-video-with-dash-.mp4",
    "odd/name with spaces & (parens) [x] #1 é 手.mp4",
    "folder/again.mkv",
    "ucf101/UCF-101/Punch/v_Punch_g03_c01.avi",
]


@pytest.mark.any_backend
@pytest.mark.parametrize("name", REAL)
def test_real_files(anonymizer, tmp_path, shared_dir, name):
    source = shared_dir / "testdata" / name
    _, source_times, source_facts = read_video(source)
    anonymize(source, tmp_path / "out.mp4", anonymizer, keep_ratio=0.5)
    frames, times, facts = read_video(tmp_path / "out.mp4")
    assert len(frames) == len(source_times)
    np.testing.assert_allclose(times, source_times, atol=1.1e-3)  # Matroska counts in ms
    if "vfr" not in name:  # there the source's own header is wrong about its length
        assert facts["rate"] == source_facts["rate"]


@pytest.mark.any_backend
@pytest.mark.parametrize("action", ["cartwheel", "wave"])
def test_hmdb51(anonymizer, tmp_path, shared_dir, action):
    """A cut-off path in the metadata; times that jump; one frame more promised than there is."""
    source = next((shared_dir / "testdata/hmdb51/videos" / action).iterdir())
    count = len(read_video(source)[0])
    anonymize(source, tmp_path / "out.mp4", anonymizer)
    frames, times, facts = read_video(tmp_path / "out.mp4")
    assert len(frames) == count
    np.testing.assert_allclose(times, np.arange(count) / 30, atol=1e-6)
    assert facts["rate"] == 30


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("rot90_walk.mp4", (640, 480)),
        ("decord_video_180.mov", (320, 568)),
        ("decord_video_270.mov", (568, 320)),
        ("sar_16_11.mp4", (240, 466)),  # 320 * 16 / 11 = 465.5
    ],
)
def test_rotation_and_pixel_aspect(anonymizer, tmp_path, shared_dir, name, size):
    written = anonymize(
        shared_dir / "testdata/odd" / name, tmp_path / "out.mp4", anonymizer, batch_size=30
    )
    assert (written.height, written.width) == size
    assert read_video(tmp_path / "out.mp4")[0].shape[1:3] == size


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("zero_bytes.mp4", "empty"),
        ("text_as.mp4", "not a video that can be read"),
        ("random_bytes.avi", "not a video that can be read"),
        ("audio_only.mp4", "no video stream"),
        ("truncated_no_moov.mp4", "not a video that can be read"),
        ("decord_corrupted.mp4", "breaks off after frame 28: decoding fails"),
        ("truncated_faststart.mp4", "breaks off after frame 35: decoding fails"),
        ("truncated.mkv", r"breaks off after frame 30: it promises 2\.97 s and ends at 1\.10 s"),
        ("truncated_ucf.avi", "breaks off after frame 14: a piece of it is incomplete"),
    ],
)
def test_broken_sources_leave_nothing(anonymizer, tmp_path, shared_dir, name, message):
    with pytest.raises(VideoDecodeError, match=message):
        anonymize(shared_dir / "testdata/odd" / name, tmp_path / "out.mp4", anonymizer)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("name", "count"),
    [("decord_corrupted.mp4", 28), ("truncated.mkv", 30), ("truncated_ucf.avi", 14)],
)
def test_what_is_there_of_a_broken_source(anonymizer, tmp_path, shared_dir, name, count):
    written = anonymize(
        shared_dir / "testdata/odd" / name, tmp_path / "out.mp4", anonymizer, allow_truncated=True
    )
    assert written.num_frames == len(read_video(tmp_path / "out.mp4")[0]) == count


@pytest.mark.parametrize("part", ["embedding", "middle layer", "head"])
def test_a_model_that_gives_nan_leaves_nothing(tmp_path, part):
    broken = spoil(tiny_anonymizer(), part)
    source = write_video(tmp_path / "in.mp4", 4)
    with pytest.raises(ValueError, match="not finite"):
        anonymize(source, tmp_path / "out.mp4", broken)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.any_backend
def test_an_interruption_leaves_an_older_file_as_it_was(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 40)
    (tmp_path / "out.mp4").write_bytes(b"older")

    def interrupt(done, total):
        if done > 10:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        anonymize(
            source,
            tmp_path / "out.mp4",
            anonymizer,
            batch_size=1,
            overwrite=True,
            progress=interrupt,
        )
    assert (tmp_path / "out.mp4").read_bytes() == b"older"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.mp4", "out.mp4"]


@pytest.mark.any_backend
def test_a_killed_process_leaves_no_output_and_no_raw_frame(constant, tmp_path):
    write_video(tmp_path / "in.mp4", 60, size=(64, 96))
    constant.save(tmp_path / "model.keras")
    program = """
        import os, signal, sys
        from keras_stprivacy.video import anonymize

        def kill(done, total):
            if done >= 40:
                os.kill(os.getpid(), signal.SIGKILL)

        anonymize(*sys.argv[1:], batch_size=1, progress=kill)
    """
    arguments = [str(tmp_path / name) for name in ("in.mp4", "out.mkv", "model.keras")]
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program), *arguments],
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr[-2000:]
    assert not (tmp_path / "out.mkv").exists()
    for leftover in tmp_path.glob(".out*"):
        if leftover.stat().st_size > 2000:
            assert np.abs(read_video(leftover)[0].astype(int) - 64).max() <= 2


@pytest.mark.any_backend
def test_files_in_the_way(anonymizer, tmp_path):
    source = write_video(tmp_path / "in.mp4", 3)
    before = source.read_bytes()
    for same in (source, tmp_path / "." / "in.mp4"):
        with pytest.raises(ValueError, match="are the same file"):
            anonymize(source, same, anonymizer, overwrite=True)
    (tmp_path / "link.mp4").hardlink_to(source)
    with pytest.raises(ValueError, match="are the same file"):
        anonymize(source, tmp_path / "link.mp4", anonymizer, overwrite=True)
    (tmp_path / "out.mp4").write_bytes(b"older")
    with pytest.raises(FileExistsError, match="overwrite=True"):
        anonymize(source, tmp_path / "out.mp4", anonymizer)
    assert (tmp_path / "out.mp4").read_bytes() == b"older"
    anonymize(source, tmp_path / "out.mp4", anonymizer, overwrite=True)
    assert len(read_video(tmp_path / "out.mp4")[0]) == 3
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(IsADirectoryError, match="is a folder. Name a file in it"):
        anonymize(source, tmp_path / "folder.mp4", anonymizer, overwrite=True, progress=_never)
    assert source.read_bytes() == before


@pytest.mark.any_backend
@pytest.mark.parametrize(
    ("arguments", "kind", "message"),
    [
        ({"keep_ratio": 0.0}, ValueError, r"keep_ratio must be a number in \(0, 1\]"),
        ({"keep_ratio": float("nan")}, ValueError, r"keep_ratio must be a number in \(0, 1\]"),
        ({"batch_size": 0}, ValueError, "batch_size must be a positive integer"),
        ({"size": "huge"}, ValueError, "size must be one of"),
        ({"codec": "none_such"}, VideoWriteError, "codec 'none_such' cannot be written"),
        ({"codec": "aac"}, VideoWriteError, "codec 'aac' cannot be written.*encoder of audio"),
        ({"codec": "subrip"}, VideoWriteError, "codec 'subrip' cannot.*encoder of subtitle"),
        ({"source": "none.mp4"}, FileNotFoundError, r"no video file 'none\.mp4'"),
        ({"destination": "out.xyz"}, VideoWriteError, "no container that can be written"),
        ({"destination": "no/such/out.mp4"}, FileNotFoundError, "no folder"),
        ({"model": "none.keras"}, FileNotFoundError, r"no model file 'none\.keras'"),
        ({"model": 3}, TypeError, "must be an anonymizer"),
    ],
)
def test_bad_arguments(anonymizer, tmp_path, monkeypatch, arguments, kind, message):
    monkeypatch.chdir(tmp_path)
    write_video(tmp_path / "in.mp4", 2)
    given = {"source": "in.mp4", "destination": "out.mp4", "model": anonymizer} | arguments
    with pytest.raises(kind, match=message):
        anonymize(**given)
    assert [path.name for path in tmp_path.iterdir()] == ["in.mp4"]


@pytest.mark.any_backend
def test_without_pyav(anonymizer, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(ImportError, match="pip install av"):
        anonymize("in.mp4", tmp_path / "out.mp4", anonymizer)


@pytest.mark.any_backend
def test_importing_brings_no_backend_and_no_decoder():
    program = (
        "import sys, keras_stprivacy.video, keras_stprivacy.export, keras_stprivacy.cli.main\n"
        "loaded = {'av', 'tensorflow', 'jax', 'torch', 'keras'} & set(sys.modules)\n"
        "assert not loaded, loaded"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
