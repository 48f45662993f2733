import io
import os
import pickle

import numpy as np
import pytest

from keras_stprivacy.data.errors import LabelFileError
from tfrecords_tools.datasets.privacy_labels import PrivacyLabels
from tfrecords_tools.datasets.restricted_pickle import load_integer_arrays

pytestmark = pytest.mark.any_backend

LABELS = {
    "wave/a!(b)_0.mp4": np.array([[1, 0, 1, 0, 0]]),
    "wave/b.mp4": np.array([[0, 0, 0, 0, 1]]),
}


def write(tmp_path, content, protocol=4):
    path = tmp_path / "labels.pickle"
    path.write_bytes(content if isinstance(content, bytes) else pickle.dumps(content, protocol))
    return path


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_arrays_read_back_whatever_the_protocol(tmp_path, protocol):
    arrays = load_integer_arrays(write(tmp_path, LABELS, protocol))
    assert arrays.keys() == LABELS.keys()
    for name, array in LABELS.items():
        np.testing.assert_array_equal(arrays[name], array)


@pytest.mark.parametrize("protocol", [4, 5])
def test_shapes_orders_and_types_are_kept(tmp_path, protocol):
    content = {
        "fortran": np.asfortranarray(np.arange(6).reshape(2, 3)),
        "big": np.arange(3).astype(">i4"),
        "bool": np.array([True, False]),
        "none": np.zeros((0, 5), "u1"),
    }
    arrays = load_integer_arrays(write(tmp_path, content, protocol))
    for name, array in content.items():
        np.testing.assert_array_equal(arrays[name], array)
        assert arrays[name].dtype == array.dtype


@pytest.mark.parametrize("module", [b"numpy.core.multiarray", b"numpy._core.multiarray"])
def test_both_names_of_the_numpy_module_are_known(tmp_path, module):
    ours = pickle.dumps(LABELS, 3)
    for name in (b"numpy.core.multiarray", b"numpy._core.multiarray"):
        ours = ours.replace(b"c" + name + b"\n", b"c" + module + b"\n")
    assert module in ours
    assert len(load_integer_arrays(write(tmp_path, ours))) == 2


def test_the_published_labels_join_completely(shared_dir):
    folder = shared_dir / "testdata" / "stprivacy"
    hmdb51 = PrivacyLabels(folder / "hmdb51_privacy_attribute_label.pickle")
    ucf101 = PrivacyLabels(folder / "ucf101_privacy_attribute_label.pickle")
    assert (len(hmdb51), len(ucf101)) == (6766, 13320)
    values = np.array(list(hmdb51._labels.values()))
    np.testing.assert_allclose(values.mean(0), [0.903, 0.620, 0.916, 0.268, 0.212], atol=1e-3)

    lists = shared_dir / "testdata" / "ucf101" / "ucfTrainTestlist"
    videos = [
        line.split()[0]
        for name in ("trainlist01.txt", "testlist01.txt")
        for line in (lists / name).read_text().splitlines()
    ]
    assert len(videos) == 13320
    assert all(ucf101.find(video) is not None for video in videos)
    for path in (shared_dir / "testdata" / "hmdb51" / "testTrainMulti_7030_splits").iterdir():
        action = path.name.split("_test_split")[0]
        for line in path.read_text().splitlines():
            assert hmdb51.find(f"{action}/{line.split()[0]}") is not None


def test_labels_are_found_by_class_and_stem(tmp_path):
    labels = PrivacyLabels(write(tmp_path, LABELS))
    assert labels.find("wave/a!(b)_0.avi") == (1, 0, 1, 0, 0)
    assert labels.find("wave/b") == (0, 0, 0, 0, 1)
    assert labels.find("jump/b.avi") is None


class Runs:
    def __init__(self, call, *arguments):
        self.made_by = (call, arguments)

    def __reduce__(self):
        return self.made_by


@pytest.mark.parametrize(
    "hostile",
    [
        lambda trap: {"a": Runs(os.system, f"touch {trap}")},
        lambda trap: {"a": Runs(eval, f"open({str(trap)!r}, 'w')")},
        lambda trap: {"a": np.array([Runs(os.system, f"touch {trap}")], dtype=object)},
        lambda trap: Runs(exec, f"open({str(trap)!r}, 'w')"),
        lambda trap: {Runs(os.mkdir, str(trap)): 1},
        lambda trap: {"a": Runs(np.load, str(trap))},
        lambda trap: {"a": Runs(getattr, np, "save")},
    ],
)
@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
def test_a_hostile_pickle_is_refused_without_running_anything(tmp_path, hostile, protocol):
    trap = tmp_path / "trap"
    try:
        path = write(tmp_path, hostile(trap), protocol)
    except TypeError:  # modules cannot be pickled by value: name them by hand
        path = write(tmp_path, b"cnumpy\nsave\n.")
    with pytest.raises(LabelFileError, match=r"is refused: it holds"):
        load_integer_arrays(path)
    assert not trap.exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"not a pickle",
        b"\x80\x04.",
        b"\x80\x04K\x01.",
        pickle.dumps([1]),
        pickle.dumps({"a": 1}),
        pickle.dumps({1: np.array([1])}),
        pickle.dumps({"a": np.array([1.5])}),
        pickle.dumps({"a": np.array(["text"])}),
        pickle.dumps(LABELS)[:-20],
        b"\x80\x04\x8c\x05numpy\x8c\x07ndarray\x93K\x01\x85R.",
        b"\x80\x02}r\xff\xff\xff\x7f.",
        b"\x80\x04]\x94h\x00.",
    ],
)
def test_what_is_no_dict_of_arrays_is_refused(tmp_path, content):
    with pytest.raises(LabelFileError):
        load_integer_arrays(write(tmp_path, content))


@pytest.mark.parametrize("memo", [(b"\x94", b"\x94"), (b"q\x00", b"q%c")])
def test_tuples_of_the_same_tuples_are_refused_before_they_are_hashed(tmp_path, memo):
    first, later = memo
    content = b"\x80\x04}K\x01\x85" + first
    for depth in range(60):  # 2 ** 60 steps to hash
        place = bytes([depth])
        content += b"h" + place + b"h" + place + b"\x86"
        content += later % (depth + 1) if b"%" in later else later
    path = write(tmp_path, content + b"K\x01s.")
    with pytest.raises(LabelFileError, match=r"is refused: it holds a tuple that is used twice"):
        load_integer_arrays(path)


def test_sizes_that_do_not_fit_the_bytes_are_refused(tmp_path):
    stream = io.BytesIO(pickle.dumps({"a": np.arange(4, dtype="i8")}, 4))
    data = stream.read().replace(b"K\x04\x85", b"K\x09\x85")
    with pytest.raises(LabelFileError):
        load_integer_arrays(write(tmp_path, data))


def test_bytes_that_are_referred_to_often_are_stored_once(tmp_path):
    """Half a megabyte that would be fifty gigabytes if every array had a copy."""
    entries = []
    for i in range(100_000):
        make = b"h\x00" if i else b"cnumpy.core.numeric\n_frombuffer\nq\x00"
        size = (500_000).to_bytes(8, "little")
        raw = b"h\x01" if i else b"\x96" + size + bytes(500_000) + b"q\x01"
        i1 = b"h\x02" if i else b"cnumpy\ndtype\n(X\x02\x00\x00\x00i1I0\nI1\ntRq\x02"
        name = str(i).encode()
        entries.append(
            b"X"
            + len(name).to_bytes(4, "little")
            + name
            + make
            + b"("
            + raw
            + i1
            + b"(I1\nI500000\ntX\x01\x00\x00\x00CtR"
        )
    arrays = load_integer_arrays(write(tmp_path, b"\x80\x05}(" + b"".join(entries) + b"u."))
    assert len(arrays) == 100_000
    assert arrays["0"].shape == arrays["99999"].shape == (1, 500_000)
    assert not arrays["7"].flags.writeable


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.array([[1, 0, 1]]), r"'x/y.mp4' must have 5 numbers"),
        (np.array([[1, 0, 1, 2, 0]]), r"each 0 or 1. Received: \(1, 0, 1, 2, 0\)"),
    ],
)
def test_labels_outside_of_the_attributes_are_refused(tmp_path, array, message):
    with pytest.raises(LabelFileError, match=message):
        PrivacyLabels(write(tmp_path, {"x/y.mp4": array}))


def test_two_labels_of_one_video_are_refused(tmp_path):
    content = {"x/y.mp4": np.array([[1, 0, 1, 0, 0]]), "x/y.avi": np.array([[0, 0, 1, 0, 0]])}
    with pytest.raises(LabelFileError, match=r"'x/y' has two different labels"):
        PrivacyLabels(write(tmp_path, content))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(LabelFileError, match=r"gone.pickle cannot be read: No such file"):
        PrivacyLabels(tmp_path / "gone.pickle")
