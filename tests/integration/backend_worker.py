"""Run under each backend by test_backends_agree.py: trains, saves, then loads what all saved."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import conftest  # noqa: F401  (threads, compilation)
import harness
import keras
import numpy as np
import tiny_models

from keras_stprivacy.training import Initialization, STPrivacy

STEPS = 3


def _trace(model: keras.Model) -> dict[str, np.ndarray]:
    """What is logged after each of three batches, and all that is left afterwards."""
    tiny_models.use_noise(model.anonymizer, 3)
    trace = {}
    for step in range(STEPS):
        clips = tiny_models.clips(seed=step)
        labels = tiny_models.labels(multi_label=model.multi_label)
        logs = model.train_on_batch(clips, labels, return_dict=True)
        trace |= {f"step {step}/{name}": harness.numpy(value) for name, value in logs.items()}
    for i, variable in enumerate(model.trainable_variables):
        trace[f"weights {i}/{variable.name}"] = harness.numpy(variable)
    return trace


def _optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.AdamW(1e-3, weight_decay=0.05, global_clipnorm=1.0)


def _adversarial(**options) -> dict[str, np.ndarray]:
    model = STPrivacy(*tiny_models.players(), schedule=None, **options)
    model.compile(
        anonymizer_optimizer=_optimizer(), recognizer_optimizer=_optimizer(), **harness.EAGER
    )
    return _trace(model)


def _initialization(**options) -> dict[str, np.ndarray]:
    anonymizer = tiny_models.anonymizer()
    model = Initialization(anonymizer, tiny_models.NUM_ACTIONS, schedule=None, **options)
    tiny_models.randomize(model, seed=7)
    model.compile(optimizer=_optimizer(), **harness.EAGER)
    return _trace(model)


def _outputs(model: keras.Model) -> dict[str, np.ndarray]:
    """What a model makes of clips: the anonymizer's tensors, or the logits of a recognizer."""
    output = harness.run(lambda x: model(x), tiny_models.clips())
    if not isinstance(output, dict):
        return {"logits": output}
    stages = {
        f"probability {m}": stage["retaining_probability"]
        for m, stage in enumerate(output["sparsification"])
    }
    return {"clip": output["clip"], "decision_mask": output["decision_mask"], **stages}


def _models() -> dict[str, keras.Model]:
    """What is exchanged as files."""
    return {
        "anonymizer": tiny_models.anonymizer(seed=3),
        "anonymizer of bits": tiny_models.anonymizer(
            seed=3, mean=(0.4, 0.5, 0.6), bottleneck_bits=4
        ),
        "recognizer": tiny_models.recognizer(tiny_models.NUM_ATTRIBUTES, seed=4),
    }


def main(folder: Path) -> None:
    backend = keras.backend.backend()
    runs = {
        "simultaneous": _adversarial(update_rule="simultaneous"),
        "alternating": _adversarial(update_rule="alternating", privacy_objective="negated"),
        "alternating, base rate": _adversarial(
            update_rule="alternating", privacy_objective="base_rate"
        ),
        "reconstruction, entropy": _adversarial(
            privacy_objective="entropy", reconstructor=tiny_models.reconstructor()
        ),
        "several actions": _adversarial(multi_label=True),
        "initialization": _initialization(),
        "initialization, several actions": _initialization(multi_label=True),
    }
    for name, values in runs.items():
        np.savez(folder / f"{name}.{backend}.npz", **values)
    for name, model in _models().items():
        model.save(folder / f"{name} of {backend}.keras")
        np.savez(folder / f"saved {name}.{backend}.npz", **_outputs(model))
    print("saved", flush=True)
    sys.stdin.readline()  # until the others have saved too
    for path in sorted(folder.glob("*.keras")):
        loaded = keras.saving.load_model(path)
        np.savez(folder / f"loaded {path.stem}.{backend}.npz", **_outputs(loaded))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
