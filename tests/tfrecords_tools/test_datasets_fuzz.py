"""Mutated lists, tables, label files and `dataset.json`s give a typed error or a result."""

import copy
import io
import json
import pickle
import shutil

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_stprivacy.data import dataset_info
from keras_stprivacy.data.errors import (
    DatasetFormatError,
    EmptyDatasetError,
    LabelFileError,
    ShardError,
)
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert
from tfrecords_tools.datasets.celebv_hq import celebv_hq
from tfrecords_tools.datasets.csv_table import csv_table
from tfrecords_tools.datasets.hmdb51 import hmdb51
from tfrecords_tools.datasets.p_hvu import p_hvu
from tfrecords_tools.datasets.pa_hmdb51 import pa_hmdb51
from tfrecords_tools.datasets.privacy_labels import PrivacyLabels
from tfrecords_tools.datasets.restricted_pickle import load_integer_arrays
from tfrecords_tools.datasets.ucf101 import ucf101
from tfrecords_tools.inspect import inspect
from tfrecords_tools.splits import splits
from tfrecords_tools.stats import stats
from tfrecords_tools.verify import verify
from tfrecords_tools.wire_reader import parse_example

pytestmark = pytest.mark.any_backend


def fuzz(examples):
    return settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )


TEXTS = (b"", b"\0", b"\xff", b"\r\n", b"\n", b" ", b"/", b"..", b",", b'"', b"0", b"9" * 30, b"|")
JSON_TEXTS = (*TEXTS, b"null", b"true", b"-1", b"1e999", b"[]", b"{}", b"NaN", b"[" * 2000)


def changes(texts):
    """Places (in shares of the whole), numbers of bytes to cut there, and what to put instead."""
    change = st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.integers(0, 12),
        st.one_of(st.sampled_from(texts), st.binary(max_size=4)),
    )
    return st.lists(change, min_size=1, max_size=4)


def changed(content, edits):
    content = bytearray(content)
    for place, cut, text in edits:
        start = int(place * (len(content) + 1))
        content[start : start + cut] = text
    return bytes(content)


def write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def check(load):
    """Returns the entries, if there is a dataset; only `LabelFileError` may be raised."""
    try:
        dataset = load()
    except LabelFileError as error:
        assert str(error)
        return None
    entries = list(dataset)
    assert len({entry.id for entry in entries}) == len(entries)
    for entry in entries:
        actions = entry.action if isinstance(entry.action, tuple) else (entry.action,)
        assert all(0 <= action < len(dataset.class_names) for action in actions)
        if entry.attributes is not None:
            assert len(entry.attributes) == len(dataset.attribute_names)
            assert {0, 1}.issuperset(entry.attributes)
        assert not entry.file.is_absolute()
    return entries


# Lists.


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    root = tmp_path_factory.mktemp("lists")
    for name in ("HandstandPushups/v_HandStandPushups_g01_c01.avi", "Jump/v a!(b)_g02_c01.avi"):
        write(root / "UCF-101" / name, b"")
    for name in ("run/a b! (c)[d]#&+;~@.avi", "run/second_run_1.avi"):
        write(root / "videos" / name, b"")
    return root


UCF = {
    "classInd.txt": b"1 HandstandPushups\r\n2 Jump\r\n",
    "trainlist01.txt": b"HandstandPushups/v_HandStandPushups_g01_c01.avi 1\r\nJump/gone.avi 2\r\n",
    "testlist01.txt": b"Jump/v a!(b)_g02_c01.avi\r\n",
}
HMDB = b"a b! (c)[d]#&+;~@.avi 1 \nsecond_run_1.avi 2 \nthird.avi 1 \nunused.avi 0 \n"


def test_the_lists_are_good_before_they_are_changed(lists):
    for name, content in UCF.items():
        write(lists / "ucfTrainTestlist" / name, content)
    assert len(check(lambda: ucf101(lists))) == 2
    write(lists / "testTrainMulti_7030_splits" / "run_test_split1.txt", HMDB)
    assert len(check(lambda: hmdb51(lists))) == 2


@fuzz(150)
@given(st.sampled_from(sorted(UCF)), changes(TEXTS))
def test_changed_lists_of_ucf101(lists, file, edits):
    for name, content in UCF.items():
        path = lists / "ucfTrainTestlist" / name
        write(path, changed(content, edits) if name == file else content)
    check(lambda: ucf101(lists))


@fuzz(150)
@given(changes(TEXTS))
def test_changed_lists_of_hmdb51(lists, edits):
    write(lists / "testTrainMulti_7030_splits" / "run_test_split1.txt", changed(HMDB, edits))
    check(lambda: hmdb51(lists))


# Tables.

TABLE = b'path,label,split,face,hair\na/1.mp4,run,train,1,0\n"b, c.mp4","x ""y""",test,,\n'
TAGS = b"Tag,Category\nrun,action\njump,action\ntree,object\nbeach,scene\nred,attribute\n"
ROWS = b"Tags,youtube_id,time_start,time_end\nrun|tree|beach,-ab_c,1.5,3.5\njump|red,xy,0,2\n"


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    root = tmp_path_factory.mktemp("tables")
    for name in ("a/1.mp4", "b, c.mp4", "videos/-ab_c_000015_000035.mp4", "videos/xy.mp4"):
        write(root / name, b"")
    return root


def test_the_tables_are_good_before_they_are_changed(tables):
    assert len(check(lambda: csv_table(write(tables / "t.csv", TABLE)))) == 2
    write(tables / "hvu" / "tags.csv", TAGS)
    write(tables / "hvu" / "val.csv", ROWS)
    assert len(check(lambda: p_hvu(tables / "hvu", videos=tables / "videos"))) == 1


@fuzz(150)
@given(changes(TEXTS))
def test_changed_tables(tables, edits):
    path = write(tables / "t.csv", changed(TABLE, edits))
    check(lambda: csv_table(path))


@fuzz(100)
@given(st.booleans(), changes(TEXTS))
def test_changed_lists_and_tags_of_hvu(tables, of_tags, edits):
    write(tables / "hvu" / "tags.csv", changed(TAGS, edits) if of_tags else TAGS)
    write(tables / "hvu" / "val.csv", ROWS if of_tags else changed(ROWS, edits))
    check(lambda: p_hvu(tables / "hvu", videos=tables / "videos"))


# Annotations in JSON.


VALUES = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(-(10**20), 10**20),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["..", "/", "a\0b", "neutral"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def replaced(content, data, depth=0):
    """A copy in which one value, anywhere, is another one or is gone."""
    content = copy.deepcopy(content)
    here, parent, key = content, None, None
    while isinstance(here, dict | list) and here and (parent is None or data.draw(st.booleans())):
        keys = sorted(here) if isinstance(here, dict) else range(len(here))
        parent, key = here, data.draw(st.sampled_from(keys))
        here = here[key]
    if isinstance(parent, dict) and data.draw(st.integers(0, 4)) == 0:
        del parent[key]
    elif parent is not None:
        parent[key] = data.draw(VALUES)
    return content


@pytest.fixture(scope="module")
def annotated(tmp_path_factory, shared_dir):
    root = tmp_path_factory.mktemp("annotated")
    info = shared_dir / "testdata" / "celebvhq" / "celebvhq_info_sample.json"
    shutil.copy(info, root / "original.json")
    for name in json.loads(info.read_text())["clips"]:
        write(root / "35666" / f"{name}.mp4", b"")
    write(root / "videos" / "wave" / "a_wave_0.avi", b"")
    return root


@fuzz(150)
@given(st.data())
def test_changed_annotations_of_celebv_hq(annotated, data):
    path, original = annotated / "celebvhq_info.json", (annotated / "original.json").read_bytes()
    if data.draw(st.booleans()):
        write(path, changed(original, data.draw(changes(JSON_TEXTS))))
    else:
        write(path, json.dumps(replaced(json.loads(original), data)).encode())
    check(lambda: celebv_hq(annotated))


FRAMES = {
    "a_wave_0": {
        **{name: [[0, 3, 1], [2, 5, [0, 2]]] for name in ("skin_color", "face", "gender")},
        **{name: [[0, 9, 0]] for name in ("nudity", "relationship")},
        "review": 1,
    }
}


@fuzz(150)
@given(st.data())
def test_changed_annotations_of_frames(annotated, data):
    content = json.dumps(FRAMES).encode()
    if data.draw(st.booleans()):
        content = changed(content, data.draw(changes(JSON_TEXTS)))
    else:
        content = json.dumps(replaced(FRAMES, data)).encode()
    write(annotated / "PrivacyAttributes" / "wave.json", content)
    for entry in check(lambda: pa_hmdb51(annotated)) or ():
        for name in entry.frame_attributes.segments:
            binary = entry.frame_attributes.binary(name, 12)
            assert len(binary) == 12 and {0, 1}.issuperset(binary)


# Label files.


LABELS = {
    "wave/a!(b)_0.mp4": np.array([[1, 0, 1, 0, 0]]),
    "wave/b.mp4": np.array([[0, 0, 0, 0, 1]]),
}


@fuzz(400)
@given(st.integers(0, 5), changes((*TEXTS, b"c", b"R", b".", b"\x93", b"cos\nsystem\n")))
def test_changed_label_files_give_labels_or_an_error_and_run_nothing(
    tmp_path_factory, protocol, edits
):
    path = tmp_path_factory.getbasetemp() / "changed.pickle"
    path.write_bytes(changed(pickle.dumps(LABELS, protocol), edits))
    ran = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.system", ran.append)
        try:
            arrays = load_integer_arrays(path)
        except LabelFileError as error:
            assert str(path) in str(error)
        else:
            assert all(isinstance(name, str) for name in arrays)
            assert all(array.dtype.kind in "iub" for array in arrays.values())
            try:
                labels = PrivacyLabels(path)
            except LabelFileError:
                pass
            else:
                assert {len(value) for value in labels.as_dict().values()} <= {5}
    assert not ran


# dataset.json.


CLIP = np.zeros((2, 8, 8, 3), "uint8")
ENTRIES = [
    SourceEntry(f"v{i}", split, i % 2, (1, 0) if i else None, clip=CLIP + i, frame_rate=5.0)
    for i, split in enumerate(("train", "train", "test"))
]
MADE = SourceDataset("made", ("x", "y"), ("p", "q"), None, lambda: iter(ENTRIES))
PLAIN = ConversionSettings(short_side=None)


@pytest.fixture(scope="module")
def converted(tmp_path_factory):
    root = tmp_path_factory.mktemp("converted")
    convert(MADE, root, PLAIN, workers=1)
    shutil.copy(root / "dataset.json", root / "original.json")
    return root


def changed_manifest(directory, data):
    original = (directory / "original.json").read_bytes()
    if data.draw(st.integers(0, 2)) == 0:
        content = changed(original, data.draw(changes(JSON_TEXTS)))
    else:
        content = json.dumps(replaced(json.loads(original), data)).encode()
    write(directory / "dataset.json", content)


@fuzz(350)
@given(st.data())
def test_changed_dataset_json(converted, data):
    changed_manifest(converted, data)
    try:
        info = dataset_info(converted)
    except (DatasetFormatError, EmptyDatasetError) as error:
        assert str(converted) in str(error)
        return
    json.loads(info.to_json())
    report = verify(converted, workers=1)
    json.loads(report.to_json())
    assert str(report)
    # A dataset.json that differs in what records say is a fault, or the commands read it well.
    for look in (stats, splits, inspect):
        try:
            found = look(converted)
        except ShardError as error:
            assert report.faults, error
        else:
            json.loads(found.to_json())
            assert str(found)


@fuzz(100)
@given(st.data())
def test_a_conversion_over_a_changed_dataset_json_makes_it_right_again(tmp_path_factory, data):
    directory = tmp_path_factory.getbasetemp() / "again"
    if not directory.exists():
        convert(MADE, directory, PLAIN, workers=1)
        shutil.copy(directory / "dataset.json", directory / "original.json")
    changed_manifest(directory, data)
    try:
        convert(MADE, directory, PLAIN, workers=1)
    except FileExistsError as error:
        assert "holds the dataset" in str(error)
    else:
        original = (directory / "original.json").read_bytes()
        assert (directory / "dataset.json").read_bytes() == original


# Records.


@fuzz(150)
@given(changes((b"", b"\0", b"\xff" * 11, b"\x0a", b"\x80")))
def test_changed_records_parse_or_are_refused(converted, edits):
    from tfrecords_tools.stored import stored_payloads

    payload, good = next(stored_payloads(converted / "test-00000-of-00001.tfrecord"))
    assert good
    try:
        example = parse_example(changed(payload, edits))
    except ValueError as error:
        assert str(error)
    else:
        assert {kind for kind, _ in example.context.values()} <= {"", "bytes", "int64", "float"}


def test_a_pickle_that_is_large_out_of_proportion_is_refused(tmp_path):
    stream = io.BytesIO(pickle.dumps(LABELS, 4))
    path = write(tmp_path / "bomb.pickle", stream.getvalue()[:2] + b"(" * 3_000_000 + b"t.")
    with pytest.raises(LabelFileError):
        load_integer_arrays(path)
