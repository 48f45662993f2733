"""One picture of what every system makes of the same eight test clips.

    stprivacy benchmark known --workers 2 --out results/known
    python benchmarks/show_systems.py results/known docs/pictures/systems.png      # a minute

A row is a system, a column a clip of the embedded dataset, of which the fourth frame is shown.
Systems that learn are those that the benchmark trained (seed 0). Expected: the picture in
docs/evaluation.md.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import keras_stprivacy as stp
from keras_stprivacy.baselines import System, build, system_class
from keras_stprivacy.benchmark.cells import SYSTEMS
from keras_stprivacy.benchmark.system_names import KNOWN, LABELS

CLIPS, FRAME, SIDE, GAP, LABEL = 8, 3, 64, 4, 150


def load(name: str, folder: Path) -> System:
    if not system_class(name).learns:
        return build(name, preset="embedded")
    found = sorted((folder / SYSTEMS).glob(f"{name}-*-seed0"))
    if len(found) != 1:
        raise SystemExit(
            f"{folder} has {len(found)} trained systems {name} with seed 0, one is needed. Run "
            "with a new folder: stprivacy benchmark known --workers 2 --out FOLDER"
        )
    return System.load(found[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="of the benchmark")
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    digits = stp.data.motion_digits("test", num_clips=CLIPS)
    size = (LABEL + CLIPS * (SIDE + GAP), len(KNOWN) * (SIDE + GAP) - GAP)
    picture = Image.new("RGB", size, "white")
    draw, font = ImageDraw.Draw(picture), ImageFont.load_default(13)
    for row, name in enumerate(KNOWN):
        system = load(name, args.folder)
        boxes = digits.boxes if system.uses_boxes else None
        given = system.transform(digits.clips, boxes=boxes)["clip"][:, FRAME]
        pixels = np.round(np.clip(given, 0.0, 1.0) * 255).astype("uint8")
        top = row * (SIDE + GAP)
        draw.text((0, top + SIDE // 2 - 8), LABELS[name], "black", font)
        for column, frame in enumerate(pixels):
            tile = Image.fromarray(frame).resize((SIDE, SIDE), Image.Resampling.NEAREST)
            picture.paste(tile, (LABEL + column * (SIDE + GAP), top))
    args.out.parent.mkdir(parents=True, exist_ok=True)
    picture.save(args.out, optimize=True)


if __name__ == "__main__":
    main()
