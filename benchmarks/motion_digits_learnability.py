"""What a raw-clip recognizer, trained from scratch, reads from the embedded dataset.

    KERAS_BACKEND=jax python benchmarks/motion_digits_learnability.py   # 7 minutes with one thread

Trains the transformer of the preset once on the action and once on the private attributes, and
prints action accuracy and the average precision of each attribute on the test split, beside the
chance level and the CPU seconds of training. Writes them into
benchmarks/results/motion_digits_learnability.json, where other settings stay. Expected: what stands
there. The action begins with a plateau.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import keras
import numpy as np
from sklearn.metrics import average_precision_score

import keras_stprivacy as stp

PRESET = "motion_digits_8x32"
RESULTS = Path(__file__).parent / "results" / "motion_digits_learnability.json"


def train(task, num_classes, train_data, options):
    """Fits one recognizer on one label; returns it and the CPU seconds that `fit` took."""
    clip, labels = train_data
    recognizer = stp.models.Recognizer.from_preset(PRESET, num_classes=num_classes)
    steps = options.epochs * -(-len(clip) // options.batch_size)
    warmup = max(1, steps // 10)
    rate = keras.optimizers.schedules.CosineDecay(
        options.learning_rate / 100,
        steps - warmup,
        warmup_target=options.learning_rate,
        warmup_steps=warmup,
    )
    loss = (
        keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        if task == "action"
        else keras.losses.BinaryCrossentropy(from_logits=True)
    )
    recognizer.compile(
        keras.optimizers.AdamW(rate, weight_decay=options.weight_decay, clipnorm=options.clipnorm),
        loss=loss,
        jit_compile=keras.backend.backend() == "jax",  # elsewhere kernels of the library are faster
    )
    start = time.process_time()
    recognizer.fit(
        clip,
        labels[task],
        batch_size=options.batch_size,
        epochs=options.epochs,
        verbose=2 if options.verbose else 0,
    )
    return recognizer, time.process_time() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tasks", nargs="+", default=["action", "privacy"])
    parser.add_argument("--num-clips", type=int, default=8000)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.05)
    parser.add_argument("--clipnorm", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()

    keras.utils.set_random_seed(options.seed)
    train_data = stp.data.motion_digits("train", options.num_clips, seed=options.seed).arrays()
    test = stp.data.motion_digits("test", seed=options.seed)
    clip, labels = test.arrays()
    print(
        f"{keras.backend.backend()}, {PRESET}: {options.num_clips} clips, {options.epochs} epochs, "
        f"batch {options.batch_size}, AdamW {options.learning_rate:g}, 10 % warm-up, cosine"
    )
    rows = {}
    for task in options.tasks:
        num_classes = len(test.class_names if task == "action" else test.attribute_names)
        recognizer, seconds = train(task, num_classes, train_data, options)
        logits = recognizer.predict(clip, batch_size=250, verbose=0)
        print(f"{task}: trained in {seconds:.0f} s of CPU time")
        if task == "action":
            accuracy = float(np.mean(logits.argmax(axis=1) == labels["action"]))
            read = {"accuracy": {"value": accuracy, "chance": 1 / num_classes}}
        else:
            read = {
                name: {
                    "value": float(average_precision_score(labels["privacy"][:, i], logits[:, i])),
                    "chance": test.prevalence[name],
                }
                for i, name in enumerate(test.attribute_names)
            }
        for name, row in read.items():
            print(f"  {name:<19} {row['value']:.3f}  chance {row['chance']:.3f}", flush=True)
        rows[task] = {"cpu_seconds": seconds, "read": read}
    settings = {key: value for key, value in vars(options).items() if key != "verbose"}
    settings["backend"] = keras.backend.backend()
    settings["machine"] = f"{os.cpu_count()} CPU cores, {platform.machine()}"
    runs = json.loads(RESULTS.read_text()) if RESULTS.is_file() else []
    runs = [run for run in runs if run["settings"] != settings]
    runs.append({"settings": settings, "rows": rows})
    RESULTS.write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
