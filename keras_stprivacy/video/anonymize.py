"""A whole video file through an anonymizer."""

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_stprivacy.export.load_anonymizer import check_anonymizer, load_anonymizer
from keras_stprivacy.keep_ratio import check_keep_ratio
from keras_stprivacy.video.errors import import_av
from keras_stprivacy.video.writer import VideoWriter, check_destination

if TYPE_CHECKING:
    from keras_stprivacy.video.reader import Frame

SIZES = ("source", "model")


@dataclass(frozen=True)
class AnonymizedVideo:
    """What was written.

    Attributes:
        path: of the file.
        num_frames: frames in it, as many as in the source.
        frame_rate: frames a second, as the source says.
        height: in pixels.
        width: in pixels.
        keep_ratio: share of the tokens that each block kept.
        audio: whether the source's sound is in it.
    """

    path: Path
    num_frames: int
    frame_rate: Fraction
    height: int
    width: int
    keep_ratio: float
    audio: bool


def anonymize(
    source: str | os.PathLike,
    destination: str | os.PathLike,
    model: Any,
    keep_ratio: float | None = None,
    batch_size: int = 8,
    audio: bool = False,
    overwrite: bool = False,
    size: str = "source",
    codec: str | None = None,
    crf: int | None = None,
    allow_truncated: bool = False,
    progress: Callable[[int, int | None], None] | None = None,
) -> AnonymizedVideo:
    """Anonymizes every frame of a video file.

    The file is cut into clips of the model's length; the last one is filled up with its last
    frame, and cut again. Every frame is resized as a whole to the model's size, whatever its
    aspect, anonymized, and enlarged to the size at which the source is displayed (rotation and
    pixel aspect applied; odd sizes rounded up). Number and times of the frames are the source's.
    Its metadata, chapters and subtitles are left behind. Memory does not grow with the length.

    The destination appears under its name only when it is complete: after an error or an
    interruption nothing is there (an older file stays as it was), and never a raw frame.

    Sound is left out. With `audio=True` it is copied unchanged: a voice identifies a person as
    well as a face does.

    Args:
        source: path of the video file.
        destination: path of the file to write; `.mp4`, `.m4v`, `.mov`, `.mkv` or `.webm`.
        model: a `.keras` file or a built anonymizer.
        keep_ratio: share of the tokens that each block keeps, in (0, 1]; None: the model's.
        batch_size: clips that go through the model at once.
        audio: whether to copy the source's best sound stream, if it has any.
        overwrite: whether to replace `destination` if it is there.
        size: `"source"`, or `"model"`: do not enlarge.
        codec: name of an FFmpeg encoder; None: H.264, or VP9 in `.webm`.
        crf: quality of the encoder, lower is better; None: 18, where the encoder has it.
        allow_truncated: whether to take what is there of a file that breaks off.
        progress: called with the number of frames done and the number promised, or None.

    Returns:
        What was written.

    Raises:
        FileNotFoundError: if the source, the model or the destination's folder is not there.
        IsADirectoryError: if the destination is a folder.
        FileExistsError: if the destination is there, or appears meanwhile, and `overwrite` is
            False.
        VideoDecodeError: if the source is no video, or breaks off.
        VideoWriteError: if the destination cannot be written with this ending, codec or sound.
        ValueError: if an argument or the model file is not valid, or the model gives values that
            are not finite, or keeps no tubelet of a clip.
        TypeError: if the model is no anonymizer, or one that shows raw pixels.

    Example:

    ```python
    stp.video.anonymize("in.mp4", "out.mp4", model="anonymizer.keras", keep_ratio=0.5)
    ```
    """
    if keep_ratio is not None:
        keep_ratio = check_keep_ratio(keep_ratio)
    if isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1:
        raise ValueError(f"batch_size must be a positive integer. Received: {batch_size!r}")
    if size not in SIZES:
        raise ValueError(f"size must be one of {SIZES}. Received: size={size!r}")
    import_av()
    if not os.path.isfile(source):
        raise FileNotFoundError(f"there is no video file {os.fspath(source)!r}")
    if os.path.exists(destination) and os.path.samefile(source, destination):
        raise ValueError(
            f"source and destination are the same file {os.fspath(source)!r}. Name another one."
        )
    target = check_destination(destination, overwrite)
    if isinstance(model, str | os.PathLike):
        anonymizer = load_anonymizer(model)
    else:
        anonymizer = check_anonymizer(model, "model")

    from keras_stprivacy.export.deployed import DeployedAnonymizer
    from keras_stprivacy.video.reader import FrameReader

    deployed = DeployedAnonymizer(anonymizer, keep_ratio=keep_ratio)
    clip_length, height, width, _ = anonymizer.clip_shape
    sound_packets: list[tuple[Any, Fraction]] = []

    def keep_sound(packet: Any, start: Fraction) -> None:
        sound_packets.append((packet, start))

    with ExitStack() as stack:
        reader = stack.enter_context(FrameReader(source, height, width, allow_truncated))
        sound = reader.audio_stream if audio else None
        if sound is not None:
            warnings.warn(
                "the sound is copied unchanged: voices identify people", UserWarning, stacklevel=2
            )
        frames = reader.frames(None if sound is None else keep_sound)
        batches = _batches(frames, clip_length * batch_size)
        first = next(batches)  # the reader raises where there is no frame at all
        writer = stack.enter_context(
            VideoWriter(
                target,
                reader.displayed_size if size == "source" else (height, width),
                reader.exact_frame_rate,
                reader.time_base,
                codec,
                crf,
                sound,
                overwrite,
            )
        )
        promised = reader.promised_frames
        for batch in chain([first], batches):
            for pixels, frame in zip(_run(deployed, batch, clip_length), batch, strict=True):
                writer.write(pixels, frame.time, frame.duration)
            while sound_packets:
                writer.write_audio(*sound_packets.pop(0))
            if progress is not None:
                progress(writer.num_frames, promised)
        while sound_packets:
            writer.write_audio(*sound_packets.pop(0))
    return AnonymizedVideo(
        path=target,
        num_frames=writer.num_frames,
        frame_rate=reader.exact_frame_rate,
        height=writer.size[0],
        width=writer.size[1],
        keep_ratio=deployed.keep_ratio,
        audio=sound is not None,
    )


def _batches(frames: Iterator["Frame"], length: int) -> Iterator[list["Frame"]]:
    batch: list[Frame] = []
    for frame in frames:
        batch.append(frame)
        if len(batch) == length:
            yield batch
            batch = []
    if batch:
        yield batch


def _run(deployed: Any, batch: list["Frame"], clip_length: int) -> np.ndarray:
    """Anonymizes frames; returns as many, uint8 `(n, H, W, 3)`."""
    from keras import ops

    pixels = np.stack([frame.pixels for frame in batch])
    missing = -len(batch) % clip_length
    if missing:
        pixels = np.concatenate([pixels, np.repeat(pixels[-1:], missing, axis=0)])
    clips = pixels.reshape(-1, clip_length, *pixels.shape[1:])  # (B, T, H, W, 3)
    outputs = deployed.predict_on_batch(clips)
    if not np.all(ops.convert_to_numpy(outputs["finite"])):
        raise ValueError(
            "the model gave values that are not finite (NaN or infinite), or kept no tubelet; "
            "nothing was written. "
            "Its weights are damaged, or its training had broken down: use another checkpoint."
        )
    anonymized = ops.convert_to_numpy(outputs["clip"])
    return anonymized.reshape(-1, *anonymized.shape[2:])[: len(batch)]
