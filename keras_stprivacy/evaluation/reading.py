"""Reads the training split: transforms every clip and keeps it."""

import numpy as np

from keras_stprivacy.evaluation.clip_store import ClipStore
from keras_stprivacy.evaluation.digests import digest
from keras_stprivacy.evaluation.eight_bit import EightBitTransform, to_eight_bit
from keras_stprivacy.evaluation.labels import TrainLabels
from keras_stprivacy.evaluation.progress import Stages
from keras_stprivacy.evaluation.sources import Source


def read_train(
    source: Source,
    stores: dict[str, ClipStore],
    transform: EightBitTransform,
    passes: int,
    stages: Stages,
) -> tuple[TrainLabels, set[bytes], np.ndarray]:
    """Reads the training split, fills the stores, and remembers which clips it has seen.

    Args:
        source: the training split.
        stores: "anonymized", and "raw" if needed -> where the clips go; closed afterwards.
        transform: gives out the system's clips.
        passes: how often the split is read.
        stages: measures the time.

    Returns:
        The labels, without names; digests of all raw clips; and their mean (T, H, W, 3), 0 to 255.

    Raises:
        ValueError: if the split is not as it must be.
    """
    action, privacy, video = [], [], []
    seen: set[bytes] = set()
    total = np.zeros(source.clip_shape, "float64")
    with stages.stage("transform train", passes * len(source) or None) as advance:
        for _ in range(passes):
            read = 0
            for batch in source.batches():
                # Every view of a training video is a clip of its own.
                views = batch.clips.shape[1]
                clips = batch.clips.reshape(-1, *batch.clips.shape[2:])
                pixels = to_eight_bit(clips)
                seen.update(digest(clip) for clip in pixels)
                total += pixels.sum(axis=0, dtype="float64")
                if "raw" in stores:
                    stores["raw"].append(pixels)
                boxes = batch.boxes
                if boxes is not None:
                    boxes = boxes.reshape(-1, *boxes.shape[2:])
                stores["anonymized"].append(*transform(clips, boxes))
                action.append(np.repeat(batch.action, views, axis=0))
                privacy.append(np.repeat(batch.privacy, views, axis=0))
                video.append(read + np.repeat(np.arange(len(batch.action)), views))
                read += len(batch.action)
                if privacy[-1].shape[1] != privacy[0].shape[1]:
                    raise ValueError(
                        "every batch of train must have the same attributes. Received: "
                        f"{privacy[0].shape[1]} and {privacy[-1].shape[1]}"
                    )
                advance(len(batch.action))
    for store in stores.values():
        store.close()
    labels = TrainLabels(
        np.concatenate(action), np.concatenate(privacy), (), (), np.concatenate(video)
    )
    return labels, seen, (total / len(labels.action)).astype("float32")
