"""What the package says that it needs is enough, and make says so where it is not there."""

import importlib.metadata
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

pytestmark = pytest.mark.any_backend

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
OLDEST = "3.11"


def test_the_oldest_python_has_what_is_required():
    """The pinned versions may be newer than the required ones, and still take this Python."""
    assert PROJECT["requires-python"] == f">={OLDEST}"
    for text in PROJECT["dependencies"]:
        name = Requirement(text).name
        needed = importlib.metadata.metadata(name)["Requires-Python"]
        assert needed is None or f"{OLDEST}.0" in SpecifierSet(needed), (name, needed)


def test_pinned_versions_are_among_the_required_ones():
    pinned = {}
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if line.strip() and not line.startswith("#"):
            requirement = Requirement(line)
            pinned[requirement.name] = requirement.specifier
    extras = PROJECT["optional-dependencies"]
    together = ("tensorflow", "jax", "torch", "weights", "beam", "dev")
    required = [*PROJECT["dependencies"], *(text for name in together for text in extras[name])]
    for text in required:
        requirement = Requirement(text)
        versions = [one.version for one in pinned[requirement.name] if one.operator == "=="]
        assert versions and versions[0] in requirement.specifier, text


@pytest.mark.parametrize("version", ["3, 10", "3, 14"])
def test_make_says_which_python_it_needs(version, tmp_path):
    if shutil.which("make") is None:
        pytest.skip("there is no make")
    # A Python of another version, as far as make can tell.
    python = tmp_path / "python"
    python.write_text(
        f"#!/bin/sh\nexec {sys.executable} -c "
        f'"import sys; sys.version_info = ({version}, 0); exec(sys.argv[1])" "$2"\n'
    )
    python.chmod(0o755)
    done = subprocess.run(
        ["make", "-f", str(ROOT / "Makefile"), "VENV=none", f"PYTHON={python}", "none/bin/python"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0 and not (tmp_path / "none").exists()
    said = "for Python 3.11 to 3.13, and .* is " + version.replace(", ", ".")
    assert re.search(said, done.stderr), done.stderr
