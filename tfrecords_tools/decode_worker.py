"""The process that decodes: reads requests, answers with JPEGs, may crash without harm.

Run as `python -m tfrecords_tools.decode_worker`. Messages are a length (4 bytes, big-endian), that
many bytes of JSON, and the bytes that the JSON announces. Nothing is ever unpickled, so that a
decoder taken over by a hostile video can only send a wrong clip.
"""

import dataclasses
import json
import os
import signal
import struct
import sys
from typing import BinaryIO

from keras_stprivacy.data.decode_limits import DecodeLimits
from keras_stprivacy.data.errors import VideoDecodeError
from tfrecords_tools.encode import EncodedClip, encode_file
from tfrecords_tools.settings import ConversionSettings

LENGTH = struct.Struct(">I")


def send(stream: BinaryIO, header: dict, blobs: list[bytes]) -> None:
    """Writes one message."""
    text = json.dumps(header).encode()
    stream.write(LENGTH.pack(len(text)) + text)
    for blob in blobs:
        stream.write(blob)
    stream.flush()


def answer(request: dict) -> tuple[dict, list[bytes]]:
    """Decodes what a request names and returns the answer's header and frames."""
    settings = dict(request["settings"])
    settings["limits"] = DecodeLimits(**settings["limits"])
    try:
        clip = encode_file(request["path"], ConversionSettings(**settings))
    except VideoDecodeError as error:
        return {"failed": error.reason}, []
    except Exception as error:  # whatever a decoder does to us costs this video alone
        return {"failed": f"decoding failed with {type(error).__name__}: {error}"}, []
    header = {
        field.name: getattr(clip, field.name)
        for field in dataclasses.fields(EncodedClip)
        if field.name != "frames"
    }
    return {"clip": header, "sizes": [len(frame) for frame in clip.frames]}, clip.frames


def main() -> None:
    """Serves requests until the input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the converter decides when to stop
    # Decoders write to standard output at times; answers go through a copy that they don't know.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    send(answers, {"ready": True}, [])
    requests = sys.stdin.buffer
    while head := requests.read(LENGTH.size):
        request = json.loads(requests.read(LENGTH.unpack(head)[0]))
        send(answers, *answer(request))


if __name__ == "__main__":
    main()
