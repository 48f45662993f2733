"""A bad model file gets a message that says what is wrong with it."""

import shutil
import zipfile

import keras
import numpy as np
import pytest
from tiny_anonymizer import HEIGHT, NUM_FRAMES, WIDTH, tiny_anonymizer

from keras_stprivacy.baselines.sparsifying_anonymizer import SparsifyingAnonymizer
from keras_stprivacy.export import saved_model
from keras_stprivacy.export.load_anonymizer import check_anonymizer, load_anonymizer
from keras_stprivacy.video import anonymize


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "anonymizer.keras"
    anonymizer = tiny_anonymizer()
    anonymizer.save(path)
    return path, anonymizer


def test_loads_what_was_saved(saved):
    path, anonymizer = saved
    clip = np.random.default_rng(1).random((1, NUM_FRAMES, HEIGHT, WIDTH, 3), dtype=np.float32)
    loaded = load_anonymizer(path)
    assert loaded.keep_ratio == 0.75
    for key in ("clip", "decision_mask"):
        expected, got = (keras.ops.convert_to_numpy(m(clip)[key]) for m in (anonymizer, loaded))
        np.testing.assert_allclose(got, expected, atol=1e-6)


@pytest.mark.any_backend
def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"no model file .*none\.keras"):
        load_anonymizer(tmp_path / "none.keras")


@pytest.mark.any_backend
def test_random_bytes(tmp_path):
    path = tmp_path / "noise.keras"
    path.write_bytes(np.random.default_rng(0).bytes(4096))
    with pytest.raises(ValueError, match=r"is not a \.keras file \(not a zip archive\)"):
        load_anonymizer(path)


@pytest.mark.any_backend
def test_a_zip_of_something_else(tmp_path):
    path = tmp_path / "other.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("letter.txt", "hello")
    with pytest.raises(ValueError, match=r"config\.json, model\.weights\.h5 is missing in it"):
        load_anonymizer(path)


@pytest.mark.any_backend
def test_a_truncated_file(saved, tmp_path):
    path = tmp_path / "cut.keras"
    path.write_bytes(saved[0].read_bytes()[:-400])
    with pytest.raises(ValueError, match=r"is not a \.keras file"):
        load_anonymizer(path)


@pytest.mark.any_backend
@pytest.mark.parametrize("member", ["config.json", "model.weights.h5"])
def test_a_damaged_member(saved, tmp_path, member):
    path = tmp_path / "damaged.keras"
    with zipfile.ZipFile(saved[0]) as source, zipfile.ZipFile(path, "w") as copy:
        for name in source.namelist():
            copy.writestr(name, b"{no" if name == member else source.read(name))
    with pytest.raises(ValueError, match=r"damaged\.keras"):
        load_anonymizer(path)


def test_flipped_bytes_inside(saved, tmp_path):
    path = tmp_path / "flipped.keras"
    content = bytearray(saved[0].read_bytes())
    for i in range(200, len(content) - 2000, 97):
        content[i] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"flipped\.keras"):
        load_anonymizer(path)


@pytest.mark.any_backend
def test_a_damaged_list_of_members(saved, tmp_path):
    path = tmp_path / "listed.keras"
    path.write_bytes(saved[0].read_bytes().replace(b"PK\1\2", b"PK\1\0"))
    with pytest.raises(ValueError, match=r"listed\.keras' is damaged.*Pass a file written by"):
        load_anonymizer(path)


def test_a_class_that_nobody_knows(saved, tmp_path):
    path = tmp_path / "unknown.keras"
    with zipfile.ZipFile(saved[0]) as source, zipfile.ZipFile(path, "w") as copy:
        for name in source.namelist():
            content = source.read(name)
            if name == "config.json":
                content = content.replace(b"keras_stprivacy", b"elsewhere")
                content = content.replace(b'"Anonymizer"', b'"Vanished"')
            copy.writestr(name, content)
    with pytest.raises(ValueError, match="could not be loaded as a Keras model"):
        load_anonymizer(path)


@pytest.mark.any_backend
def test_another_kind_of_model(tmp_path):
    path = tmp_path / "dense.keras"
    keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]).save(path)
    with pytest.raises(TypeError, match=r"must be an anonymizer.*Received: a Sequential"):
        load_anonymizer(path)


@pytest.mark.any_backend
def test_reading_leaves_the_file_alone(saved, tmp_path):
    path = shutil.copy(saved[0], tmp_path / "copy.keras")
    load_anonymizer(path)
    assert path.read_bytes() == saved[0].read_bytes()


@pytest.mark.any_backend
@pytest.mark.parametrize("as_file", [True, False])
def test_what_shows_raw_pixels_is_refused(tmp_path, as_file):
    model = SparsifyingAnonymizer.from_config(tiny_anonymizer(keep_ratio=1.0).get_config())
    if as_file:
        model.save(tmp_path / "raw.keras")
        model = tmp_path / "raw.keras"
        with pytest.raises(TypeError, match=r"raw\.keras' must rewrite.*a SparsifyingAnonymizer"):
            load_anonymizer(model)
    else:
        with pytest.raises(TypeError, match="must rewrite the pixels"):
            saved_model(model, tmp_path / "serving")
    source = tmp_path / "in.mp4"
    source.write_bytes(b"never read")
    with pytest.raises(TypeError, match="shows those that it keeps raw"):
        anonymize(source, tmp_path / "out.mp4", model)
    assert not (tmp_path / "out.mp4").exists() and not (tmp_path / "serving").exists()


@pytest.mark.any_backend
def test_models_that_say_nothing_of_rewriting_pass():
    class Other:
        clip_shape, grid_shape, keep_ratio = (1, 2, 2, 3), (1, 1, 1), 0.5

        def __call__(self, clip):
            return clip

    model = Other()
    assert check_anonymizer(model, "model") is model
