"""A few steps of all three phases at full size on real clips, and what a whole training would cost.

    stprivacy-tfrecords convert folder FOLDER records/signs --table labels.csv --short-side 128
    KERAS_BACKEND=tensorflow python benchmarks/full_size.py records/signs    # a minute, two cores

FOLDER and labels.csv are those of docs/training.md. Every phase takes one untimed step and then
`--steps` timed ones, on batches of the training split, with `vit_small_16x112` as the publication
has it. Writes benchmarks/results/full_size.json. The plan multiplies the median step by the
publication's epochs (80 of initialization, 40 adversarial, 80 of each of two attackers, on raw and
on anonymized clips) and by the clips of the first split of each dataset. The column of a GPU is not
measured: it is the same arithmetic at the rate that `--gpu-tflops` says, 60 by default, about a
fifth of what an A100 gives in bfloat16 at best; the operations are counted, see `operations`.
Expected: the table "full_size" in docs/method.md.
"""

import argparse
import itertools
import json
import os
import platform
import statistics
import time
from pathlib import Path

import keras

import keras_stprivacy as stp

RESULTS = Path(__file__).parent / "results" / "full_size.json"
# Training clips of the first split.
DATASETS = {"VP-HMDB51": 3570, "VP-UCF101": 9537}
EPOCHS = {"initialization": 80, "adversarial": 40, "attackers": 4 * 80}
PRESET = "vit_small_16x112"


def operations(
    phase: str, model: stp.models.Anonymizer, recognizer: stp.models.Recognizer
) -> float:
    """Floating-point operations of one clip in one step: matrix products, forward and backward.

    A backward pass costs two forward ones. In the adversarial phase the anonymizer and both
    recognizers see every token, under masks.
    """
    tokens, width = model.num_rows * model.tubelets_per_row, model.hidden_dim
    layer = 2 * tokens * (4 + 2 * model.mlp_ratio) * width**2 + 4 * tokens**2 * width
    pixels = 2 * tokens * width * 3 * model.tubelet_size[0] * model.tubelet_size[1] ** 2
    layers = model.layers_per_block * (model.num_sparsification_blocks + 1)
    anonymizer = layers * layer + 2 * pixels
    recognizing = recognizer.num_layers * layer + pixels
    forward = {
        "initialization": anonymizer,
        "adversarial": anonymizer + 2 * recognizing,
        "attackers": recognizing,
    }
    return 3.0 * forward[phase]


def timed(model: keras.Model, batches: list, steps: int) -> dict:
    """One untimed step, then `steps` timed ones."""
    losses, seconds = [], []
    for step in range(steps + 1):
        start = time.perf_counter()
        logs = model.train_on_batch(*batches[step], return_dict=True)
        seconds.append(time.perf_counter() - start)
        losses.append({name: float(value) for name, value in logs.items()})
    return {"s_per_step": statistics.median(seconds[1:]), "logs": losses}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("records", type=Path)
    parser.add_argument("--batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=3)
    parser.add_argument("--gpu-tflops", type=float, default=60.0)
    args = parser.parse_args()
    keras.utils.set_random_seed(0)
    info = stp.data.dataset_info(args.records)
    clips = stp.data.clip_dataset(
        args.records, "train", num_frames=16, frame_step=2, image_size=112, batch_size=args.batch
    )
    if info.num_clips("train") < args.batch:
        parser.error(f"{args.records} has fewer than {args.batch} training clips: pass --batch")
    whole = (batch for batch in clips.repeat().as_numpy_iterator() if len(batch[0]) == args.batch)
    batches = list(itertools.islice(whole, args.steps + 1))
    jit = {"jit_compile": keras.backend.backend() == "jax"}
    # The publication's rate, 0.001 for a batch of 512.
    rate = 1e-3 * args.batch / 512

    def adamw() -> keras.optimizers.Optimizer:
        return keras.optimizers.AdamW(rate, weight_decay=0.05)

    def recognizer(num_classes: int) -> stp.models.Recognizer:
        return stp.models.Recognizer.from_preset(PRESET, num_classes=num_classes)

    anonymizer = stp.models.Anonymizer.from_preset(PRESET, seed=0)
    actions, attributes = len(info.class_names), len(info.attribute_names)
    warmup = stp.training.Initialization(anonymizer, num_actions=actions)
    warmup.compile(optimizer=adamw(), **jit)
    phase = stp.training.STPrivacy(anonymizer, recognizer(actions), recognizer(attributes))
    phase.compile(anonymizer_optimizer=adamw(), recognizer_optimizer=adamw(), **jit)
    attacker = recognizer(attributes)
    attacker.compile(adamw(), keras.losses.BinaryCrossentropy(from_logits=True), **jit)
    of_attacker = [(clip, labels["privacy"]) for clip, labels in batches]

    rows = {
        "initialization": timed(warmup, batches, args.steps),
        "adversarial": timed(phase, batches, args.steps),
        "attackers": timed(attacker, of_attacker, args.steps),
    }
    plan = {}
    for name, clips_of in DATASETS.items():
        plan[name] = {}
        for what, row in rows.items():
            seen = EPOCHS[what] * clips_of
            work = seen * operations(what, anonymizer, attacker)
            plan[name][what] = {
                "clips": seen,
                "hours_here": seen / args.batch * row["s_per_step"] / 3600,
                "exaflop": work / 1e18,
                "hours_gpu": work / (args.gpu_tflops * 1e12) / 3600,
            }
    content = {
        "settings": {
            "command": f"python benchmarks/full_size.py RECORDS --steps {args.steps} --batch "
            f"{args.batch} --gpu-tflops {args.gpu_tflops:g}",
            "batch": args.batch,
            "gpu_tflops": args.gpu_tflops,
            "backend": keras.backend.backend(),
            "machine": f"{os.cpu_count()} CPU cores, {platform.machine()}",
            "videos": info.num_clips("train"),
        },
        "rows": rows,
        "plan": plan,
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    print(json.dumps({"rows": rows, "plan": plan}, indent=1))


if __name__ == "__main__":
    main()
