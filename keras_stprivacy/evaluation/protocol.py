"""Phase 3: fresh attackers on what a frozen anonymizer gives out."""

import pathlib
import tempfile
from typing import Any

import keras
import numpy as np

from keras_stprivacy.evaluation.attack import Attack, check_frame_attackers
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION, check_attackers
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.eight_bit import EightBitTransform
from keras_stprivacy.evaluation.notes import box_notes
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.report import Report
from keras_stprivacy.evaluation.sources import Source
from keras_stprivacy.evaluation.summary import summarize
from keras_stprivacy.version import __version__

# Temporal and spatial, as in the publication.
VIEWS = (5, 3)


def evaluate(
    anonymizer: Any,
    train: Any,
    test: Any,
    epochs: int = 80,
    views: tuple[int, int] | None = None,
    attackers: Any = ("video_transformer",),
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
    held_out: float = 0.1,
    frame_level: bool = False,
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
            video. Where several were cut from one source video, labels should have "source_video"
            (N,), numbers or texts: for intervals, videos with the same one are drawn together. A
            negative number, or "", says that it is not known.
        epochs: passes of each attacker over the training clips; `reconstruction` makes half as
            many.
        views: temporal and spatial views of each test video. None: 5 and 3 are cut from whole
            videos; where `test` holds clips, the views are those that it holds, and the report
            says how many. Clips that hold another number than is asked for are an error.
        attackers: who attacks, by name: `"video_transformer"` (from `attacker_weights`, where
            given), `"video_transformer_from_scratch"`, `"conv3d"`, `"frame"` (a 2-D CNN on single
            frames), `"linear_probe"`, `"mask"` (sees the decision mask alone) and
            `"reconstruction"` (a decoder that learns to give raw clips back; what it rebuilt is
            shown to the recognizers of raw clips). The first reads actions too and has the rows
            "raw" and "anonymized". With several, the report adds a row for each, and one in which
            every attribute is read by the strongest of them, chosen on held-out training clips;
            who reads rebuilt clips is one of them.
        attacker: network of the video transformers. None: a `Recognizer` of the anonymizer's shape
            and depth, or, where it has none, of the preset for its clips, else ViT-S or, for
            small clips, the embedded dataset's, with tubelets that divide the clips (a note says
            which); a preset's name; a dict of `Recognizer` arguments; or a callable
            `f(num_classes=, num_kept=, seed=)` that builds one.
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
        held_out: with several attackers, share of the training videos that they are chosen on and
            do not learn from.
        frame_level: test the attributes on single frames, with the attacker `"frame"`. The labels
            of `test` then need "frame_privacy" (N, T, P), or those of a clip stand for its frames.
            With several views they need "frame_number" (N, V, T), too: a frame counts once, by the
            mean over the views that hold it. Records and whole videos say it themselves.
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
    attackers = check_attackers(attackers)
    if RECONSTRUCTION in attackers and not raw:
        raise ValueError(
            "the attacker 'reconstruction' shows what it rebuilt to recognizers of raw clips: pass "
            "raw=True with it. Received: raw=False"
        )
    if not 0.0 < held_out < 1.0:
        raise ValueError(f"held_out must be in (0, 1). Received: held_out={held_out}")
    if frame_level:
        check_frame_attackers(attackers)
    transform = EightBitTransform(anonymizer, keep_ratio, batch_size, jit_compile)
    clip_shape = getattr(anonymizer, "clip_shape", None)
    if clip_shape is None:
        raise ValueError(
            f"{type(anonymizer).__name__} has no clip_shape. Give it the attribute: "
            "(frames, height, width, 3) of the clips that it takes."
        )
    seeds = [int(s) for s in np.random.SeedSequence(seed).generate_state(3)]
    train_source = Source(train, "train", clip_shape, None, frame_step, batch_size, seed=seeds[0])
    exact = views is not None
    test_source = Source(
        test, "test", clip_shape, views or VIEWS, frame_step, batch_size, exact_views=exact
    )
    attack = Attack(
        target=network_of(anonymizer),
        transform=transform,
        training=Training(epochs, learning_rate, weight_decay, warmup),
        attackers=attackers,
        raw=raw,
        attacker=attacker,
        attacker_weights=attacker_weights,
        batch_size=batch_size,
        seed=seeds[1] % 2**31,
        train_passes=train_passes,
        held_out=held_out,
        frame_level=frame_level,
        figure_clips=figure_clips,
        memory_limit=memory_limit,
        jit_compile=jit_compile,
    )
    stages = Stages(show=verbose > 0)
    if hasattr(anonymizer, "reset_report"):
        anonymizer.reset_report()
    with tempfile.TemporaryDirectory(prefix="stprivacy-evaluation-") as folder:
        attacked = attack.run(
            train_source,
            test_source,
            class_names or train_source.class_names or test_source.class_names,
            attribute_names or train_source.attribute_names or test_source.attribute_names,
            folder,
            stages,
        )
    notes = box_notes(getattr(anonymizer, "report", None), type(anonymizer).__name__)
    notes.extend(getattr(anonymizer, "notes", ()))
    if attacked.spilled:
        notes.append(
            f"training clips ({', '.join(attacked.spilled)}) exceeded memory_limit={memory_limit} "
            f"bytes and were kept in a temporary file under {pathlib.Path(folder).parent}"
        )
    main = attacked.attackers["anonymized/privacy"].model
    results = attacked.test
    settings = {
        "package": f"keras_stprivacy {__version__}",
        "keras": keras.version(),
        "backend": keras.backend.backend(),
        "anonymizer": type(anonymizer).__name__,
        "anonymizer_config": _config(anonymizer),
        "keep_ratio": getattr(anonymizer, "keep_ratio", None) if keep_ratio is None else keep_ratio,
        "kept_tubelets": attacked.num_kept,
        "tubelets": results.tubelets,
        "attackers": list(attackers),
        "attacker": type(main).__name__,
        "attacker_config": _config(main),
        "attacker_parameters": main.count_params(),
        "attacker_weights": "from scratch" if attacker_weights is None else "given",
        "train_clips": len(attacked.labels.action),
        "train_passes": train_passes,
        "test_videos": len(results.action),
        "test_views": results.num_views,
        "different_test_views": results.different_views,
        "frame_level": frame_level,
        "frame_step": frame_step,
        "epochs": epochs,
        "batch_size": batch_size,
        "learning_rate": learning_rate,
        "weight_decay": weight_decay,
        "warmup": warmup,
        "held_out": None if attacked.held_out_labels is None else held_out,
        "seed": seed,
        "bootstrap": bootstrap,
    }
    in_memory = test_source.in_memory
    return summarize(attacked, settings, notes, stages, bootstrap, seeds[2], in_memory)


def network_of(anonymizer: Any) -> Any:
    """What attackers take their shape from: a system's anonymizer where it has one.

    Example:

    >>> import types
    >>> system = types.SimpleNamespace(transform=print, clip_shape=(8, 32, 32, 3))
    >>> network_of(system) is system
    True
    """
    if callable(getattr(anonymizer, "transform", None)):
        network = getattr(anonymizer, "anonymizer", None)
        return anonymizer if network is None else network
    return anonymizer


def _config(model: Any) -> dict[str, Any] | None:
    try:
        config = model.get_config()
    except NotImplementedError:  # a model of the caller's that says nothing about itself
        return None
    return {key: value for key, value in config.items() if key not in ("name", "trainable")}
