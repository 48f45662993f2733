"""The paper's tables as programs: each protocol plans its cells and runs them."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence

from keras_stprivacy.benchmark.data import actions_between, load_data
from keras_stprivacy.benchmark.embedded_tags import with_tags
from keras_stprivacy.benchmark.matching import with_test_of
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.run import run
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.sweeps import ablations, deployment
from keras_stprivacy.benchmark.system_names import KNOWN, PAPER
from keras_stprivacy.benchmark.variant import system_variants
from keras_stprivacy.data import MotionDigits

Progress = Callable[[str], None]


def known(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Known actions: systems learn, and are attacked, on the same dataset (the paper's Table 1).

    Args:
        data: `"motion-digits"`, or a directory of records with the splits "train" and "test".
        out: folder for cells and trained systems; a run that was broken off goes on there.
        systems: names, see `keras_stprivacy.baselines.systems`; None: those of the paper, the
            paper's own recipe of STPrivacy and its halves. Raw clips are always measured.
        settings: seeds, attackers and the like; None: `Settings()`.
        progress: called with a line about every cell.

    Returns:
        The report.

    Raises:
        ValueError: for unknown systems, or data that does not fit.
    """
    settings = settings or Settings()
    loaded = load_data(data, settings)
    variants = system_variants(systems or KNOWN, settings.system_settings)
    return run(Plan("known", variants, loaded, loaded, settings), out, progress)


def unseen(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    to: str | os.PathLike | None = None,
) -> BenchmarkReport:
    """Unseen actions: systems learn on one dataset and are attacked on another (Table 2).

    Args:
        data: see `known`; what systems learn from.
        out: see `known`.
        systems: see `known`.
        settings: see `known`.
        progress: see `known`.
        to: likewise, what attackers learn from and are tested on; None: systems learn from the
            first half of the actions of `data`, and attackers get the others.

    Returns:
        The report.

    Raises:
        ValueError: as `known`.
    """
    settings = settings or Settings()
    first = load_data(data, settings)
    if to is None:
        half = len(first.class_names) // 2
        learned, attacked = (
            actions_between(first, 0, half),
            actions_between(first, half, len(first.class_names)),
        )
        notes = (
            f"systems learned from clips of {half} actions ({', '.join(learned.class_names[:8])}); "
            "attackers had clips of the others",
        )
    else:
        learned, attacked = first, load_data(to, settings.of_other_data)
        notes = (f"systems learned from {learned.name}; attackers had {attacked.name}",)
    variants = system_variants(systems or PAPER, settings.system_settings)
    plan = Plan("unseen", variants, learned, attacked, settings, notes=notes)
    return run(plan, out, progress)


def frames(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    to: str | os.PathLike | None = None,
) -> BenchmarkReport:
    """Single frames: attributes are read from frames by a frame attacker (PA-HMDB51, Table 3).

    The frame attacker learns from every frame the labels of its clip. It is tested on frames that
    were annotated one by one; where the test has no such labels, those of its clip stand for them.

    Args:
        data: see `known`; what systems and attackers learn from.
        out: see `known`.
        systems: see `known`.
        settings: see `known`; the attackers are the first of them, for the action, and "frame".
        progress: see `known`.
        to: records whose test split is tested on, such as PA-HMDB51's; None: that of `data`.

    Returns:
        The report.

    Raises:
        ValueError: as `known`, and if `to` has other actions or attributes.
    """
    settings = settings or Settings()
    readers = tuple(dict.fromkeys((settings.attackers[0], "frame")))
    settings = dataclasses.replace(settings, attackers=readers)
    learned = load_data(data, settings)
    attacked = learned
    notes: tuple[str, ...] = ("attributes were read from single frames",)
    if to is not None:
        other = load_data(to, settings.of_other_data, splits=("test",))
        attacked = with_test_of(learned, other)
        notes = (*notes, f"learned on {learned.name}, tested on {attacked.name}")
    if isinstance(attacked.test, MotionDigits):
        notes = (*notes, "an attribute of a clip of this dataset is one of all its frames")
    elif not attacked.frame_labels:
        notes = (*notes, "the test has no labels of frames: those of its clip stand for each")
    variants = system_variants(systems or PAPER, settings.system_settings)
    plan = Plan("frames", variants, learned, attacked, settings, True, notes)
    return run(plan, out, progress)


def fapder(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Facial attributes and expressions (CelebV-HQ, Table 4): the action is the expression.

    Without blackening, which leaves nothing of a clip that shows a face alone.

    Args:
        data: see `known`.
        out: see `known`.
        systems: see `known`.
        settings: see `known`.
        progress: see `known`.

    Returns:
        The report.

    Raises:
        ValueError: as `known`.
    """
    settings = settings or Settings()
    loaded = load_data(data, settings)
    names = systems or tuple(name for name in PAPER if name != "blacken")
    variants = system_variants(names, settings.system_settings)
    return run(Plan("fapder", variants, loaded, loaded, settings), out, progress)


def ospar(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
) -> BenchmarkReport:
    """Objects and scenes as privacy, several actions a clip (P-HVU, Table 5): cMAP of all three.

    Systems and attackers learn all actions of a clip, by binary cross-entropy.

    Args:
        data: see `known`; records with several actions, or `"motion-digits"`, whose clips then
            have the kind of motion as a second action, and attributes of object and of scene.
        out: see `known`.
        systems: see `known`.
        settings: see `known`.
        progress: see `known`.

    Returns:
        The report.

    Raises:
        ValueError: as `known`, and if the data has one action a clip.
    """
    settings = settings or Settings()
    loaded = load_data(data, settings)
    if isinstance(loaded.train, MotionDigits):
        loaded = with_tags(loaded)
    if not loaded.multi_label:
        raise ValueError(
            f"OSPAR needs clips with several actions, such as P-HVU's. {loaded.name} has one a "
            "clip: use the protocol 'known'."
        )
    variants = system_variants(systems or PAPER, settings.system_settings)
    return run(Plan("ospar", variants, loaded, loaded, settings), out, progress)


PROTOCOLS: dict[str, Callable[..., BenchmarkReport]] = {
    protocol.__name__: protocol
    for protocol in (known, unseen, frames, fapder, ospar, ablations, deployment)
}
