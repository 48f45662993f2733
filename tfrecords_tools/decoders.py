"""Decoding in worker processes: a crash or a hang of the decoder costs one video."""

import collections
import json
import os
import pathlib
import queue
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any, TypeAlias

from keras_stprivacy.data.errors import VideoDecodeError
from tfrecords_tools.decode_worker import LENGTH
from tfrecords_tools.encode import EncodedClip
from tfrecords_tools.frame_store import FrameStore
from tfrecords_tools.settings import ConversionSettings

# -P: nothing is imported from the folder that a user happens to be in.
WORKER_COMMAND = [sys.executable, "-P", "-m", "tfrecords_tools.decode_worker"]

Outcomes: TypeAlias = Generator[EncodedClip | VideoDecodeError, None, None]

_READ_BYTES = 1 << 20
_LONGEST_ANSWER = 1 << 26
_SLOWEST, _FASTEST = 1e-6, 1e6  # frames a second
_SECONDS_TO_START = 120.0
_LONGEST_WAIT = 3600.0  # at once; the system takes no number of any size
_SECONDS_TO_END = 5.0


class Decoder:
    """One worker process, started when it is needed and again after a crash.

    Args:
        settings: how frames are stored; `seconds_per_video` is the time limit.
        scratch: the folder for temporary files; None: where the system puts them.
    """

    def __init__(self, settings: ConversionSettings, scratch: str | None = None):
        self.settings = settings
        self.scratch = scratch
        self._requests: socket.socket | None = None
        self._process: subprocess.Popen | None = None
        self._stopped = False

    def encode(self, path: str | os.PathLike) -> EncodedClip:
        """Decodes a video file in the worker process.

        Returns:
            The clip; its frames are to be closed.

        Raises:
            VideoDecodeError: if it does not decode, or takes too long, or crashes the decoder.
            OSError: if its frames cannot be stored, as when the disk is full.
        """
        process = self._running()
        deadline = time.monotonic() + self.settings.seconds_per_video
        store = FrameStore.empty(self.scratch)
        try:
            self._ask(path, store)
            answer = _read_answer(process.stdout, deadline)
            if "failed" in answer:
                raise VideoDecodeError(path, str(answer["failed"]))
            if "cannot_store" in answer:
                code, words = answer["cannot_store"]
                raise OSError(code, f"the frames of {os.fspath(path)!r} cannot be stored: {words}")
            return _checked_clip(answer, store)
        except TimeoutError as error:
            store.close()
            self.close()
            raise VideoDecodeError(
                path, f"decoding took longer than {self.settings.seconds_per_video:g} s"
            ) from error
        except (EOFError, ConnectionError) as error:
            store.close()
            raise VideoDecodeError(path, f"the decoder crashed ({self._post_mortem()})") from error
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            store.close()
            self.close()
            raise VideoDecodeError(path, "the decoder gave an answer that is none") from error
        except BaseException:
            store.close()
            raise

    def _ask(self, path: str | os.PathLike, store: FrameStore) -> None:
        if self._requests is None:
            raise RuntimeError("the decoder was started without a socket")
        request = {"path": os.path.abspath(path), "settings": self.settings.for_decoder()}
        text = json.dumps(request).encode()
        socket.send_fds(self._requests, [LENGTH.pack(len(text))], [store.file.fileno()])
        self._requests.sendall(text)

    def stop(self) -> None:
        """Makes what another thread is decoding, and all that it will ask for, fail at once."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Ends the worker process. Not while another thread is decoding: see `stop`."""
        if self._process is not None:
            self._process.kill()
            if self._requests is not None:
                self._requests.close()
                self._requests = None
            if self._process.stdout is not None:
                self._process.stdout.close()
            self._process.wait()
            self._process = None

    def _running(self) -> subprocess.Popen:
        if self._process is None or self._process.poll() is not None:
            self.close()
            # "" is what an interactive Python calls the folder that it was started in.
            places = [place or os.getcwd() for place in sys.path]
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places)}
            self._requests, theirs = socket.socketpair()
            with theirs:
                self._process = subprocess.Popen(
                    WORKER_COMMAND,
                    stdin=theirs.fileno(),
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    bufsize=0,
                )
            if self._stopped:
                self._process.kill()
            try:
                _read_answer(self._process.stdout, time.monotonic() + _SECONDS_TO_START)
            except (EOFError, TimeoutError, ValueError) as error:
                self.close()
                raise RuntimeError(
                    f"The decoder process does not start. To see why: {' '.join(WORKER_COMMAND)}"
                ) from error
        return self._process

    def _post_mortem(self) -> str:
        code = 0
        if self._process is not None:
            try:
                code = self._process.wait(_SECONDS_TO_END)
            except subprocess.TimeoutExpired:  # it has closed its end and goes on
                code = -signal.SIGKILL
        self.close()
        if code < 0:
            return f"signal {_name_of(-code)}"
        return f"exit status {code}"


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:  # one of the real-time signals
        return str(number)


def _read_answer(pipe: IO[bytes] | None, deadline: float) -> Any:
    """One answer from the worker, if it comes before the deadline."""
    if pipe is None:
        raise RuntimeError("the decoder was started without a pipe")
    buffer = bytearray()

    def read(size: int) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while len(buffer) < size:
                left = deadline - time.monotonic()
                if not selector.select(min(max(0.0, left), _LONGEST_WAIT)):
                    if left <= _LONGEST_WAIT:
                        raise TimeoutError
                    continue
                block = os.read(pipe.fileno(), _READ_BYTES)
                if not block:
                    raise EOFError
                buffer.extend(block)
        result = bytes(buffer[:size])
        del buffer[:size]
        return result

    (length,) = LENGTH.unpack(read(LENGTH.size))
    if length > _LONGEST_ANSWER:
        raise ValueError(f"an answer of {length} bytes")
    return json.loads(read(length))


def _checked_clip(answer: Any, store: FrameStore) -> EncodedClip:
    """The clip in an answer, which may come from a decoder that a hostile video has taken over."""
    clip = EncodedClip(frames=store, **answer["clip"])
    store.sizes = [_whole(size, 1) for size in answer["sizes"]]
    counts = {len(store.sizes), len(clip.timestamps), len(clip.frame_numbers)}
    if len(counts) > 1 or 0 in counts:
        raise ValueError(f"frames, times and numbers: {counts}")
    for value in (*clip.timestamps, *clip.frame_numbers, clip.height, clip.width):
        _whole(value, 0)
    if sum(store.sizes) != os.fstat(store.file.fileno()).st_size:
        raise ValueError("frames of another size than announced")
    if not isinstance(clip.frame_rate, float) or not isinstance(clip.source_sha256, str):
        raise TypeError("a frame rate or hash of another kind")
    if clip.frame_rate != 0.0 and not _SLOWEST <= clip.frame_rate <= _FASTEST:
        raise ValueError(f"{clip.frame_rate} frames a second")
    return clip


def _whole(value: Any, least: int) -> int:
    if type(value) is not int or not least <= value < 1 << 62:
        raise ValueError(f"{value!r} is no count")
    return value


def _close_frames(future: Future) -> None:
    if not future.cancelled() and future.exception() is None:
        clip = future.result()
        if isinstance(clip, EncodedClip):
            clip.frames.close()


class DecoderPool:
    """Several decoders; answers come in the order of the questions.

    Args:
        settings: how frames are stored.
        workers: number of worker processes.
        scratch: the folder for temporary files; None: where the system puts them.
    """

    def __init__(self, settings: ConversionSettings, workers: int, scratch: str | None = None):
        self.workers = workers
        self._decoders = [Decoder(settings, scratch) for _ in range(workers)]
        self._idle: queue.SimpleQueue[Decoder] = queue.SimpleQueue()
        for decoder in self._decoders:
            self._idle.put(decoder)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="decoder")

    def __enter__(self) -> "DecoderPool":
        return self

    def __exit__(self, *exception) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        for decoder in self._decoders:
            decoder.stop()
        self._threads.shutdown()
        for decoder in self._decoders:
            decoder.close()

    def encode(self, paths: Iterable[pathlib.Path]) -> Outcomes:
        """Yields, in order, what became of each file; keeps a few of them in memory, no more."""
        pending: collections.deque[Future] = collections.deque()
        try:
            for path in paths:
                pending.append(self._threads.submit(self._encode_one, path))
                if len(pending) > 2 * self.workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:
            for future in pending:  # left early
                future.cancel()
                future.add_done_callback(_close_frames)

    def _encode_one(self, path: pathlib.Path) -> EncodedClip | VideoDecodeError:
        decoder = self._idle.get()
        try:
            return decoder.encode(path)
        except VideoDecodeError as error:
            return error
        finally:
            self._idle.put(decoder)
