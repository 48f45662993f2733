"""A SavedModel for TF Serving from an anonymizer of any backend."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from keras_stprivacy.export.load_anonymizer import check_anonymizer, check_model_file
from keras_stprivacy.keep_ratio import check_keep_ratio


class ExportError(RuntimeError):
    """The process that exports failed; the message says why."""


def saved_model(
    model: Any,
    directory: str | os.PathLike,
    version: int = 1,
    keep_ratio: float | None = None,
    overwrite: bool = False,
    card: Mapping[str, Any] | None = None,
) -> Path:
    """Writes an anonymizer as a SavedModel that needs neither this package nor Keras.

    The graph is traced by a child process on the TensorFlow backend (only that one gives a graph
    of stock operations), whatever backend is in use here. It is written under a temporary name in
    `directory` and renamed, so that a server never sees half of it. `model_card.json` stands in it.

    Signatures, both with any batch size:

    - `serving_default`: `clip` uint8 `(B, T, H, W, 3)` → `clip` uint8 of the same shape and
      `decision_mask` float32 `(B, L, N)`, at the fixed keep ratio; dropped tokens are not computed.
    - `keep_ratio`: `clip` and `keep_ratio` float32 `(B,)`, one a clip → the same. A ratio outside
      (0, 1] is refused with an error.

    Args:
        model: a `.keras` file, written on any backend, or a built anonymizer.
        directory: where the versions are, `<directory>/<version>/`; made if missing.
        version: a positive integer; servers take the highest.
        keep_ratio: the fixed keep ratio, in (0, 1]; None: the one saved with the model.
        overwrite: whether to replace this version if it is there.
        card: further entries of the model card, such as metrics or the training data; what JSON
            can hold.

    Returns:
        `<directory>/<version>`.

    Raises:
        FileNotFoundError: if `model` is a path and there is no such file.
        FileExistsError: if this version is there and `overwrite` is False.
        ValueError: if `keep_ratio`, `version`, `card` or the model file is not valid, or weights
            of the model hold NaN or infinity.
        TypeError: if `model` is no anonymizer, or one that shows raw pixels.
        ExportError: if the exporting process failed in another way, as without TensorFlow.

    Example:

    ```python
    anonymizer.save("anonymizer.keras")
    stp.export.saved_model("anonymizer.keras", "serving/stprivacy", version=3, keep_ratio=0.5)
    ```
    """
    if keep_ratio is not None:
        keep_ratio = check_keep_ratio(keep_ratio)
    if isinstance(version, bool) or not isinstance(version, int) or version < 1:
        raise ValueError(f"version must be a positive integer. Received: version={version!r}")
    card = _as_json(card or {})
    directory = Path(directory)
    target = directory / str(version)
    if target.exists() and not overwrite:
        raise FileExistsError(
            f"version {version} is already in {str(directory)!r}. "
            "Pass another version, or overwrite=True."
        )
    with tempfile.TemporaryDirectory(prefix="stprivacy-export-") as scratch:
        if isinstance(model, str | os.PathLike):
            model_file = check_model_file(model)
        else:
            model_file = Path(scratch) / "anonymizer.keras"
            check_anonymizer(model, "model").save(model_file)
        directory.mkdir(parents=True, exist_ok=True)
        # Not an integer, so servers that watch the directory pass it over.
        partial = Path(tempfile.mkdtemp(prefix=f".partial-{version}-", dir=directory))
        try:
            request = {
                "model": os.path.abspath(model_file),
                "directory": os.path.abspath(partial / "saved_model"),
                "keep_ratio": keep_ratio,
                "card": card,
            }
            _run_worker(request, Path(scratch))
            _put(partial / "saved_model", target, partial / "replaced")
        finally:
            shutil.rmtree(partial, ignore_errors=True)
    return target


def _as_json(card: Mapping[str, Any]) -> dict[str, Any]:
    """The entries of a card as JSON has them; numbers and arrays of NumPy become plain ones."""
    try:
        text = json.dumps(dict(card), allow_nan=False, default=lambda value: value.tolist())
    except (TypeError, ValueError, AttributeError) as error:
        raise ValueError(
            "card must hold what JSON can: texts, finite numbers, lists and dicts of these. "
            f"Received: {card!r} ({error})"
        ) from error
    return json.loads(text)


def _put(new: Path, target: Path, replaced: Path) -> None:
    """Renames `new` to `target`; what is there goes to `replaced`, or stays if that fails."""
    there = target.exists()
    if there:
        os.rename(target, replaced)
    try:
        os.rename(new, target)
    except BaseException:
        if there and not target.exists():
            os.rename(replaced, target)
        raise


def _run_worker(request: Mapping[str, Any], scratch: Path) -> None:
    request_file, answer_file = scratch / "request.json", scratch / "answer.json"
    request_file.write_text(json.dumps(request))
    package_root = str(Path(__file__).resolve().parents[2])
    search_path = [package_root, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {
        "KERAS_BACKEND": "tensorflow",
        # A graph does not depend on where it was traced, and the parent may hold the accelerator.
        "CUDA_VISIBLE_DEVICES": "-1",
        "TF_CPP_MIN_LOG_LEVEL": os.environ.get("TF_CPP_MIN_LOG_LEVEL", "2"),
        "PYTHONPATH": os.pathsep.join(search_path),
    }
    # -P: nothing is imported from the folder that a user happens to be in.
    command = [sys.executable, "-P", "-m", "keras_stprivacy.export._worker"]
    process = subprocess.run(
        [*command, str(request_file), str(answer_file)],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if process.returncode == 0:
        return
    if answer_file.is_file():
        failure = json.loads(answer_file.read_text())
        kind = {"TypeError": TypeError, "ValueError": ValueError}.get(failure["type"], ExportError)
        raise kind(f"{failure['message']} ({failure['type']} in the exporting process)")
    tail = "\n".join(process.stderr.strip().splitlines()[-15:])
    raise ExportError(
        f"the exporting process ended with code {process.returncode} and said:\n{tail}"
    )
