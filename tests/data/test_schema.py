import re
import subprocess
import sys

import pytest

from keras_stprivacy.data import schema

pytestmark = pytest.mark.any_backend


def test_shard_names():
    assert schema.shard_name("train", 3, 12) == "train-00003-of-00012.tfrecord"


def test_every_key_of_the_format_is_here(shared_dir):
    text = (shared_dir / "spec" / "data.md").read_text(encoding="utf-8")
    table = [line.split("|")[1] for line in text.splitlines() if line.startswith("| ")][1:]
    specified = set()
    for cell in table:
        prefix, braces, rest = cell.strip().partition("{")
        if braces:
            specified |= {prefix + name for name in rest.rstrip("}").split(",")}
        else:
            specified |= {name.strip() for name in re.split(r",\s", cell.strip())}
    specified = {name.removesuffix("…") for name in specified}
    ours = {
        value
        for name, value in vars(schema).items()
        if name.isupper() and isinstance(value, str) and "/" in value
    }

    # Specified by MediaSequence; there what a clip was cut from has no other place.
    assert ours - {schema.MEDIA_ID} == specified


def test_importing_the_package_imports_neither_tensorflow_nor_a_decoder():
    program = (
        "import sys, keras_stprivacy.data, tfrecords_tools.source\n"
        "import keras_stprivacy as stp; stp.data.motion_digits\n"
        "sys.exit(any(name in sys.modules for name in ('tensorflow', 'jax', 'torch')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
    program = "import sys, keras_stprivacy.data; sys.exit('av' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_names_that_are_not_there_are_an_attribute_error():
    import keras_stprivacy.data

    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = keras_stprivacy.data.nothing
    assert "clip_dataset" in dir(keras_stprivacy.data)


def test_the_function_motion_digits_is_not_hidden_by_its_module():
    import keras_stprivacy.data
    import keras_stprivacy.data.motion_digits

    assert callable(keras_stprivacy.data.motion_digits)
