"""TensorFlow reads from our bytes what it would have written."""

import io

import hypothesis
import pytest
from hypothesis import strategies as st

from tfrecords_tools.frame_store import FrameStore
from tfrecords_tools.record_writer import RecordWriter
from tfrecords_tools.wire import (
    SequenceExample,
    bytes_feature,
    float_feature,
    int_feature,
    text_feature,
)

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

INT64 = st.integers(-(2**63), 2**63 - 1)
FLOAT32 = st.floats(width=32, allow_nan=False)


def theirs(values):
    if all(isinstance(value, bytes) for value in values) and values:
        return tf.train.Feature(bytes_list=tf.train.BytesList(value=values))
    if all(isinstance(value, int) for value in values):
        return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
    return tf.train.Feature(float_list=tf.train.FloatList(value=values))


def ours(values):
    if all(isinstance(value, bytes) for value in values) and values:
        return bytes_feature(*values)
    if all(isinstance(value, int) for value in values):
        return int_feature(*values)
    return float_feature(*values)


VALUES = st.one_of(
    st.lists(st.binary(max_size=200), max_size=3),
    st.lists(INT64, max_size=3),
    st.lists(FLOAT32, max_size=3),
)
KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@hypothesis.settings(max_examples=200, deadline=None)
@hypothesis.given(
    context=st.dictionaries(KEYS, VALUES, max_size=4),
    lists=st.dictionaries(KEYS, st.lists(VALUES, max_size=3), max_size=3),
    frames=st.dictionaries(KEYS, st.lists(st.binary(max_size=300), max_size=4), max_size=1),
)
def test_any_example(context, lists, frames):
    lists = {key: value for key, value in lists.items() if key not in frames}
    example = tf.train.SequenceExample()
    for key, values in context.items():
        example.context.feature[key].CopyFrom(theirs(values))
    for key, features in lists.items():
        example.feature_lists.feature_list[key].feature.extend(map(theirs, features))
    stores = {}
    for key, images in frames.items():
        example.feature_lists.feature_list[key].feature.extend(theirs([i]) for i in images)
        stores[key] = FrameStore(io.BytesIO())
        for image in images:
            stores[key].add(image)
    record = SequenceExample(
        {key: ours(values) for key, values in context.items()},
        {key: [ours(values) for values in features] for key, features in lists.items()},
        stores,
    )
    data = b"".join(record.pieces())
    assert len(record) == len(data)
    assert tf.train.SequenceExample.FromString(data) == example


def test_the_file_is_tensorflows(tmp_path):
    record = SequenceExample({"text": text_feature("é", "")}, {"n": [int_feature(7)]}, {})
    with (tmp_path / "ours").open("wb") as file:
        writer = RecordWriter(file)
        for _ in range(3):
            writer.write(record)
    with tf.io.TFRecordWriter(str(tmp_path / "theirs")) as file:
        for _ in range(3):
            file.write(b"".join(record.pieces()))
    data = (tmp_path / "ours").read_bytes()
    assert data == (tmp_path / "theirs").read_bytes()
    assert writer.bytes == len(data)


def test_a_temporary_file_that_was_cut_is_noticed():
    store = FrameStore(io.BytesIO(b"abc"), [2, 2])
    with pytest.raises(OSError, match="shorter than what was written"):
        list(store)
