"""What stands in for networks and systems that take long."""

import types

from keras_stprivacy import baselines
from keras_stprivacy.benchmark import cell_run
from keras_stprivacy.models.presets import PRESETS

# Attackers of one layer: what takes long is to compile them.
SMALL = {"num_layers": 1, "hidden_dim": 24, "num_heads": 2}
ATTACKERS = PRESETS["motion_digits_8x32"]["recognizer"]


def make_attackers_small(monkeypatch):
    for name, value in SMALL.items():
        monkeypatch.setitem(ATTACKERS, name, value)


def learn_nothing(monkeypatch):
    """Systems learn nothing; returns which clips they are given, training and validation."""
    given = []
    system = types.SimpleNamespace(
        learns=True,
        fit=lambda data, validation, **_: given.append((data, validation)),
        save=lambda folder: folder.mkdir(parents=True, exist_ok=True),
    )

    def build(*arguments, **settings):
        real = baselines.build(*arguments, **settings)
        system.batch_size, system.augments = real.batch_size, real.augments
        return system

    monkeypatch.setattr(cell_run, "build", build)
    monkeypatch.setattr(cell_run, "System", types.SimpleNamespace(load=lambda folder: system))
    return given
