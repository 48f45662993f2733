"""The embedded dataset as a source of records."""

from collections.abc import Iterator

from keras_stprivacy.data.motion_digits import MotionDigits, motion_digits
from tfrecords_tools.datasets.adapter import SEED, Adapter, Option
from tfrecords_tools.settings import ConversionSettings
from tfrecords_tools.source import SourceDataset, SourceEntry

# Small pictures whose hue is a label: hardly compressed, colours at full resolution.
_SETTINGS = ConversionSettings(short_side=None, jpeg_quality=95, chroma_subsampling="4:4:4")
_FRAMES_PER_SECOND = 8.0


def motion_digits_source(
    num_train: int = 8000,
    num_test: int = 1000,
    num_validation: int = 0,
    num_frames: int = 8,
    image_size: int = 32,
    seed: int = 0,
) -> SourceDataset:
    """Clips of moving digits, with their boxes and private attributes.

    Args:
        num_train: number of clips in the split "train".
        num_test: number of clips in the split "test".
        num_validation: number of clips in the split "validation"; 0: no such split.
        num_frames: frames per clip.
        image_size: height and width in pixels.
        seed: of the rendering.

    Returns:
        A `SourceDataset` named "motion_digits".

    Raises:
        ValueError: if an argument is outside of what `motion_digits` takes.
    """
    counts = {"train": num_train, "validation": num_validation, "test": num_test}
    counts = {split: count for split, count in counts.items() if count}

    def rendered(split: str, count: int) -> MotionDigits:
        return motion_digits(split, count, num_frames, image_size, seed)

    def entries() -> Iterator[SourceEntry]:
        for split, count in counts.items():
            digits = rendered(split, count)
            for i, clip_id in enumerate(digits.ids):
                yield SourceEntry(
                    id=clip_id,
                    split=split,
                    action=int(digits.action[i]),
                    attributes=tuple(int(value) for value in digits.privacy[i]),
                    clip=digits.clips[i],
                    frame_rate=_FRAMES_PER_SECOND,
                    boxes=digits.boxes[i],
                )

    return SourceDataset(
        name="motion_digits",
        class_names=MotionDigits.class_names,
        attribute_names=MotionDigits.attribute_names,
        root=None,
        make_entries=entries,
        origin={"adapter": "motion-digits", "seed": seed},
        settings=_SETTINGS,
    )


ADAPTER = Adapter(
    name="motion-digits",
    load=motion_digits_source,
    summary="The embedded dataset of moving digits, with private attributes and boxes.",
    layout="Nothing: the clips are rendered.",
    example="motion-digits records/digits --num-train 2000",
    options=(
        Option("num_train", "Clips in the training split.", "integer", 8000, minimum=1),
        Option("num_test", "Clips in the test split.", "integer", 1000, minimum=1),
        Option("num_validation", "Clips in the validation split.", "integer", 0, minimum=0),
        Option("num_frames", "Frames in a clip.", "integer", 8, minimum=2),
        Option("image_size", "Height and width in pixels.", "integer", 32, minimum=16),
        SEED,
    ),
    source=None,
)
