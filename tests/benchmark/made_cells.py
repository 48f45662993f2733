"""Cells of a benchmark as a run would leave them, made up."""

import numpy as np

from keras_stprivacy.benchmark.data import BenchmarkData
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.variant import system_variants

ATTRIBUTES = ("face", "<hair>")


def made_plan(systems=("raw", "downsample_2x", "stprivacy"), seeds=2, **changes):
    """A plan whose data is never read."""
    data = BenchmarkData(
        "made", None, None, (8, 32, 32, 3), tuple(f"action {i}" for i in range(6)), ATTRIBUTES
    )
    settings = Settings.quick(seeds=seeds, bootstrap=200)
    return Plan("known", system_variants(systems), data, data, settings, **changes)


def made_cell(plan, strength, right, seed=0, count=120):
    """A cell whose attacker knows attributes with `strength`, and of actions the share `right`."""
    labels = np.random.default_rng(7)
    action = labels.integers(6, size=count)
    privacy = (labels.random((count, 2)) < [0.5, 0.3]).astype("int8")
    train = labels.integers(6, size=60), (labels.random((60, 2)) < 0.5).astype("int8")
    rng = np.random.default_rng(100 + seed)
    logit = strength * (2.0 * privacy - 1.0) + rng.normal(size=privacy.shape)
    said = np.where(rng.random(count) < right, action, (action + 1) % 6)
    frames = rng.integers(0, 255, (4, 32, 32, 3)).astype("uint8")
    return {
        "action": action.astype("int32"),
        "privacy": privacy,
        "video": np.arange(count, dtype="int32"),
        "source_video": None,
        "train_action": train[0].astype("int32"),
        "train_privacy": train[1],
        "probability": {
            "anonymized/action": np.eye(6, dtype="float32")[said],
            "anonymized/privacy": (1.0 / (1.0 + np.exp(-logit))).astype("float32"),
        },
        "quality": {},
        "strongest": {},
        "main": "video_transformer",
        "notes": [],
        "skipped": {},
        "seen_in_training": 0,
        "partly_annotated": 0,
        "kept_share": None,
        "boxes": None,
        "parameters": 1234,
        "system_settings": {"seed": seed},
        "history": {},
        "seconds": {"train system": 2.0, "test": 1.0},
        "environment": {
            "backend": "none",
            "processor": "made",
            "cpus": 2,
            "package": "p",
            "keras": "k",
            "python": "3",
        },
        "shown": [{"caption": "walk: <face>", "rows": {"raw": frames, "anonymized": frames}}],
    }


def made_cells(plan, strengths, rights):
    """Cells of every variant and seed."""
    return {
        (variant.id, seed): made_cell(plan, strength, right, seed)
        for variant, strength, right in zip(plan.variants, strengths, rights, strict=True)
        for seed in range(plan.settings.seeds)
    }
