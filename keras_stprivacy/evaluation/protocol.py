"""Phase 3: fresh attackers on what a frozen anonymizer gives out."""

import hashlib
import pathlib
import tempfile
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attackers import TASKS, Attacker
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import EightBitTransform, to_eight_bit
from keras_stprivacy.evaluation.figure import sparsified
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.report import Report
from keras_stprivacy.evaluation.sources import Source
from keras_stprivacy.evaluation.summary import TestResults, TrainLabels, summarize
from keras_stprivacy.evaluation.views import average_views, unique_views
from keras_stprivacy.version import __version__


def evaluate(
    anonymizer: Any,
    train: Any,
    test: Any,
    epochs: int = 80,
    views: tuple[int, int] = (5, 3),
    attacker: Any = None,
    attacker_weights: Any = None,
    batch_size: int = 32,
    learning_rate: float = 1e-3,
    weight_decay: float = 0.05,
    warmup: float = 0.05,
    seed: int = 0,
    keep_ratio: float | None = None,
    raw: bool = True,
    bootstrap: int = 1000,
    class_names: Any = None,
    attribute_names: Any = None,
    frame_step: int = 1,
    train_passes: int = 1,
    figure_clips: int = 4,
    memory_limit: int = 2 << 30,
    jit_compile: bool | str = "auto",
    verbose: int = 0,
) -> Report:
    """Measures what is left to read in anonymized clips.

    The evaluation of "STPrivacy" (ICCV 2023), phase 3. The anonymizer stays as it is and
    transforms every clip on its inference path. New recognizers, which share nothing with those
    of the training, learn the action and the private attributes from the transformed training
    clips: 8-bit pixels, with the decision mask beside them, just what a deployment gives out.
    They are tested on transformed test clips, averaging softmax and sigmoid over the views of a
    video. The same is done with raw clips, and both stand beside floors.

    Training clips are transformed once and kept as 8-bit pixels (3·T·H·W bytes a clip, for raw
    and anonymized each), beyond `memory_limit` in a temporary file; test clips are not kept. Views
    of a video that are equal are computed once.

    Args:
        anonymizer: an `Anonymizer`, or another Keras model that takes clips (B, T, H, W, 3) in
            [0, 1], has a `clip_shape`, and returns a dict with "clip" and, if it drops tubelets,
            "decision_mask" (it then needs `grid_shape` too); or a
            `keras_stprivacy.baselines.System`. It is not changed.
        train: the training split: `(clip, {"action", "privacy"})` with arrays; a `MotionDigits`;
            or an iterable of such batches, e.g. a finite tf.data.Dataset. Clips are uint8 or float
            in [0, 1], (N, T, H, W, 3), or a list of whole videos (frames, h, w, 3), of which a
            clip is drawn at random. Labels are "action" (N,) and "privacy" (N, P) of 0 and 1.
        test: the test split, likewise; clips may have views, (N, V, T, H, W, 3). One row is one
            video.
        epochs: passes of each attacker over the training clips.
        views: temporal and spatial views that are cut from whole videos; where `test` holds clips,
            the views are those that it holds.
        attacker: None: a `Recognizer` of the anonymizer's shape and depth; a preset's name; a dict
            of `Recognizer` arguments; or a callable `f(num_classes=, num_kept=, seed=)` that
            builds one.
        attacker_weights: None: from scratch; a tuple `(state, layout)` for
            `stp.models.load_weights_from`; or a callable that is given each new attacker.
        batch_size: clips in a step.
        learning_rate: highest learning rate of the attackers' AdamW.
        weight_decay: of AdamW; none on biases, norms and position embeddings.
        warmup: share of the steps in which the learning rate rises; then it falls as a cosine.
        seed: of the attackers' weights, the order of clips, and the bootstrap.
        keep_ratio: at which the anonymizer is evaluated; None: its own.
        raw: whether to train attackers on raw clips as well. Without them there is no leakage.
        bootstrap: samples of the test videos for the 95 % intervals; 0: no intervals.
        class_names: names of the actions; by default the dataset's, or numbers.
        attribute_names: names of the attributes; likewise.
        frame_step: of whole videos, every how many frames one is taken.
        train_passes: how often `train` is read; where it is augmented at random, every pass gives
            other clips to learn from.
        figure_clips: test clips to keep for the picture.
        memory_limit: bytes of transformed training clips to keep in memory.
        jit_compile: see `keras.Model.compile`.
        verbose: 1 shows progress on standard error.

    Returns:
        A `Report`.

    Raises:
        ValueError: if a split is empty, clips are of another shape than the anonymizer's, labels
            are missing or outside the classes, or an attacker does not fit.
        TypeError: if the anonymizer is neither a Keras model nor a system.
        FloatingPointError: if the anonymizer or an attacker returns NaN.

    Example:

    >>> import keras_stprivacy as stp
    >>> anonymizer = stp.models.Anonymizer.from_preset("motion_digits_8x32")
    >>> train = stp.data.motion_digits("train", num_clips=32, cache=False)
    >>> test = stp.data.motion_digits("test", num_clips=32, cache=False)
    >>> report = evaluate(anonymizer, train, test, epochs=1, raw=False, bootstrap=0,
    ...                   attacker={"num_layers": 1})
    >>> [row.name for row in report.rows]
    ['anonymized', 'chance', 'action_only']
    """
    for name, value, least in (
        ("epochs", epochs, 1),
        ("batch_size", batch_size, 1),
        ("train_passes", train_passes, 1),
        ("bootstrap", bootstrap, 0),
        ("figure_clips", figure_clips, 0),
    ):
        if value < least:
            raise ValueError(f"{name} must be at least {least}. Received: {name}={value}")
    transform = EightBitTransform(anonymizer, keep_ratio, batch_size, jit_compile)
    clip_shape = getattr(anonymizer, "clip_shape", None)
    if clip_shape is None:
        raise ValueError(
            f"{type(anonymizer).__name__} has no clip_shape. Give it the attribute: "
            "(frames, height, width, 3) of the clips that it takes."
        )
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(3)]
    train_source = Source(train, "train", clip_shape, None, frame_step, batch_size, seed=seeds[0])
    test_source = Source(test, "test", clip_shape, views, frame_step, batch_size)
    class_names = class_names or train_source.class_names or test_source.class_names
    attribute_names = attribute_names or train_source.attribute_names or test_source.attribute_names
    train_source.first()
    first = test_source.first()
    stages = Stages(show=verbose > 0)

    with tempfile.TemporaryDirectory(prefix="stprivacy-evaluation-") as folder:
        names = ("raw", "anonymized") if raw else ("anonymized",)
        stores = {
            name: ClipStore(clip_shape, memory_limit // len(names), folder, name) for name in names
        }
        labels, seen = _transform_train(train_source, stores, transform, train_passes, stages)
        labels = _named(labels, class_names, attribute_names)
        _check_classes(*(test_source.labels() or (first.action, first.privacy)), labels)
        num_kept = _num_kept(anonymizer, stores["anonymized"], keep_ratio)
        attackers: dict[str, Attacker] = {}
        history = {}
        for name in names:
            for number, task in enumerate(TASKS):
                key = f"{name}/{task}"
                attackers[key] = Attacker(
                    task,
                    len(labels.class_names if task == "action" else labels.attribute_names),
                    anonymizer,
                    attacker,
                    attacker_weights,
                    num_kept if name == "anonymized" else None,
                    seeds[1] % 2**31 + number,
                    batch_size,
                    jit_compile,
                )
                with stages.stage(f"train {key}", epochs) as advance:
                    history[key] = attackers[key].fit(
                        stores[name],
                        labels.action if task == "action" else labels.privacy,
                        epochs,
                        learning_rate,
                        weight_decay,
                        warmup,
                        on_epoch_end=advance,
                    )
        results = _test(test_source, transform, attackers, labels, seen, figure_clips, stages)
        if anonymizer_grid := getattr(anonymizer, "grid_shape", None):
            _add_sparsified(results, anonymizer_grid)
        spilled = [name for name, store in stores.items() if store.spilled]
        del stores

    notes = []
    if spilled:
        notes.append(
            f"training clips ({', '.join(spilled)}) exceeded memory_limit={memory_limit} bytes "
            f"and were kept in a temporary file under {pathlib.Path(folder).parent}"
        )
    settings = {
        "package": f"keras_stprivacy {__version__}",
        "keras": keras.version(),
        "backend": keras.backend.backend(),
        "anonymizer": type(anonymizer).__name__,
        "anonymizer_config": _config(anonymizer),
        "keep_ratio": getattr(anonymizer, "keep_ratio", None) if keep_ratio is None else keep_ratio,
        "kept_tubelets": num_kept,
        "tubelets": results.tubelets,
        "attacker": type(attackers["anonymized/privacy"].model).__name__,
        "attacker_config": _config(attackers["anonymized/privacy"].model),
        "attacker_parameters": attackers["anonymized/privacy"].model.count_params(),
        "attacker_weights": "from scratch" if attacker_weights is None else "given",
        "train_clips": len(labels.action),
        "train_passes": train_passes,
        "test_videos": len(results.action),
        "test_views": results.num_views,
        "different_test_views": results.different_views,
        "frame_step": frame_step,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "warmup": warmup,
        "seed": seed,
        "bootstrap": bootstrap,
    }
    return summarize(
        results, labels, history, settings, notes, stages, bootstrap, bootstrap_seed=seeds[2]
    )


def _transform_train(
    source: Source,
    stores: dict[str, ClipStore],
    transform: EightBitTransform,
    passes: int,
    stages: Stages,
) -> tuple[TrainLabels, set[bytes]]:
    """Reads the training split, fills the stores, and remembers which clips it has seen."""
    action, privacy = [], []
    seen: set[bytes] = set()
    with stages.stage("transform train", passes * len(source) or None) as advance:
        for _ in range(passes):
            for batch in source.batches():
                # Every view of a training video is a clip of its own.
                views = batch.clips.shape[1]
                clips = batch.clips.reshape(-1, *batch.clips.shape[2:])
                pixels = to_eight_bit(clips)
                seen.update(_digest(clip) for clip in pixels)
                if "raw" in stores:
                    stores["raw"].append(pixels)
                boxes = batch.boxes
                if boxes is not None:
                    boxes = boxes.reshape(-1, *boxes.shape[2:])
                stores["anonymized"].append(*transform(clips, boxes))
                action.append(np.repeat(batch.action, views))
                privacy.append(np.repeat(batch.privacy, views, axis=0))
                if privacy[-1].shape[1] != privacy[0].shape[1]:
                    raise ValueError(
                        "every batch of train must have the same attributes. Received: "
                        f"{privacy[0].shape[1]} and {privacy[-1].shape[1]}"
                    )
                advance(len(batch.action))
    for store in stores.values():
        store.close()
    return TrainLabels(np.concatenate(action), np.concatenate(privacy), (), ()), seen


def _test(
    source: Source,
    transform: EightBitTransform,
    attackers: dict[str, Attacker],
    labels: TrainLabels,
    seen: set[bytes],
    figure_clips: int,
    stages: Stages,
) -> TestResults:
    """Reads the test split once; every attacker looks at every view."""
    parts: dict[str, list[np.ndarray]] = {key: [] for key in attackers}
    action, privacy = [], []
    results = TestResults()
    with stages.stage("test", len(source) or None) as advance:
        for batch in source.batches():
            _check_classes(batch.action, batch.privacy, labels)
            different = [unique_views(views) for views in batch.clips]
            clips = np.concatenate([views for views, _ in different])
            count = np.concatenate([number for _, number in different])
            video = np.repeat(np.arange(len(different)), [len(views) for views, _ in different])
            pixels = to_eight_bit(clips)
            boxes = batch.boxes
            if boxes is not None:  # of the first of equal views
                first_of = [
                    int(np.argmax((views == view).all(axis=(1, 2, 3, 4)))) + place * len(views)
                    for place, views in enumerate(batch.clips)
                    for view in different[place][0]
                ]
                boxes = boxes.reshape(-1, *boxes.shape[2:])[first_of]
            given, mask = transform(clips, boxes)
            for key, attacker in attackers.items():
                inputs = (pixels, None) if key.startswith("raw/") else (given, mask)
                probability = attacker.predict(*inputs)
                parts[key].append(average_views(probability, video, count, len(different)))
            action.append(batch.action)
            privacy.append(batch.privacy)
            results.num_views = max(results.num_views, batch.clips.shape[1])
            results.different_views += len(clips)
            results.tubelets = None if mask is None else mask.shape[1]
            known = [_digest(clip) in seen for clip in pixels]
            results.seen_in_training += len(np.unique(video[known]))
            for place in range(len(different)):
                if len(results.shown) == figure_clips:
                    break
                first = int(np.argmax(video == place))
                results.shown.append(
                    (pixels[first], None if mask is None else mask[first], given[first])
                )
            advance(len(batch.action))
    results.action, results.privacy = np.concatenate(action), np.concatenate(privacy)
    results.probability = {key: np.concatenate(value) for key, value in parts.items()}
    return results


def _add_sparsified(results: TestResults, grid_shape: tuple[int, int, int]) -> None:
    for number, (pixels, mask, _) in enumerate(results.shown):
        if mask is not None:
            results.sparsified[number] = sparsified(pixels, mask, grid_shape)


def _num_kept(anonymizer: Any, store: ClipStore, keep_ratio: float | None) -> int | None:
    if store.decision_mask is None or not hasattr(anonymizer, "num_kept"):
        return None
    num_kept = int(anonymizer.num_kept(keep_ratio))
    counts = store.decision_mask.sum(axis=1, dtype="int64")
    if (counts != num_kept).any():
        raise ValueError(
            f"{type(anonymizer).__name__}.num_kept says {num_kept} tubelets a clip, but its "
            f"decision masks keep {int(counts.min())} to {int(counts.max())}"
        )
    return num_kept


def _named(labels: TrainLabels, class_names: Any, attribute_names: Any) -> TrainLabels:
    if class_names is None:
        class_names = [f"action {i}" for i in range(int(labels.action.max()) + 1)]
    if attribute_names is None:
        attribute_names = [f"attribute {i}" for i in range(labels.privacy.shape[1])]
    class_names, attribute_names = tuple(class_names), tuple(attribute_names)
    if len(attribute_names) != labels.privacy.shape[1]:
        raise ValueError(
            f"attribute_names must name the {labels.privacy.shape[1]} attributes of train. "
            f"Received: {len(attribute_names)} names"
        )
    if len(set(attribute_names)) != len(attribute_names):
        raise ValueError(f"attribute_names must differ. Received: {attribute_names}")
    named = TrainLabels(labels.action, labels.privacy, class_names, attribute_names)
    _check_classes(labels.action, labels.privacy, named, split="train")
    return named


def _check_classes(
    action: np.ndarray, privacy: np.ndarray, labels: TrainLabels, split: str = "test"
) -> None:
    if len(action) and action.max() >= len(labels.class_names):
        raise ValueError(
            f'"action" of {split} must be in 0..{len(labels.class_names) - 1}: there are '
            f"{len(labels.class_names)} classes. Received: {int(action.max())}. Pass class_names "
            "with all classes if train does not show each of them."
        )
    if privacy.shape[1] != len(labels.attribute_names):
        raise ValueError(
            f'"privacy" of {split} must have {len(labels.attribute_names)} attributes '
            f"{list(labels.attribute_names)}. Received: {privacy.shape[1]}"
        )


def _digest(clip: np.ndarray) -> bytes:
    return hashlib.blake2b(clip.tobytes(), digest_size=16).digest()


def _config(model: Any) -> dict[str, Any] | None:
    try:
        config = model.get_config()
    except NotImplementedError:  # a model of the caller's that says nothing about itself
        return None
    return {key: value for key, value in config.items() if key not in ("name", "trainable")}
