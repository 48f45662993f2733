"""The example trains by the recipe that hides, unless it is told otherwise."""

import dataclasses
import importlib.util
import sys
from pathlib import Path

import pytest

import keras_stprivacy as stp

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[2]


def load(path):
    spec = importlib.util.spec_from_file_location(f"loaded_{path.stem}", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def example():
    return load(ROOT / "examples" / "train_folder.py")


def test_the_recipes_are_those_of_the_two_systems(example):
    """Whatever the publication's system sets otherwise than ours is handed on by the example."""
    (priced, _), (paper, _) = example.RECIPES["priced"], example.RECIPES["paper"]
    assert (priced, paper) == (stp.baselines.STPrivacy, stp.baselines.STPrivacyPaper)
    defaults = [{f.name: f.default for f in dataclasses.fields(kind)} for kind in (priced, paper)]
    changed = {name for name, value in defaults[0].items() if defaults[1][name] is not value}
    of_example = {*example.OF_ANONYMIZER, *example.OF_PHASE}
    assert changed - {"clip_norm"} <= of_example
    assert {"mask_information_weight", "bottleneck_bits", "privacy_objective"} <= changed
    assert priced.mask_information_weight > 0 == paper.mask_information_weight


def test_the_help_says_which_recipe_and_why(example, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_folder.py", "--help"])
    with pytest.raises(SystemExit):
        example.main()
    text = " ".join(capsys.readouterr().out.split())
    assert "--recipe {priced,paper}" in text
    assert "(the default), which on the embedded dataset hides from fresh attackers too" in text
