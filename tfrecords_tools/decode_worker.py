"""The process that decodes: reads requests, answers with JPEGs, may crash without harm.

Run as `python -m tfrecords_tools.decode_worker` with a socket as standard input. A request is a
length (4 bytes, big-endian), with which an open file is handed over, and that many bytes of JSON.
The frames go to the file; the answer, on standard output, is again a length and JSON. Nothing is
ever unpickled, so that a decoder taken over by a hostile video can only send a wrong clip.
"""

import contextlib
import dataclasses
import json
import os
import signal
import socket
import struct
from typing import BinaryIO

from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.errors import VideoDecodeError
from tfrecords_tools.encode import EncodedClip, encode_file
from tfrecords_tools.frame_store import FrameStore, StoreError
from tfrecords_tools.settings import ConversionSettings

LENGTH = struct.Struct(">I")


def send(stream: BinaryIO, header: dict) -> None:
    """Writes one answer."""
    text = json.dumps(header).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    stream.flush()


def answer(request: dict, store: FrameStore) -> dict:
    """Decodes what a request names into the store and returns the answer."""
    settings = dict(request["settings"])
    settings["limits"] = DecodeLimits(**settings["limits"])
    try:
        clip = encode_file(request["path"], ConversionSettings(**settings), store)
        store.flush()
    except VideoDecodeError as error:
        return {"failed": error.reason}
    except StoreError as error:
        return {"cannot_store": [error.errno, error.strerror]}
    except Exception as error:  # whatever a decoder does to us costs this video alone
        return {"failed": f"decoding failed with {type(error).__name__}: {error}"}
    header = {
        field.name: getattr(clip, field.name)
        for field in dataclasses.fields(EncodedClip)
        if field.name != "frames"
    }
    return {"clip": header, "sizes": store.sizes}


def main() -> None:
    """Serves requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the converter decides when to stop
    # Decoders write to standard output at times; answers go through a copy that they don't know.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    requests = socket.socket(fileno=os.dup(0))
    send(answers, {"ready": True})
    while True:
        head, files, _, _ = socket.recv_fds(requests, LENGTH.size, 1)
        if not head:
            return
        head += _exactly(requests, LENGTH.size - len(head))
        request = json.loads(_exactly(requests, LENGTH.unpack(head)[0]))
        file = os.fdopen(files[0], "wb", buffering=1 << 18)
        send(answers, answer(request, FrameStore(file)))
        with contextlib.suppress(OSError):  # the answer says already that it could not be written
            file.close()


def _exactly(requests: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        block = requests.recv(count - len(data))
        if not block:
            raise EOFError("the request is cut off")
        data += block
    return data


if __name__ == "__main__":
    main()
