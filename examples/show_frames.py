"""A picture of clips before and after an anonymizer.

    python examples/show_frames.py ANONYMIZER.keras RECORDS OUT.jpg --split train --clips 6

takes the clip in the middle of each of the first videos of a split and draws frames of it raw, with
the dropped tubelets blackened, and as they leave in deployment. Six clips take half a minute.
Expected: the pictures in docs/training.md.
"""

import argparse
from pathlib import Path

import keras
import numpy as np

import keras_stprivacy as stp
from keras_stprivacy.evaluation.eight_bit import EightBitTransform, to_eight_bit
from keras_stprivacy.evaluation.figure import ClipPicture, clip_grid, sparsified


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("anonymizer", type=Path)
    parser.add_argument("records", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="test")
    parser.add_argument("--clips", type=int, default=6)
    parser.add_argument("--frame-step", type=int, default=2)
    parser.add_argument("--width", type=int, default=903, help="of the picture, in pixels")
    args = parser.parse_args()

    anonymizer = keras.saving.load_model(args.anonymizer)
    frames, height, width, _ = anonymizer.clip_shape
    clips = stp.data.clip_dataset(
        args.records,
        split=args.split,
        training=False,
        num_frames=frames,
        frame_step=args.frame_step,
        image_size=(height, width),
        batch_size=args.clips,
    )
    names = stp.data.dataset_info(args.records).class_names
    clip, labels = next(iter(clips))
    clip = np.asarray(clip)
    transform = EightBitTransform(anonymizer, batch_size=len(clip), jit_compile=False)
    written, masks = transform(clip)
    pictures = []
    for raw, given, mask, action in zip(clip, written, masks, labels["action"], strict=True):
        raw = to_eight_bit(raw)
        rows = {"raw": raw, "sparsified": sparsified(raw, mask, anonymizer.grid_shape)}
        pictures.append(ClipPicture({**rows, "anonymized": given}, names[int(action)]))
    image = clip_grid(pictures)
    image = image.resize((args.width, round(image.height * args.width / image.width)))
    image.save(args.out, quality=75)


if __name__ == "__main__":
    main()
