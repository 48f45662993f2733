"""Decoding in worker processes: a crash or a hang of the decoder costs one video."""

import collections
import contextlib
import json
import os
import pathlib
import queue
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import IO, Any

from keras_stprivacy.data.errors import VideoDecodeError
from tfrecords_tools.decode_worker import LENGTH
from tfrecords_tools.decode_worker import send as send_message
from tfrecords_tools.encode import EncodedClip
from tfrecords_tools.settings import ConversionSettings

WORKER_COMMAND = [sys.executable, "-m", "tfrecords_tools.decode_worker"]

_READ_BYTES = 1 << 20
_LONGEST_HEADER = 1 << 26
_SECONDS_TO_START = 120.0


class Decoder:
    """One worker process, started when it is needed and again after a crash.

    Args:
        settings: how frames are stored; `seconds_per_video` is the time limit.
    """

    def __init__(self, settings: ConversionSettings):
        self.settings = settings
        self._process: subprocess.Popen | None = None
        self._stopped = False

    def encode(self, path: str | os.PathLike) -> EncodedClip:
        """Decodes a video file in the worker process.

        Raises:
            VideoDecodeError: if it does not decode, or takes too long, or crashes the decoder.
        """
        process = self._running()
        deadline = time.monotonic() + self.settings.seconds_per_video
        try:
            request = {"path": os.path.abspath(path), "settings": self.settings.as_json()}
            send_message(_pipe(process.stdin), request, [])
            reader = _TimedReader(_pipe(process.stdout), deadline)
            header = reader.read_header()
            if "failed" in header:
                raise VideoDecodeError(path, str(header["failed"]))
            frames = [reader.read(size) for size in header["sizes"]]
            return EncodedClip(frames=frames, **header["clip"])
        except TimeoutError as error:
            self.close()
            raise VideoDecodeError(
                path, f"decoding took longer than {self.settings.seconds_per_video:g} s"
            ) from error
        except (EOFError, BrokenPipeError) as error:
            raise VideoDecodeError(path, f"the decoder crashed ({self._post_mortem()})") from error
        except (KeyError, TypeError, ValueError) as error:
            self.close()
            raise VideoDecodeError(path, "the decoder gave an answer that is none") from error

    def stop(self) -> None:
        """Makes what another thread is decoding, and all that it will ask for, fail at once."""
        self._stopped = True
        if self._process is not None:
            self._process.kill()

    def close(self) -> None:
        """Ends the worker process. Not while another thread is decoding: see `stop`."""
        if self._process is not None:
            self._process.kill()
            for pipe in (self._process.stdin, self._process.stdout):
                with contextlib.suppress(BrokenPipeError):
                    _pipe(pipe).close()
            self._process.wait()
            self._process = None

    def _running(self) -> subprocess.Popen:
        if self._process is None or self._process.poll() is not None:
            self.close()
            environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
            self._process = subprocess.Popen(
                WORKER_COMMAND,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                bufsize=0,
            )
            if self._stopped:
                self._process.kill()
            try:
                _TimedReader(
                    _pipe(self._process.stdout), time.monotonic() + _SECONDS_TO_START
                ).read_header()
            except (EOFError, TimeoutError, ValueError) as error:
                self.close()
                raise RuntimeError(
                    f"The decoder process does not start. To see why: {' '.join(WORKER_COMMAND)}"
                ) from error
        return self._process

    def _post_mortem(self) -> str:
        code = self._process.wait() if self._process is not None else 0
        self.close()
        if code < 0:
            return f"signal {signal.Signals(-code).name}"
        return f"exit status {code}"


def _pipe(pipe: IO[bytes] | None) -> Any:
    if pipe is None:
        raise RuntimeError("the decoder was started without pipes")
    return pipe


class _TimedReader:
    """Reads exact numbers of bytes from a pipe until a deadline."""

    def __init__(self, pipe: IO[bytes], deadline: float):
        self.pipe = pipe
        self.deadline = deadline
        self.buffer = bytearray()

    def read_header(self) -> dict:
        (length,) = LENGTH.unpack(self.read(LENGTH.size))
        if length > _LONGEST_HEADER:
            raise ValueError(f"a header of {length} bytes")
        return json.loads(self.read(length))

    def read(self, size: int) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self.pipe, selectors.EVENT_READ)
            while len(self.buffer) < size:
                if not selector.select(max(0.0, self.deadline - time.monotonic())):
                    raise TimeoutError
                block = os.read(self.pipe.fileno(), _READ_BYTES)
                if not block:
                    raise EOFError
                self.buffer += block
        result = bytes(self.buffer[:size])
        del self.buffer[:size]
        return result


class DecoderPool:
    """Several decoders; answers come in the order of the questions.

    Args:
        settings: how frames are stored.
        workers: number of worker processes.
    """

    def __init__(self, settings: ConversionSettings, workers: int):
        self.workers = workers
        self._decoders = [Decoder(settings) for _ in range(workers)]
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

    def encode(self, paths: Iterable[pathlib.Path]) -> Iterator[EncodedClip | VideoDecodeError]:
        """Yields, in order, what became of each file; keeps a few of them in memory, no more."""
        pending: collections.deque[Future] = collections.deque()
        for path in paths:
            pending.append(self._threads.submit(self._encode_one, path))
            if len(pending) > 2 * self.workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()

    def _encode_one(self, path: pathlib.Path) -> EncodedClip | VideoDecodeError:
        decoder = self._idle.get()
        try:
            return decoder.encode(path)
        except VideoDecodeError as error:
            return error
        finally:
            self._idle.put(decoder)
