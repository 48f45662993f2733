"""Which gate an initialization from scratch learns with.

    KERAS_BACKEND=tensorflow python benchmarks/gates.py      # about 20 minutes on two CPU cores

Trains `stp.training.Initialization` on the embedded dataset with each gate and the package's own
schedules, or without one of them, and prints loss, accuracy and retained ratios of the last epoch
in training and, on the split "validation", in inference, where exactly the target ratio is kept.
Writes benchmarks/results/gates.json, where gates not asked for stay. Expected: the table "gates" in
docs/method.md.
"""

import argparse
import json
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras

import keras_stprivacy as stp

PRESET = "motion_digits_8x32"
RESULTS = Path(__file__).parent / "results" / "gates.json"
GATES = {
    "gumbel_softmax": {"gate": "gumbel_softmax"},
    "gumbel_softmax, bias 0.5": {"gate": "gumbel_softmax", "keep_bias": 0.5},
    "gumbel_softmax, temperature 0.5": {"gate": "gumbel_softmax", "temperature": 0.5},
    "gumbel_softmax, temperature 2": {"gate": "gumbel_softmax", "temperature": 2.0},
    "gumbel_softmax, final ratio": {"gate": "gumbel_softmax"},
    "gumbel_softmax, constant rate": {"gate": "gumbel_softmax"},
    "gumbel_top_k": {"gate": "gumbel_top_k", "noise_scale": 0.2},
    "gumbel_top_k, final ratio": {"gate": "gumbel_top_k", "noise_scale": 0.2},
    "gumbel_top_k, constant rate": {"gate": "gumbel_top_k", "noise_scale": 0.2},
}
# Names that end so leave out one of the schedules that are on by default.
SCHEDULES: dict[str, Callable[[stp.models.Anonymizer], list[Any]]] = {
    "final ratio": lambda anonymizer: [stp.training.WarmupCosine()],
    "constant rate": lambda anonymizer: [stp.training.KeepRatioSchedule(anonymizer)],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gates", nargs="+", choices=GATES, default=list(GATES))
    parser.add_argument("--num-clips", type=int, default=2560)
    parser.add_argument("--epochs", type=int, default=14)
    parser.add_argument("--seeds", type=int, default=1)
    options = parser.parse_args()
    train = stp.data.motion_digits("train", options.num_clips)
    validation = stp.data.motion_digits("validation").arrays()
    settings = {**vars(options), "backend": keras.backend.backend()}
    del settings["gates"]
    settings["machine"] = f"{os.cpu_count()} CPU cores, {platform.machine()}, no GPU"
    rows = []
    if RESULTS.is_file():
        earlier = json.loads(RESULTS.read_text())
        if earlier["settings"] == settings:
            rows = [row for row in earlier["rows"] if row["gate"] not in options.gates]
    for seed in range(options.seeds):
        for name in options.gates:
            gate = GATES[name]
            keras.utils.set_random_seed(seed)
            anonymizer = stp.models.Anonymizer.from_preset(
                PRESET, seed=seed, keep_ratio=0.7, **gate
            )
            schedule = SCHEDULES.get(name.rpartition(", ")[2])
            phase = stp.training.Initialization(
                anonymizer,
                num_actions=len(train.class_names),
                schedule="auto" if schedule is None else schedule(anonymizer),
            )
            phase.compile(
                optimizer=keras.optimizers.AdamW(1e-3, weight_decay=0.05, global_clipnorm=1.0),
                jit_compile=keras.backend.backend() == "jax",
            )
            began = time.monotonic()
            history = phase.fit(
                *train.arrays(), batch_size=64, epochs=options.epochs, verbose=2
            ).history
            row = {"gate": name, "seed": seed, "seconds": time.monotonic() - began}
            row["training"] = {key: float(values[-1]) for key, values in history.items()}
            row["inference"] = {
                key: float(value)
                for key, value in phase.evaluate(*validation, verbose=0, return_dict=True).items()
            }
            rows.append(row)
            print(json.dumps(row), flush=True)
    order = list(GATES)
    rows.sort(key=lambda row: (row["seed"], order.index(row["gate"])))
    RESULTS.write_text(json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
