"""The work of phase 3: clips are transformed, attackers trained, and test videos read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import numpy as np

from keras_stprivacy.evaluation.attack_result import AttackResult
from keras_stprivacy.evaluation.attackers import (
    ATTACKERS,
    RECONSTRUCTION,
    Attacker,
    FrameAttacker,
    make_attacker,
)
from keras_stprivacy.evaluation.attackers.reconstruction import ReconstructionAttacker
from keras_stprivacy.evaluation.attackers.training import Training
from keras_stprivacy.evaluation.attackers.transformer_arguments import (
    built_by_size,
    transformer_arguments,
)
from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.eight_bit import EightBitTransform
from keras_stprivacy.evaluation.labels import TrainLabels, check_classes, named
from keras_stprivacy.evaluation.notes import network_notes
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.reading import read_train
from keras_stprivacy.evaluation.sources import Source
from keras_stprivacy.evaluation.testing import read_test
from keras_stprivacy.models import Recognizer
from keras_stprivacy.training.release_graphs import release_graphs

_LEAST_HELD_OUT = 8  # fewer videos say nothing about which attacker is the strongest


@dataclasses.dataclass
class Attack:
    """Fresh attackers against the clips that one system gives out, and against raw clips.

    Attributes:
        target: the network of the system, or the system: attackers take its `clip_shape`, its
            `grid_shape` and, where they are not told otherwise, its size.
        transform: gives out the system's clips.
        training: of every attacker.
        attackers: names; the first reads actions too.
        raw: whether to attack raw clips as well.
        attacker: network of the video transformers, see `VideoTransformerAttacker`.
        attacker_weights: their start weights.
        batch_size: clips in a step.
        seed: of weights and order.
        train_passes: how often the training split is read.
        held_out: share of the training videos that attackers are chosen on, where there are
            several; they do not learn from these.
        num_candidates: how many attackers there are to choose among, where another attack of this
            comparison has more of them; None: as many as here. It decides whether videos are held
            out.
        frame_level: whether attributes are tested frame by frame.
        recognizers: task -> attacker trained on raw clips before, to read rebuilt clips where raw
            clips are not attacked here.
        figure_clips: test clips to keep for the picture.
        memory_limit: bytes of training clips to keep in memory.
        jit_compile: see `keras.Model.compile`.
    """

    target: Any
    transform: EightBitTransform
    training: Training
    attackers: tuple[str, ...] = ("video_transformer",)
    raw: bool = True
    attacker: Any = None
    attacker_weights: Any = None
    batch_size: int = 32
    seed: int = 0
    train_passes: int = 1
    held_out: float = 0.1
    num_candidates: int | None = None
    frame_level: bool = False
    recognizers: dict[str, Attacker] = dataclasses.field(default_factory=dict)
    figure_clips: int = 4
    memory_limit: int = 2 << 30
    jit_compile: bool | str = "auto"

    def run(
        self,
        train: Source,
        test: Source,
        class_names: Any,
        attribute_names: Any,
        folder: str,
        stages: Stages,
    ) -> AttackResult:
        """Reads both splits and trains every attacker.

        Args:
            train: the training split.
            test: the test split.
            class_names: of the actions, or None.
            attribute_names: of the attributes, or None.
            folder: an existing one for clips that memory does not hold.
            stages: measures the time.

        Returns:
            What the attackers said.

        Raises:
            ValueError: as `evaluate`.
            FloatingPointError: if the system or an attacker returns NaN.
        """
        train.first()
        first = test.first()
        rebuilds = RECONSTRUCTION in self.attackers
        kinds = ("raw", "anonymized") if self.raw else ("anonymized",)
        kept = ("raw", "anonymized") if self.raw or rebuilds else kinds
        stores = {
            kind: ClipStore(train.clip_shape, self.memory_limit // len(kept), folder, kind)
            for kind in kept
        }
        labels, seen, mean_clip = read_train(
            train, stores, self.transform, self.train_passes, stages
        )
        labels = named(labels, class_names, attribute_names)
        check_classes(*(test.labels() or (first.action, first.privacy)), labels)
        trained: dict[str, Attacker] = {}
        main = FrameAttacker.name if self.frame_level else self.attackers[0]
        result = AttackResult(labels, trained, main)
        learn, hold = self._split(labels, result, train.in_memory)
        result.num_kept = self._num_kept(stores["anonymized"])
        try:
            for kind in kinds:
                self._train(kind, stores[kind], labels, learn, hold, result, stages)
            decoder = self._train_decoder(stores, learn, result, stages) if rebuilds else None
        finally:
            release_graphs()
        result.notes.extend(self._notes_on_size(trained, rebuilds))
        if decoder is not None:
            result.recognizers = {
                task: trained.get(f"raw/{task}") or self.recognizers.get(task)
                for task in ("action", "privacy")
            }
            reader = result.recognizers["privacy"]
            if reader is not None and hold is not None:
                parts = self._parts(stores["anonymized"], hold)
                said = [reader.predict(decoder.rebuild(clips)) for clips, _ in parts]
                result.held_out["rebuilt/privacy"] = np.concatenate(said)
        result.test = read_test(
            test,
            self.transform,
            trained,
            labels,
            seen,
            self.figure_clips,
            stages,
            frame_level=self.frame_level,
            decoder=decoder,
            recognizers={k: v for k, v in result.recognizers.items() if v is not None},
            mean_clip=mean_clip,
            grid_shape=getattr(self.target, "grid_shape", None),
        )
        result.spilled = [kind for kind, store in stores.items() if store.spilled]
        return result

    def _train_decoder(
        self,
        stores: dict[str, ClipStore],
        learn: np.ndarray | None,
        result: AttackResult,
        stages: Stages,
    ) -> ReconstructionAttacker:
        decoder = ReconstructionAttacker(
            self.target, self.attacker, self.seed, self.batch_size, self.jit_compile
        )
        # Its steps take the longest by far, and it learns from every pixel.
        half = dataclasses.replace(self.training, epochs=-(-self.training.epochs // 2))
        with stages.stage("train reconstruction", half.epochs) as advance:
            result.history[RECONSTRUCTION] = decoder.fit(
                stores["anonymized"], stores["raw"], half, learn, advance
            )
        return decoder

    def _train(
        self,
        kind: str,
        store: ClipStore,
        labels: TrainLabels,
        learn: np.ndarray | None,
        hold: np.ndarray | None,
        result: AttackResult,
        stages: Stages,
    ) -> None:
        """Trains all attackers of raw or of anonymized clips."""
        main = self.attackers[0]
        has_mask = store.decision_mask is not None
        for number, name in enumerate(self.attackers):
            if name == RECONSTRUCTION:
                continue
            if self.frame_level and name not in (main, FrameAttacker.name):
                result.skipped[name] = (
                    f"attributes are tested frame by frame, by {FrameAttacker.name!r} alone"
                )
                continue
            if ATTACKERS[name].needs_mask and not has_mask:
                if kind == "anonymized":
                    result.skipped[name] = "there is no decision mask to see"
                continue
            action = "actions" if labels.multi_label else "action"
            for task, place in ((action, 0), ("privacy", 1)):
                reads_action = task != "privacy"
                if reads_action and name != main:
                    continue
                if not reads_action and self.frame_level and name != FrameAttacker.name:
                    continue
                key = f"{kind}/{'action' if reads_action else 'privacy'}"
                key = key if name == main or self.frame_level else f"{key}/{name}"
                attacker = make_attacker(
                    name,
                    task,
                    len(labels.class_names if reads_action else labels.attribute_names),
                    self.target,
                    self.attacker,
                    self.attacker_weights,
                    num_kept=result.num_kept if kind == "anonymized" else None,
                    seed=self.seed + 2 * number + place,
                    batch_size=self.batch_size,
                    jit_compile=self.jit_compile,
                )
                with stages.stage(f"train {key}", self.training.epochs) as advance:
                    result.history[key] = attacker.fit(
                        store,
                        labels.action if reads_action else labels.privacy,
                        self.training,
                        learn,
                        on_epoch_end=advance,
                    )
                result.attackers[key] = attacker
                if hold is not None and not reads_action:
                    parts = self._parts(store, hold)
                    said = [attacker.predict(clips, mask) for clips, mask in parts]
                    result.held_out[key] = np.concatenate(said)
        if hold is not None:
            result.held_out_labels = labels.privacy[hold]

    def _parts(
        self, store: ClipStore, rows: np.ndarray
    ) -> Iterator[tuple[np.ndarray, np.ndarray | None]]:
        """Clips and masks of these rows, as many at a time as attackers read at once."""
        for start in range(0, len(rows), self.batch_size):
            part = rows[start : start + self.batch_size]
            mask = None if store.decision_mask is None else store.decision_mask[part]
            yield store.clips[part], mask

    def _notes_on_size(self, trained: dict[str, Attacker], rebuilds: bool) -> list[str]:
        """What network the video transformers were, where the size of the clips decided it."""
        if not built_by_size(self.target):
            return []
        names = []
        if self.attacker is None:
            readers = {one.name for one in trained.values() if isinstance(one.model, Recognizer)}
            names = [name for name in self.attackers if name in readers]
        if rebuilds and (self.attacker is None or callable(self.attacker)):
            names.append(RECONSTRUCTION)
        if not names:  # for others the clips may be of any size
            return []
        arguments = transformer_arguments(None, self.target)
        return network_notes(names, self.target.clip_shape, arguments)

    def _split(
        self, labels: TrainLabels, result: AttackResult, in_memory: bool
    ) -> tuple[np.ndarray | None, np.ndarray | None]:
        """Places of the clips to learn from and to choose on; all, and none, with one attacker."""
        candidates = len(self.attackers) if self.num_candidates is None else self.num_candidates
        videos = int(labels.video.max()) + 1
        count = round(self.held_out * videos)
        if self.frame_level or candidates < 2:
            return None, None
        if self.train_passes > 1 and not in_memory:
            result.notes.append(
                f"with train_passes={self.train_passes} of batches that may come in another order "
                "each time, no videos can be held out to choose the strongest attacker on: "
                f"{result.main} stands for it"
            )
            return None, None
        if count < _LEAST_HELD_OUT:
            result.notes.append(
                f"{videos} training videos are too few to hold some out and choose the strongest "
                f"attacker on them: {result.main} stands for it"
            )
            return None, None
        chosen = np.random.default_rng(self.seed).permutation(videos)[:count]
        held = np.isin(labels.video, chosen)
        return np.flatnonzero(~held), np.flatnonzero(held)

    def _num_kept(self, store: ClipStore) -> int | None:
        """Tubelets that every mask keeps; None where masks differ in it."""
        if store.decision_mask is None:
            return None
        counts = store.decision_mask.sum(axis=1, dtype="int64")
        if hasattr(self.target, "num_kept"):
            num_kept = int(self.target.num_kept(self.transform.keep_ratio))
            if (counts != num_kept).any():
                raise ValueError(
                    f"{type(self.target).__name__}.num_kept says {num_kept} tubelets a clip, but "
                    f"its decision masks keep {int(counts.min())} to {int(counts.max())}"
                )
            return num_kept
        return int(counts[0]) if (counts == counts[0]).all() else None


def check_frame_attackers(attackers: tuple[str, ...]) -> None:
    """Checks that attackers can say something of every frame.

    Raises:
        ValueError: if one cannot.

    Example:

    >>> check_frame_attackers(("video_transformer", "frame"))
    """
    if FrameAttacker.name not in attackers:
        raise ValueError(
            "frames are tested with the attacker 'frame': name it in attackers. Received: "
            f"{attackers}"
        )
    if RECONSTRUCTION in attackers:
        raise ValueError(
            f"the attacker {RECONSTRUCTION!r} rebuilds whole clips, which are not tested frame by "
            f"frame: leave it out. Received: {attackers}"
        )
