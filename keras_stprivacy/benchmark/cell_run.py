"""Measures one cell: a system with a seed is trained, attacked and put on record."""

from __future__ import annotations

import pathlib
import shutil
import time
import types
from typing import Any

import keras
import numpy as np

from keras_stprivacy.baselines import System, build, system_class
from keras_stprivacy.benchmark.attacked_shape import attacked_shape
from keras_stprivacy.benchmark.cells import RECOGNIZERS, SYSTEMS
from keras_stprivacy.benchmark.environment import arithmetic, environment
from keras_stprivacy.benchmark.plan import RAW, Plan
from keras_stprivacy.benchmark.reopened import restart, with_options
from keras_stprivacy.benchmark.variant import Variant, fingerprint
from keras_stprivacy.data import MotionDigits
from keras_stprivacy.data.parts import part_folder, whole_file
from keras_stprivacy.evaluation.attack import Attack
from keras_stprivacy.evaluation.attack_result import AttackResult
from keras_stprivacy.evaluation.attackers import RECONSTRUCTION, Attacker, make_attacker
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.eight_bit import EightBitTransform
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.sources import Source
from keras_stprivacy.evaluation.strongest import strongest_of
from keras_stprivacy.evaluation.summary import caption

_FRAMES_SHOWN = 4


def measure(
    plan: Plan, variant: Variant, seed: int, out: pathlib.Path, verbose: int = 0
) -> dict[str, Any]:
    """Trains a system, attacks what it gives out, and returns all that a report needs.

    Args:
        plan: of the benchmark.
        variant: which system.
        seed: of the system and of its attackers.
        out: folder of the benchmark; trained systems and recognizers of raw clips are kept there,
            and, while they are attacked, clips that memory does not hold.
        verbose: 1 shows progress on standard error.

    Returns:
        The cell.

    Raises:
        ValueError: if the system or the data do not fit.
        FloatingPointError: if a training ended in NaN.
    """
    keras.backend.clear_session()
    keras.utils.set_random_seed(seed)
    system, seconds = trained_system(plan, variant, seed, out)
    if hasattr(system, "reset_report"):
        system.reset_report()
    attacked, stages = _attack(plan, variant, seed, system, out, verbose)
    results, labels = attacked.test, attacked.labels
    if variant.id == RAW:
        for task in ("action", "privacy"):
            path = _recognizer_path(plan, seed, task, out)
            if f"anonymized/{task}" in attacked.attackers:
                path.parent.mkdir(parents=True, exist_ok=True)
                with whole_file(path, ending=".weights.h5") as part:
                    attacked.attackers[f"anonymized/{task}"].model.save_weights(part)
    strongest, notes, _ = strongest_of(attacked, "anonymized")
    network = getattr(system, "network", None) or getattr(system, "anonymizer", None)
    return {
        "variant": variant.id,
        "seed": seed,
        "action": results.action.astype("int32"),
        "privacy": results.privacy.astype("int8"),
        "video": results.video.astype("int32"),
        "source_video": results.source_video,
        "train_action": labels.action.astype("int32"),
        "train_privacy": labels.privacy.astype("int8"),
        "probability": {key: value.astype("float32") for key, value in results.probability.items()},
        "quality": {key: value.astype("float32") for key, value in results.quality.items()},
        "strongest": strongest,
        "main": attacked.main,
        "notes": [*system.notes, *notes, *attacked.notes],
        "skipped": attacked.skipped,
        "seen_in_training": results.seen_in_training,
        "partly_annotated": results.partly_annotated,
        "kept_share": results.kept_share,
        "boxes": getattr(system, "report", None),
        "parameters": None if network is None else int(network.count_params()),
        "system_settings": system.get_config(),
        "history": attacked.history,
        "seconds": {**seconds, **stages.seconds},
        "environment": environment(),
        "shown": [
            {
                "caption": caption(results, labels, number),
                "rows": {
                    "raw": _spread(raw, _FRAMES_SHOWN),
                    **(
                        {"sparsified": _spread(results.sparsified[number], _FRAMES_SHOWN)}
                        if number in results.sparsified
                        else {}
                    ),
                    "anonymized": _spread(given, _FRAMES_SHOWN),
                },
            }
            for number, (raw, _, given) in enumerate(results.shown)
        ],
    }


def trained_system(
    plan: Plan, variant: Variant, seed: int, out: pathlib.Path
) -> tuple[System, dict[str, float]]:
    """The system of a cell: trained now, or taken from a cell that trained the same one.

    Args:
        plan: of the benchmark.
        variant: which system.
        seed: of the system.
        out: folder of the benchmark.

    Returns:
        The system, and seconds that its training took, here or then.
    """
    data = plan.learned_from
    settings: dict[str, Any] = {"seed": seed, **plan.settings_of_system(variant)}
    if plan.settings.detector is not None and system_class(variant.system).uses_boxes:
        from keras_stprivacy.detection import load_detector

        chosen = plan.settings.person_class
        options = {} if chosen is None else {"person_class": chosen}
        settings["detector"] = load_detector(plan.settings.detector, **options)
    system = build(variant.system, preset=data.preset, **settings)
    if not system.learns:
        return system, {}
    known = fingerprint(
        {
            "fit": variant.of_fit(data.preset),
            "data": data.about_training,
            "seed": seed,
            **arithmetic(),
            "batches": _cut(plan, system),
        }
    )
    folder = out / SYSTEMS / f"{variant.system}-{known}-seed{seed}"
    taken = folder / "seconds.txt"
    if taken.is_file():
        return System.load(folder), {"train system": float(taken.read_text())}
    train = _training_clips(plan, system)
    restart(train)
    restart(data.watched)
    started = time.perf_counter()
    system.fit(
        train,
        validation=data.watched,
        num_actions=len(data.class_names),
        num_attributes=len(data.attribute_names),
        multi_label=data.multi_label,
    )
    seconds = round(time.perf_counter() - started, 3)
    with part_folder(folder) as part:
        system.save(part)
        with whole_file(part / taken.name) as file:
            file.write_text(str(seconds))
        _put(part, folder, taken)
    # What is measured is what stands there, whether the run is broken off in between or not.
    return System.load(folder), {"train system": float(taken.read_text())}


def _put(part: pathlib.Path, folder: pathlib.Path, last: pathlib.Path) -> None:
    """Gives a folder its name, unless one with the file `last`, a complete one, has it by now."""
    try:
        part.rename(folder)
    except OSError:
        if last.is_file():
            return
        if not folder.exists():
            raise
        shutil.rmtree(folder)  # one that is not complete
        part.rename(folder)


def _training_clips(plan: Plan, system: System) -> Any:
    """The training split as the system wants it: of records, in batches of its own size."""
    own: dict[str, Any] = {"batch_size": system.batch_size}
    if system.augments:
        own["augment"] = None
    return with_options(plan.learned_from.train, **own)


def _cut(plan: Plan, system: System) -> list[Any] | None:
    """How training clips are cut from records; None for those that are in memory."""
    if isinstance(plan.learned_from.train, tuple | MotionDigits):
        return None
    settings = plan.settings
    return [system.batch_size, settings.frame_step, settings.augment and not system.augments]


def _attack(
    plan: Plan, variant: Variant, seed: int, system: System, out: pathlib.Path, verbose: int
) -> tuple[AttackResult, Stages]:
    settings, data = plan.settings, plan.attacked
    seeds = [int(word) for word in np.random.SeedSequence(seed).generate_state(3)]
    names = settings.attackers
    if variant.id == RAW:
        names = tuple(name for name in names if name != RECONSTRUCTION)
    recognizers = {}
    if RECONSTRUCTION in names:
        recognizers = _raw_recognizers(plan, seed, out)
    stages = Stages(show=verbose > 0)
    restart(data.train)
    restart(data.test)
    train = Source(data.train, "train", data.clip_shape, batch_size=64, seed=seeds[0])
    test = Source(data.test, "test", data.clip_shape, batch_size=64)
    attack = Attack(
        target=attacked_shape(system),
        transform=EightBitTransform(system, variant.keep_ratio, settings.batch_size, _jit(plan)),
        training=Training(plan.epochs, settings.learning_rate),
        attackers=names,
        raw=False,
        attacker_weights=settings.start_weights,
        batch_size=settings.batch_size,
        seed=seeds[1] % 2**31,
        train_passes=settings.train_passes,
        frame_level=plan.frame_level,
        recognizers=recognizers,
        figure_clips=settings.figure_clips,
        jit_compile=_jit(plan),
        num_candidates=len(settings.attackers),
    )
    names_of = data.class_names, data.attribute_names
    with part_folder(out / f"clips-{variant.id}-seed{seed}") as folder:
        attacked = attack.run(train, test, *names_of, str(folder), stages)
    return attacked, stages


def _jit(plan: Plan) -> bool | str:
    given = plan.settings.jit_compile
    return keras.backend.backend() == "jax" if given is None else given


def _raw_recognizers(plan: Plan, seed: int, out: pathlib.Path) -> dict[str, Attacker]:
    """The attackers of raw clips of this seed, to read what is rebuilt."""
    data, recognizers = plan.attacked, {}
    target = types.SimpleNamespace(clip_shape=data.clip_shape)
    counts = {"action": len(data.class_names), "privacy": len(data.attribute_names)}
    for task, count in counts.items():
        path = _recognizer_path(plan, seed, task, out)
        if not path.is_file():
            raise RuntimeError(
                f"{path}, which reads rebuilt clips, is gone. Start the benchmark again: raw clips "
                "are then measured anew."
            )
        kind = "actions" if task == "action" and data.multi_label else task
        recognizer = make_attacker(
            plan.settings.attackers[0],
            kind,
            count,
            target,
            weights=plan.settings.start_weights,
            batch_size=plan.settings.batch_size,
            jit_compile=_jit(plan),
        )
        recognizer.model.load_weights(path)
        recognizers[task] = recognizer
    return recognizers


def recognizers_missing(plan: Plan, seed: int, out: pathlib.Path) -> bool:
    """Whether rebuilt clips are to be read, and the attackers of raw clips for it are not there.

    Args:
        plan: of the benchmark.
        seed: of the attackers.
        out: folder of the benchmark.
    """
    if RECONSTRUCTION not in plan.settings.attackers:
        return False
    paths = [_recognizer_path(plan, seed, task, out) for task in ("action", "privacy")]
    return not all(path.is_file() for path in paths)


def _recognizer_path(plan: Plan, seed: int, task: str, out: pathlib.Path) -> pathlib.Path:
    known = fingerprint(
        {
            "attacked": plan.attacked.about,
            "settings": plan.settings_of_cell,
            "seed": seed,
            **arithmetic(),
        }
    )
    return out / RECOGNIZERS / f"raw-{task}-{known}-seed{seed}.weights.h5"


def _spread(clip: np.ndarray, count: int) -> np.ndarray:
    index = np.unique(np.linspace(0, len(clip) - 1, min(count, len(clip))).round().astype(int))
    return clip[index]
