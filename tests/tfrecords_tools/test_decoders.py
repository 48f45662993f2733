import os
import signal
import sys
import time

import pytest
from made_videos import write_video

from keras_stprivacy.data.errors import VideoDecodeError
from tfrecords_tools import ConversionSettings, convert, decoders
from tfrecords_tools.datasets.folder import folder

pytestmark = pytest.mark.any_backend

# A decoder with weak spots: it does what the file's name says.
WEAK = """
import os, signal, time
import tfrecords_tools.decode_worker as worker
decode = worker.answer
def answer(request, store):
    if 'crash' in request['path']: os.kill(os.getpid(), signal.SIGSEGV)
    if 'leave' in request['path']: os._exit(7)
    if 'hang' in request['path']: time.sleep(600)
    if 'babble' in request['path']: return {'frames': 'none'}
    if 'close' in request['path']: os.closerange(1, 99), time.sleep(600)
    if 'real_time' in request['path']: os.kill(os.getpid(), signal.SIGRTMIN + 1)
    if 'print' in request['path']: os.write(1, b'noise on standard output')
    return decode(request, store)
worker.answer = answer
worker.main()
"""


@pytest.fixture
def weak(monkeypatch):
    monkeypatch.setattr(decoders, "WORKER_COMMAND", [sys.executable, "-c", WEAK])


@pytest.fixture
def decoder():
    decoder = decoders.Decoder(ConversionSettings(seconds_per_video=2.0))
    yield decoder
    decoder.close()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("crash", r"the decoder crashed \(signal SIGSEGV\)"),
        ("leave", r"the decoder crashed \(exit status 7\)"),
        ("hang", r"decoding took longer than 2 s"),
        ("babble", r"an answer that is none"),
        ("close", r"the decoder crashed \(signal SIGKILL\)"),
        ("real_time", r"the decoder crashed \(signal 3\d\)"),
    ],
)
def test_a_failing_decoder_costs_one_video(tmp_path, weak, decoder, monkeypatch, name, reason):
    monkeypatch.setattr(decoders, "_SECONDS_TO_END", 0.2)
    good = write_video(tmp_path / "good.mp4")
    bad = write_video(tmp_path / f"{name}.mp4")

    assert len(decoder.encode(good).frames) == 3
    with pytest.raises(VideoDecodeError, match=reason):
        decoder.encode(bad)
    assert len(decoder.encode(good).frames) == 3


def test_what_a_decoder_prints_is_no_answer(tmp_path, weak, decoder):
    assert len(decoder.encode(write_video(tmp_path / "print.mp4")).frames) == 3


def test_a_worker_that_was_killed_between_videos_is_replaced(tmp_path, decoder):
    video = write_video(tmp_path / "a.mp4")
    decoder.encode(video)
    process = decoder._process
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(decoder.encode(video).frames) == 3


def test_nothing_is_imported_from_where_a_user_happens_to_be(tmp_path, monkeypatch, decoder):
    video = write_video(tmp_path / "a.mp4")
    for name in ("av", "numpy", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('a namesake was imported')")
    monkeypatch.chdir(tmp_path)
    assert len(decoder.encode(video).frames) == 3


def test_a_time_limit_may_be_none_at_all(tmp_path, monkeypatch):
    decoder = decoders.Decoder(ConversionSettings(seconds_per_video=float("inf")))
    monkeypatch.setattr(decoders, "_LONGEST_WAIT", 0.001)  # waits more than once
    assert len(decoder.encode(write_video(tmp_path / "a.mp4")).frames) == 3
    decoder.close()


def test_a_worker_that_does_not_start_is_no_fault_of_the_videos(tmp_path, monkeypatch, decoder):
    monkeypatch.setattr(decoders, "WORKER_COMMAND", [sys.executable, "-c", "raise SystemExit(3)"])
    with pytest.raises(RuntimeError, match=r"The decoder process does not start. To see why: "):
        decoder.encode(write_video(tmp_path / "a.mp4"))


def test_a_run_survives_all_of_them(tmp_path, weak):
    pytest.importorskip("tensorflow")
    for name in ("a", "b", "c", "crash", "hang", "leave"):
        write_video(tmp_path / "videos" / "x" / f"{name}.mp4")
    report = convert(
        folder(tmp_path / "videos"),
        tmp_path / "out",
        ConversionSettings(seconds_per_video=2.0),
        workers=2,
    )
    assert sorted(report.info.sources) == ["x/a", "x/b", "x/c"]
    reasons = {item["id"]: item["reason"] for item in report.info.quarantined}
    assert reasons == {
        "x/crash": "the decoder crashed (signal SIGSEGV)",
        "x/hang": "decoding took longer than 2 s",
        "x/leave": "the decoder crashed (exit status 7)",
    }


def test_answers_come_in_order_and_workers_end(tmp_path):
    paths = [write_video(tmp_path / f"{i}.mp4", levels=[10] * (i + 1)) for i in range(8)]
    with decoders.DecoderPool(ConversionSettings(), 2) as pool:
        lengths = [len(clip.frames) for clip in pool.encode(paths)]
        processes = [decoder._process for decoder in pool._decoders if decoder._process]
    assert lengths == list(range(1, 9))
    assert processes
    for process in processes:
        assert process.returncode is not None


def test_a_pool_that_is_left_early_ends_its_workers(tmp_path, weak):
    paths = [write_video(tmp_path / "good.mp4"), write_video(tmp_path / "hang.mp4")] * 3
    start = time.monotonic()
    with decoders.DecoderPool(ConversionSettings(seconds_per_video=120), 2) as pool:
        next(pool.encode(paths))
    assert time.monotonic() - start < 60
    assert all(decoder._process is None for decoder in pool._decoders)
