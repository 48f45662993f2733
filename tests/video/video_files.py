"""Small videos to read back, made and measured with PyAV."""

from fractions import Fraction

import av
import numpy as np


def write_video(path, num_frames, size=(32, 48), rate=25, times=None, metadata=None, sound=False):
    """A film of moving noise; `times` in ticks of 1/1000 s replace the even ones."""
    noise = np.random.default_rng(3)
    height, width = size
    with av.open(str(path), "w") as container:
        container.metadata.update(metadata or {})
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width, stream.pix_fmt = height, width, "yuv420p"
        stream.codec_context.max_b_frames = 0
        if times is not None:
            stream.codec_context.time_base = Fraction(1, 1000)
        voice = container.add_stream("aac", rate=16000, layout="mono") if sound else None
        for i in range(num_frames):
            pixels = noise.integers(0, 256, (height, width, 3), dtype=np.uint8)
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts = i if times is None else times[i]
            frame.time_base = Fraction(1, rate) if times is None else Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if voice is not None:
            samples = noise.integers(-999, 999, (1, 16000 * num_frames // rate), dtype=np.int16)
            piece = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            piece.sample_rate, piece.pts = 16000, 0
            container.mux(voice.encode(piece))
            container.mux(voice.encode(None))
    return path


def write_pcm(path, num_frames, layout="stereo", size=(32, 48), rate=25):
    """A gray film with uncompressed sound; AVI does not say which channels it has, but how many."""
    noise = np.random.default_rng(5)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=rate)
        picture.height, picture.width, picture.pix_fmt = *size, "yuv420p"
        voice = container.add_stream("pcm_s16le", rate=16000, layout=layout)
        for _ in range(num_frames):
            frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 99, np.uint8), "rgb24")
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        count = 16000 * num_frames // rate * len(av.AudioLayout(layout).channels)
        samples = noise.integers(-999, 999, (1, count), dtype=np.int16)
        piece = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
        piece.sample_rate, piece.pts = 16000, 0
        container.mux(voice.encode(piece))
        container.mux(voice.encode(None))
    return path


def write_vorbis(path, num_frames, comments, size=(32, 48), rate=25):
    """A gray film with Vorbis sound, and comments in the headers of the sound."""
    noise = np.random.default_rng(4)
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libx264", rate=rate)
        picture.height, picture.width, picture.pix_fmt = *size, "yuv420p"
        voice = container.add_stream("vorbis", rate=16000, layout="stereo")
        voice.codec_context.options = {"strict": "experimental"}
        voice.codec_context.open()
        voice.codec_context.extradata = _commented(voice.codec_context.extradata, comments)
        for i in range(num_frames):
            frame = av.VideoFrame.from_ndarray(np.full((*size, 3), 9 * i, np.uint8), "rgb24")
            frame.pts = i
            container.mux(picture.encode(frame))
        container.mux(picture.encode(None))
        samples = noise.normal(scale=0.1, size=(2, 16000 * num_frames // rate)).astype("float32")
        piece = av.AudioFrame.from_ndarray(samples, format="fltp", layout="stereo")
        piece.sample_rate, piece.pts = 16000, 0
        container.mux(voice.encode(piece))
        container.mux(voice.encode(None))
    return path


def _commented(headers, comments):
    """Vorbis headers, of which all sizes are below 255, with other comments."""
    place, sizes = 3, headers[1:3]
    first = headers[place : place + sizes[0]]
    last = headers[place + sum(sizes) :]
    words = [f"{name}={value}".encode() for name, value in comments.items()]
    told = b"".join(len(word).to_bytes(4, "little") + word for word in words)
    told = b"\x03vorbis" + bytes(4) + len(words).to_bytes(4, "little") + told + b"\x01"
    return bytes([2, len(first), len(told)]) + first + told + last


def read_video(path):
    """Frames uint8 (n, H, W, 3), their times from the first one in s, and the open facts."""
    with av.open(str(path), metadata_errors="replace") as container:
        stream = container.streams.video[0]
        decoded = list(container.decode(stream))
        times = [frame.pts * stream.time_base for frame in decoded]
        facts = {
            "rate": stream.average_rate,
            "sound": len(container.streams.audio),
            "streams": len(container.streams),
            "metadata": {**container.metadata, **stream.metadata},
            "chapters": len(container.chapters()),
        }
    frames = np.stack([frame.to_ndarray(format="rgb24") for frame in decoded])
    return frames, [float(time - times[0]) for time in times], facts
