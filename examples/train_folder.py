"""The whole path on a folder of one's own videos.

    python examples/train_folder.py VIDEOS OUT --table labels.csv

VIDEOS holds one folder of videos for each action, or the column `label` of labels.csv names it.
labels.csv has a column `path` (relative to VIDEOS) and a column of 0 and 1 for each private
attribute, such as `face` or `skin_color`; see `stprivacy-tfrecords convert folder --help`. OUT gets
records/, curves.html (of the adversarial phase, renewed after every epoch), results.json,
report.html, report.json, frames.png, anonymizer.keras and serving/ (a SavedModel).

`--recipe priced` is the training that hides on the embedded dataset: the anonymizer pays for every
nat that its output says beyond the action, read by an opponent or not. `--recipe paper` is the
publication's eq. 13, which beats the opponents that it trains against; fresh ones still read much.
README and docs/method.md compare the two. Where actions fall to the most frequent one in
curves.html while nats fall, the price was too high for so few clips or so short a training.

`--probe-every 5` lets fresh attackers read half of the training videos after every fifth epoch,
having learned from the other half. `--overfit` puts every video that labels.csv does not put
elsewhere into the training and tests on the same ones: it shows that the path works on a handful of
videos, and says nothing about others. The defaults, learning rates included, are for a small
network and a first look; `--preset vit_small_16x112` is there to see that the full size runs. For
a result at that size use the script in README.md, whose rates follow the batch.

Time and expected numbers: the table "train_folder" in docs/training.md, for six videos, and
"full_size" in docs/method.md, for the preset.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import keras
import numpy as np

import keras_stprivacy as stp
from keras_stprivacy.baselines import STPrivacy, STPrivacyPaper
from tfrecords_tools.convert import convert
from tfrecords_tools.datasets.folder import folder

SMALL = {"tubelet_size": (2, 16, 16), "hidden_dim": 96, "num_heads": 4}
SMALL_ANONYMIZER = {**SMALL, "layers_per_block": 1}
SMALL_RECOGNIZER = {**SMALL, "num_layers": 4}
# Name: the system whose settings are used, and the anonymizer's learning rate in phase 2.
RECIPES = {"priced": (STPrivacy, 1e-3), "paper": (STPrivacyPaper, 1e-4)}
OF_ANONYMIZER = ("gate", "noise_scale", "output_activation", "bottleneck_bits")
OF_PHASE = (
    "action_weight",
    "privacy_weight",
    "privacy_objective",
    "eight_bit",
    "remove_dropped",
    "deterministic",
    "mask_information_weight",
    "bits_information_weight",
)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("videos", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--table", type=Path, required=True)
    parser.add_argument(
        "--recipe",
        choices=RECIPES,
        default="priced",
        help="how to train: with a price on information (the default), which on the embedded "
        "dataset hides from fresh attackers too, or as the publication does, which does not",
    )
    parser.add_argument("--preset", help="name of a preset; by default a small network")
    parser.add_argument("--num-frames", type=int, default=8)
    parser.add_argument("--frame-step", type=int, default=2)
    parser.add_argument("--image-size", type=int, default=64)
    parser.add_argument("--batch-size", type=int, default=8)
    parser.add_argument("--keep-ratio", type=float, default=0.7)
    parser.add_argument(
        "--epochs", type=int, nargs=3, default=(20, 10, 20), metavar=("INIT", "ADVERSARIAL", "TEST")
    )
    parser.add_argument(
        "--passes",
        type=int,
        default=1,
        help="how often an epoch shows each training video, cut and coloured anew each time; with "
        "few videos, steps are cheaper so",
    )
    parser.add_argument("--test-fraction", type=float, default=0.3)
    parser.add_argument(
        "--probe-every", type=int, metavar="N", help="epochs between two probes by fresh attackers"
    )
    parser.add_argument(
        "--overfit", action="store_true", help="train and test on all videos, to try the path"
    )
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    keras.utils.set_random_seed(args.seed)
    started = time.monotonic()

    # 1. Records
    test_fraction = 0.0 if args.overfit else args.test_fraction
    source = folder(args.videos, table=args.table, test_fraction=test_fraction, seed=args.seed)
    print(convert(source, args.out / "records"))
    size = {"num_frames": args.num_frames, "image_size": args.image_size}
    clips = {**size, "frame_step": args.frame_step, "batch_size": args.batch_size}
    records = args.out / "records"
    train = stp.data.clip_dataset(records, split="train", seed=args.seed, **clips)
    train = train.repeat(args.passes)
    tested = "train" if args.overfit else "test"
    info = stp.data.dataset_info(records)
    named = info.has_source_videos(tested)  # by a column source_video in the table
    test = stp.data.clip_dataset(
        records, split=tested, views=(5, 3), with_source_videos=named, **clips
    )
    num_actions, num_attributes = len(info.class_names), len(info.attribute_names)
    if not num_attributes:
        parser.error("the table has no private attribute: add a column of 0 and 1 for each.")

    # 2. Two training phases
    def build(model: type, small: dict, **arguments: object) -> keras.Model:
        if args.preset:
            return model.from_preset(args.preset, **size, **arguments)
        return model(**size, **small, **arguments)

    def recognizer(num_classes: int) -> keras.Model:
        return build(stp.models.Recognizer, SMALL_RECOGNIZER, num_classes=num_classes)

    def adamw(rate: float) -> keras.optimizers.Optimizer:
        return keras.optimizers.AdamW(rate, weight_decay=0.05, global_clipnorm=1.0)

    recipe, rate = RECIPES[args.recipe]
    of_anonymizer = {name: getattr(recipe, name) for name in OF_ANONYMIZER}
    of_phase = {name: getattr(recipe, name) for name in OF_PHASE}
    anonymizer = build(
        stp.models.Anonymizer, SMALL_ANONYMIZER, keep_ratio=args.keep_ratio, **of_anonymizer
    )
    warmup = stp.training.Initialization(anonymizer, num_actions=num_actions)
    warmup.compile(optimizer=adamw(1e-3), jit_compile=False)
    history = warmup.fit(train, epochs=args.epochs[0], verbose=2).history
    model = stp.training.STPrivacy(
        anonymizer,
        recognizer(num_actions),
        recognizer(num_attributes),
        attribute_names=info.attribute_names,
        **of_phase,
    )
    model.compile(
        anonymizer_optimizer=adamw(rate), recognizer_optimizer=adamw(1e-3), jit_compile=False
    )
    curves = stp.training.TrainingCurves(
        args.out / "curves.html", title=f"{args.out.name}, phase 2"
    )
    callbacks: list[keras.callbacks.Callback] = [curves]
    probe = None
    if args.probe_every:
        middles = stp.data.clip_dataset(records, split="train", training=False, **clips)
        learn, read = halves(middles, args.overfit)
        passes = args.epochs[2] * args.passes
        probe = stp.evaluation.PrivacyProbe(
            learn, read, args.probe_every, epochs=passes, batch_size=args.batch_size
        )
        callbacks.insert(0, probe)
    model.fit(train, epochs=args.epochs[1], callbacks=callbacks, verbose=2)
    anonymizer.save(args.out / "anonymizer.keras")

    # 3. Fresh attackers, and what the result is for
    report = stp.evaluation.evaluate(
        anonymizer,
        train,
        test,
        epochs=args.epochs[2],
        batch_size=args.batch_size,
        class_names=info.class_names,
        attribute_names=info.attribute_names,
        jit_compile=False,
        verbose=1,
    )
    report.to_json(args.out / "report.json")
    report.to_html(args.out / "report.html")
    report.save_figure(args.out / "frames.png")
    print(report)
    results = {
        "recipe": args.recipe,
        "backend": keras.backend.backend(),
        "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
        "seconds": time.monotonic() - started,
        "cpu_seconds": time.process_time(),
        "initialization": {name: float(values[-1]) for name, values in history.items()},
        "adversarial": curves.epochs,
        "probes": probe.history if probe else [],
        "chance_ap": probe.chance_ap if probe else {},
        "raw_ap": probe.raw_ap if probe else {},
    }
    (args.out / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    trained = args.out / "anonymizer.keras"
    print(stp.export.saved_model(trained, args.out / "serving", overwrite=True))


def halves(clips: object, same: bool) -> list:
    """The training videos, every other one to learn from and to read; or all of them for both."""
    batches = list(clips)
    pixels = np.concatenate([np.asarray(clip) for clip, _ in batches])
    labels = {name: np.concatenate([y[name] for _, y in batches]) for name in batches[0][1]}
    rows = [slice(None)] * 2 if same else [slice(0, None, 2), slice(1, None, 2)]
    return [(pixels[part], {name: y[part] for name, y in labels.items()}) for part in rows]


if __name__ == "__main__":
    main()
