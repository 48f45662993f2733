"""The exporting process: `python -m keras_stprivacy.export._worker REQUEST ANSWER`.

Runs with KERAS_BACKEND=tensorflow; `saved_model` starts it. REQUEST is a JSON file; where the
export fails, ANSWER is written with the kind of the error and its message, and the code is 1.
"""

import json
import sys
from pathlib import Path
from typing import Any


def export(model: str, directory: str, keep_ratio: float | None, card: dict[str, Any]) -> None:
    """Writes the SavedModel of a `.keras` file, and its model card.

    Args:
        model: path of the `.keras` file.
        directory: of the SavedModel, which is made.
        keep_ratio: the fixed keep ratio in (0, 1], or None: the saved one.
        card: further entries of the model card.

    Raises:
        ImportError: if TensorFlow is not installed.
        ValueError: if a weight of the model is not finite.
    """
    try:
        import tensorflow as tf
    except ImportError as error:
        raise ImportError(
            "exporting needs TensorFlow, whatever backend the model was trained on. Install it: "
            "pip install 'keras-stprivacy[tensorflow]'"
        ) from error
    import keras
    import numpy as np

    from keras_stprivacy.export.deployed import DeployedAnonymizer
    from keras_stprivacy.export.load_anonymizer import load_anonymizer
    from keras_stprivacy.export.model_card import model_card

    anonymizer = load_anonymizer(model)
    # A server has no flag beside the clip: with these it would answer black, as if all were well.
    broken = [
        weight.path
        for weight in anonymizer.weights
        if not np.isfinite(keras.ops.convert_to_numpy(keras.ops.cast(weight, "float32"))).all()
    ]
    if broken:
        raise ValueError(
            f"{len(broken)} weights of the model hold NaN or infinity, the first is {broken[0]}. "
            "Its training had broken down: export another checkpoint."
        )
    deployed = DeployedAnonymizer(anonymizer, keep_ratio=keep_ratio)
    entries = model_card(anonymizer, deployed.keep_ratio, card)
    entries["software"] |= {"keras": keras.__version__, "tensorflow": tf.__version__}

    def serving_default(clip: Any) -> dict[str, Any]:
        outputs = deployed(clip)
        return {name: outputs[name] for name in ("clip", "decision_mask")}

    def with_keep_ratio(clip: Any, keep_ratio: Any) -> dict[str, Any]:
        valid = tf.reduce_all((keep_ratio > 0.0) & (keep_ratio <= 1.0))  # NaN is not valid
        message = "keep_ratio must lie in (0, 1] for every clip. Received:"
        with tf.control_dependencies([tf.debugging.Assert(valid, [message, keep_ratio])]):
            ratio = tf.identity(keep_ratio)
        outputs = deployed(clip, keep_ratio=ratio)
        return {name: outputs[name] for name in ("clip", "decision_mask")}

    clip_spec = tf.TensorSpec((None, *anonymizer.clip_shape), tf.uint8, name="clip")
    ratio_spec = tf.TensorSpec((None,), tf.float32, name="keep_ratio")
    archive = keras.export.ExportArchive()
    archive.track(deployed)
    archive.add_endpoint("serving_default", serving_default, input_signature=[clip_spec])
    archive.add_endpoint("keep_ratio", with_keep_ratio, input_signature=[clip_spec, ratio_spec])
    archive.write_out(directory, verbose=False)
    card_file = Path(directory) / "model_card.json"
    card_file.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def main() -> int:
    """Reads the request, exports, and gives back the exit code."""
    request_file, answer_file = (Path(argument) for argument in sys.argv[1:3])
    try:
        export(**json.loads(request_file.read_text()))
    except Exception as error:
        # A process boundary: whatever the error is, its message has to reach the other side.
        failure = {"type": type(error).__name__, "message": str(error)}
        answer_file.write_text(json.dumps(failure))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
