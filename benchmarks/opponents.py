"""What makes an anonymizer hide: fresh attackers on each variant of the adversarial training.

    KERAS_BACKEND=tensorflow python benchmarks/opponents.py
    KERAS_BACKEND=tensorflow python benchmarks/opponents.py --seed 1 --variants information \
        "information, word"

One initialization serves all variants of a run; each trains phase 2 on the same training clips and
is attacked by a fresh transformer and by a dense network on the decision mask alone. Test clips are
of the split "validation": this is where options are chosen, and the test split stays closed. A name
with a comma is the variant before the comma with one change. Writes
benchmarks/results/opponents_<seed>.json after every variant, where those not asked for stay, and
prints what the attackers read.

A variant takes 5 to 10 minutes with one thread (twice that, "epochs x 2"), all of them six and
a half hours. Expected: the tables "opponents", "word_reader" and, for the most part, "directions"
in docs/method.md, without the intervals that one seed and 500 clips cannot give: differences of
some hundredths are noise.
"""

import argparse
import dataclasses
import json
import os
import platform
import tempfile
import time
from pathlib import Path
from typing import Any

import keras
from keras import layers, ops

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
INFORMATION_ALONE = {**INFORMATION, "privacy_weight": 0.0}
NEGATED = {"privacy_weight": 1.0}
PRICED = {**INFORMATION, "privacy_weight": 0.5}
RECONSTRUCTION_WEIGHT = 10.0  # squared errors of pixels are some hundredths


@dataclasses.dataclass(frozen=True)
class Variant:
    """How one phase 2 differs from the others.

    Attributes:
        options: arguments of `STPrivacy` beside `COMMON`, or in place of those.
        clips: privacy recognizers that see clips.
        masks: privacy recognizers that see decision masks.
        frames: privacy recognizers that see single frames.
        rebuilds: whether an opponent learns to rebuild raw clips.
        restarts: whether privacy recognizers start anew, in turn.
        rising: whether the opponents' weights rise from 0.
        schedule: classes of the schedules, in place of those that `STPrivacy` has of itself.
        longer: factor of the epochs.
        anonymizer: arguments in place of those of `ANONYMIZER`, none that phase 1 depends on.
    """

    options: dict[str, Any]
    clips: int = 1
    masks: int = 0
    frames: int = 0
    rebuilds: bool = False
    restarts: bool = False
    rising: bool = False
    schedule: tuple[type, ...] | None = None
    longer: int = 1
    anonymizer: dict[str, Any] = dataclasses.field(default_factory=dict)


def single_changes(name: str, start: dict[str, Any]) -> dict[str, Variant]:
    """Variants that differ in one thing from the one of this name, which has these options."""
    no_bits = {k: v for k, v in start.items() if k != "bits_information_weight"}  # none to pay for
    priced = (stp.training.InformationSchedule,) if "mask_information_weight" in start else ()
    return {
        f"{name}, two opponents": Variant(start, clips=2),
        f"{name}, restarts": Variant(start, restarts=True),
        f"{name}, two updates": Variant({**start, "recognizer_updates": 2}),
        f"{name}, frames": Variant(start, frames=1),
        f"{name}, reconstruction": Variant(start, rebuilds=True),
        f"{name}, uniform": Variant({**start, "privacy_objective": "uniform"}),
        f"{name}, entropy": Variant({**start, "privacy_objective": "entropy"}),
        f"{name}, rising weight": Variant(start, rising=True),
        f"{name}, constant rate": Variant(start, schedule=priced),
        f"{name}, under masks": Variant({**start, "remove_dropped": False}),
        f"{name}, epochs x 2": Variant(start, longer=2),
        f"{name}, no 8 bits": Variant({**start, "eight_bit": False}),
        f"{name}, no bottleneck": Variant(no_bits, anonymizer={"bottleneck_bits": None}),
        f"{name}, no sigmoid": Variant(start, anonymizer={"output_activation": None}),
    }


VARIANTS = {
    "negated": Variant(NEGATED),
    "base_rate": Variant(BASE_RATE, clips=2, restarts=True),
    "deterministic": Variant({**BASE_RATE, "deterministic": True}, clips=2, restarts=True),
    "mask": Variant({**BASE_RATE, "deterministic": True}, clips=2, masks=1, restarts=True),
    "information": Variant(PRICED),
    "information, word": Variant({**PRICED, "word_weight": 1.0}),
    "information alone": Variant(INFORMATION_ALONE),
    "negated, base_rate": Variant({**NEGATED, "privacy_objective": "base_rate"}),
    "negated, weight 2": Variant({**NEGATED, "privacy_weight": 2.0}),
    "negated, deterministic": Variant({**NEGATED, "deterministic": True}),
    **single_changes("negated", NEGATED),
    "information, negated": Variant({**PRICED, "privacy_objective": "negated"}),
    "information, noise": Variant({**PRICED, "deterministic": False}),
    "information, full price": Variant(PRICED, schedule=(stp.training.WarmupCosine,)),
    **single_changes("information", PRICED),
}


@keras.saving.register_keras_serializable("opponents")
class FrameRecognizer(keras.Model):
    """2-D convolutional network that reads every frame by itself; a clip has the mean logits.

    It sees what dropped tubelets show, and no decision mask. Its norms keep no averages, so what
    it says of a frame does not depend on the others of a batch.

    Args:
        num_classes: outputs.
        clip_shape: `(T, H, W, 3)`.
        tubelet_size: of the other recognizers; not used.
        widths: channels of the convolutions, each of stride 2.

    Call arguments:
        inputs: a dict with `"clip"`, `(B, T, H, W, 3)`, pixels in [0, 1].
        num_kept: not used; recognizers of clips take it.

    Output shape:
        Logits `(B, num_classes)`, float32.
    """

    num_kept = None

    def __init__(
        self,
        num_classes: int,
        clip_shape: tuple[int, ...],
        tubelet_size: tuple[int, ...],
        widths: tuple[int, ...] = (24, 48, 96, 128),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.num_classes = num_classes
        self.clip_shape = tuple(clip_shape)
        self.tubelet_size = tuple(tubelet_size)
        self.widths = tuple(widths)
        parts: list[keras.Layer] = [layers.Rescaling(2.0, offset=-1.0)]
        for channels in self.widths:
            parts.append(layers.Conv2D(channels, 3, strides=2, padding="same", use_bias=False))
            parts += [layers.GroupNormalization(8), layers.ReLU()]
        parts += [layers.GlobalAveragePooling2D(), layers.Dense(num_classes)]
        self.network = keras.Sequential(parts, name="network")
        self.network.build((None, *self.clip_shape[1:]))
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, num_kept: int | None = None) -> Any:
        frames = ops.reshape(inputs["clip"], (-1, *self.clip_shape[1:]))  # (B·T, H, W, 3)
        logits = ops.reshape(self.network(frames), (-1, self.clip_shape[0], self.num_classes))
        return ops.cast(ops.mean(logits, axis=1), "float32")

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "clip_shape": self.clip_shape,
            "tubelet_size": self.tubelet_size,
            "widths": self.widths,
        }


def optimizer(rate: float) -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(rate, weight_decay=0.05, global_clipnorm=1.0)


def initialize(train, epochs: int, path: Path) -> None:
    anonymizer = stp.models.Anonymizer.from_preset(PRESET, seed=0, **ANONYMIZER)
    phase = stp.training.Initialization(anonymizer, num_actions=len(train.class_names))
    phase.compile(optimizer=optimizer(1e-3), jit_compile=keras.backend.backend() == "jax")
    phase.fit(*train.arrays(), batch_size=BATCH, epochs=epochs, verbose=2)
    anonymizer.save(path)


def started(path: Path, changes: dict[str, Any]) -> stp.models.Anonymizer:
    """The initialized anonymizer, with some arguments changed; what phase 1 trained stays.

    Raises:
        ValueError: if phase 1 would have been another one.
    """
    anonymizer = keras.saving.load_model(path)
    if not changes:
        return anonymizer
    written = ("bottleneck_bits", "output_activation")
    if set(changes) - set(written):
        raise ValueError(
            f"only {written} play no part in the initialization. Received: {sorted(changes)}"
        )
    changed = stp.models.Anonymizer.from_config({**anonymizer.get_config(), **changes})
    values = {variable.path: variable for variable in anonymizer.variables}
    for variable in changed.variables:
        if variable.path in values:
            variable.assign(values[variable.path])
    return changed


def phase_of(variant: Variant, train: Any, start: Path) -> stp.training.STPrivacy:
    """Phase 2 of a variant, compiled."""
    anonymizer = started(start, variant.anonymizer)
    attributes = len(train.attribute_names)

    def recognizer(count: int, kind: Any = stp.models.Recognizer) -> Any:
        return kind.from_preset(PRESET, num_classes=count)

    privacy = [recognizer(attributes) for _ in range(variant.clips)]
    privacy += [recognizer(attributes, stp.models.MaskRecognizer) for _ in range(variant.masks)]
    sizes = (anonymizer.clip_shape, anonymizer.tubelet_size)
    privacy += [FrameRecognizer(attributes, *sizes) for _ in range(variant.frames)]
    others: dict[str, Any] = {}
    if variant.rebuilds:
        others["reconstructor"] = stp.models.Anonymizer.from_preset(
            PRESET,
            num_sparsification_blocks=0,
            layers_per_block=4,
            output_activation="sigmoid",
            seed=0,
        )
        others["reconstruction_weight"] = RECONSTRUCTION_WEIGHT
    if variant.schedule is not None:
        others["schedule"] = [kind() for kind in variant.schedule]
    model = stp.training.STPrivacy(
        anonymizer,
        recognizer(len(train.class_names)),
        privacy,
        **{**COMMON, **variant.options, **others},
    )
    model.compile(
        anonymizer_optimizer=optimizer(1e-3),
        recognizer_optimizer=optimizer(1e-3),
        jit_compile=keras.backend.backend() == "jax",
    )
    return model


def play(variant: Variant, train: Any, start: Path, epochs: int) -> stp.models.Anonymizer:
    model = phase_of(variant, train, start)
    callbacks = [stp.training.RestartPrivacyRecognizers(every=2)] if variant.restarts else []
    callbacks += [stp.training.PrivacySchedule()] if variant.rising else []
    epochs *= variant.longer
    model.fit(*train.arrays(), batch_size=BATCH, epochs=epochs, callbacks=callbacks, verbose=2)
    return model.anonymizer


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
            anonymizer = play(VARIANTS[variant], train, start, options.adversarial_epochs)
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
