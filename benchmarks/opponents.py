"""What makes an anonymizer hide: fresh attackers on each variant of the adversarial training.

    KERAS_BACKEND=tensorflow python benchmarks/opponents.py            # an hour with one thread
    KERAS_BACKEND=tensorflow python benchmarks/opponents.py --seed 1 --variants information \
        "information, word"

One initialization of a seed serves all variants; each trains phase 2 on the same training clips and
is attacked by a fresh transformer and by a dense network on the decision mask alone. Test clips are
of the split "validation": this is where options are chosen, and the test split stays closed. Writes
benchmarks/results/opponents_<seed>.json and prints the average precision of the stronger attacker
for each attribute.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from pathlib import Path

import keras

import keras_stprivacy as stp

PRESET = "motion_digits_8x32"
BATCH = 32
RESULTS = Path(__file__).parent / "results"
ANONYMIZER = {
    "keep_ratio": 0.7,
    "gate": "gumbel_top_k",
    "noise_scale": 0.2,
    "output_activation": "sigmoid",
    "bottleneck_bits": 4,
}
COMMON = {"action_weight": 1.0, "eight_bit": True, "remove_dropped": True}
BASE_RATE = {"privacy_weight": 2.0, "privacy_objective": "base_rate"}
INFORMATION = {
    "privacy_objective": "base_rate",
    "deterministic": True,
    "mask_information_weight": 0.1,
    "bits_information_weight": 0.02,
}
# Name: arguments of STPrivacy, recognizers of clips, recognizers of masks, restarts.
VARIANTS = {
    "negated": ({"privacy_weight": 1.0}, 1, 0, False),
    "base_rate": (BASE_RATE, 2, 0, True),
    "deterministic": ({**BASE_RATE, "deterministic": True}, 2, 0, True),
    "mask": ({**BASE_RATE, "deterministic": True}, 2, 1, True),
    "information": ({**INFORMATION, "privacy_weight": 0.5}, 1, 0, False),
    "information, word": ({**INFORMATION, "privacy_weight": 0.5, "word_weight": 1.0}, 1, 0, False),
    "information alone": ({**INFORMATION, "privacy_weight": 0.0}, 1, 0, False),
}


def optimizer(rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(rate, weight_decay=0.05, global_clipnorm=1.0)


def initialize(train, epochs: int, path: Path) -> None:
    anonymizer = stp.models.Anonymizer.from_preset(PRESET, seed=0, **ANONYMIZER)
    phase = stp.training.Initialization(anonymizer, num_actions=len(train.class_names))
    phase.compile(optimizer=optimizer(1e-3), jit_compile=keras.backend.backend() == "jax")
    phase.fit(*train.arrays(), batch_size=BATCH, epochs=epochs, verbose=2)
    anonymizer.save(path)


def play(variant: str, train, start: Path, epochs: int) -> stp.models.Anonymizer:
    options, of_clips, of_masks, restarts = VARIANTS[variant]
    anonymizer = keras.saving.load_model(start)
    attributes = len(train.attribute_names)

    def recognizer(count, kind=stp.models.Recognizer):
        return kind.from_preset(PRESET, num_classes=count)

    privacy = [recognizer(attributes) for _ in range(of_clips)]
    privacy += [recognizer(attributes, stp.models.MaskRecognizer) for _ in range(of_masks)]
    model = stp.training.STPrivacy(
        anonymizer, recognizer(len(train.class_names)), privacy, **COMMON, **options
    )
    model.compile(
        anonymizer_optimizer=optimizer(1e-3),
        recognizer_optimizer=optimizer(1e-3),
        jit_compile=keras.backend.backend() == "jax",
    )
    callbacks = [stp.training.RestartPrivacyRecognizers(every=2)] if restarts else []
    model.fit(*train.arrays(), batch_size=BATCH, epochs=epochs, callbacks=callbacks, verbose=2)
    return anonymizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--num-clips", type=int, default=8000)
    parser.add_argument("--initialization-epochs", type=int, default=6)
    parser.add_argument("--adversarial-epochs", type=int, default=6)
    parser.add_argument("--attack-epochs", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()

    train = stp.data.motion_digits("train", options.num_clips, seed=options.seed)
    validation = stp.data.motion_digits("validation", seed=options.seed)
    settings = {**vars(options), "backend": keras.backend.backend()}
    settings["machine"] = f"{os.cpu_count()} CPU cores, {platform.machine()}, no GPU"
    path = RESULTS / f"opponents_{options.seed}.json"
    rows = {}
    if path.is_file():  # variants that are not asked for stay
        earlier = json.loads(path.read_text())
        alike = set(settings) - {"variants"}
        if all(earlier["settings"][key] == settings[key] for key in alike):
            rows = earlier["rows"]
    with tempfile.TemporaryDirectory() as folder:
        start = Path(folder) / "start.keras"
        keras.utils.set_random_seed(options.seed)
        initialize(train, options.initialization_epochs, start)
        for variant in options.variants:
            keras.utils.set_random_seed(options.seed + 1)
            began = time.monotonic()
            anonymizer = play(variant, train, start, options.adversarial_epochs)
            seconds = time.monotonic() - began
            report = stp.evaluation.evaluate(
                anonymizer,
                train,
                validation,
                epochs=options.attack_epochs,
                attackers=("video_transformer", "mask"),
                batch_size=BATCH,
                raw=False,
                bootstrap=0,
                jit_compile=keras.backend.backend() == "jax",
            )
            print(f"\n{variant}, {seconds:.0f} s of training\n{report}", flush=True)
            rows[variant] = {"seconds": seconds, "report": json.loads(report.to_json())}
            settings["variants"] = [name for name in VARIANTS if name in rows]
            rows = {name: rows[name] for name in settings["variants"]}
            path.write_text(json.dumps({"settings": settings, "rows": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
