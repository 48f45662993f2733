"""Mutated records: a typed error, or a correct result; nothing else.

What is correct: the clip and labels of the record as it is now stored, read by independent means.
Mutations are of three kinds: bytes of the file (framing, checksums, payload), bytes of a record
under a good checksum, and single features of a record replaced by others.
"""

import io
import re

import hypothesis
import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import strategies as st
from PIL import Image

from keras_stprivacy.data import clip_dataset, schema
from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.framing import record_spans
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

SETTINGS = hypothesis.settings(
    max_examples=350,
    deadline=None,
    derandomize=True,  # whoever changes the parser sees the same records
    suppress_health_check=list(hypothesis.HealthCheck),
)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    entries = [
        SourceEntry(
            f"v{i}", "train", i % 2, (i % 2, 1),
            clip=np.full((3, 8, 8, 3), 60 * i + 20, "uint8"), frame_rate=10.0,
        )
        for i in range(3)
    ]  # fmt: skip
    dataset = SourceDataset("made", ("a", "b"), ("face", "hair"), None, lambda: iter(entries))
    place = tmp_path_factory.mktemp("fuzz")
    convert(dataset, place, ConversionSettings(short_side=None), workers=1)
    return place


@pytest.fixture(scope="module")
def shard(place):
    """The one shard, and its content."""
    from keras_stprivacy.data.manifest import dataset_info

    path = place / dataset_info(place).shards("train")[0].file
    return path, path.read_bytes()


@pytest.fixture(scope="module")
def read_record(place):
    """What `clip_dataset` does with a record whose checksum is right; traced once."""
    from keras_stprivacy.data.manifest import dataset_info
    from keras_stprivacy.data.pipeline_clips import evaluation_clip
    from keras_stprivacy.data.pipeline_records import record_parser

    parse = record_parser(dataset_info(place), with_source_videos=True)
    make = evaluation_clip(2, 1, (8, 8), None)

    @tf.function(input_signature=[tf.TensorSpec([], tf.string)])
    def read(record):
        return make(parse("the shard", 0, record))

    return read


def payloads(data, path):
    return [data[start : start + length] for start, length in record_spans(path)]


def check(read_record, record):
    """A typed error, or the clip and the labels that stand in the record."""
    try:
        clip, labels = read_record(record)
    except tf.errors.InvalidArgumentError as error:
        # Of frames that begin and end as a JPEG does, TensorFlow says what is wrong.
        known = r"the shard\W+record 0\W|Invalid JPEG|Incompatible shapes"
        assert re.search(known, str(error)), error
        return
    assert clip.shape == (2, 8, 8, 3)
    assert np.isfinite(clip).all() and np.min(clip) >= 0 and np.max(clip) <= 1
    assert int(labels["action"]) in (0, 1)
    assert set(labels["privacy"].numpy().tolist()) <= {0.0, 1.0}
    try:
        example = tf.train.SequenceExample.FromString(record)
    except DecodeError:  # stricter than TensorFlow with fields that nobody asks for
        return
    context = example.context.feature
    if labels["source_video"] >= 0:
        (cut_from,) = context[schema.MEDIA_ID].bytes_list.value
        assert cut_from
    assert int(labels["action"]) == context[schema.LABEL_INDEX].int64_list.value[0]
    present = context[schema.PRIVACY_INDEX].int64_list.value
    assert labels["privacy"].numpy().tolist() == [float(i in present) for i in range(2)]
    frames = example.feature_lists.feature_list[schema.IMAGE_ENCODED].feature
    first = frames[max(len(frames) - 2, 0) // 2].bytes_list.value[0]
    try:
        with Image.open(io.BytesIO(first)) as picture:
            expected = np.asarray(picture.convert("RGB"))
    except (OSError, SyntaxError):  # Pillow is stricter than TensorFlow with damaged JPEGs
        return
    if expected.shape == (8, 8, 3):  # else it was resized
        assert abs(float(np.mean(clip[0])) * 255 - expected.mean()) < 8


def test_a_good_record_is_right(shard, read_record):
    path, good = shard
    records = payloads(good, path)
    assert len(records) == 3
    for record in records:
        read_record(record)
        check(read_record, record)


@SETTINGS
@hypothesis.given(data=st.data())
def test_bytes_of_the_file(place, shard, data):
    path, good = shard
    content = bytearray(good)
    for _ in range(data.draw(st.integers(1, 3))):
        kind = data.draw(st.sampled_from(("flip", "flip", "cut", "insert", "remove", "repeat")))
        at = data.draw(st.integers(0, max(len(content) - 1, 0)))
        if kind == "flip" and content:
            content[at] ^= data.draw(st.integers(1, 255))
        elif kind == "cut":
            del content[at:]
        elif kind == "insert":
            content[at:at] = data.draw(st.binary(min_size=1, max_size=20))
        elif kind == "remove":
            del content[at : at + data.draw(st.integers(1, 200))]
        else:
            content += content[at : at + 50]
    path.write_bytes(content)
    try:
        if content == good:
            clip_dataset(place, "train", 2, 1, 8, training=False, verify=True)
            return
        with pytest.raises(ShardError, match=path.name):  # every byte is under a checksum
            clip_dataset(place, "train", 2, 1, 8, training=False, verify=True)
    finally:
        path.write_bytes(good)


@SETTINGS
@hypothesis.given(data=st.data())
def test_bytes_of_a_record_under_good_checksums(shard, read_record, data):
    record = bytearray(data.draw(st.sampled_from(payloads(shard[1], shard[0]))))
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(record) - 1, 0)))
        if data.draw(st.booleans()) and record:
            record[at] = data.draw(st.integers(0, 255))
        else:
            record[at : at + data.draw(st.integers(0, 30))] = data.draw(st.binary(max_size=30))
    check(read_record, bytes(record))


FEATURES = st.one_of(
    st.lists(st.integers(-(2**63), 2**63 - 1), max_size=3).map(
        lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v))
    ),
    st.lists(st.integers(-2, 3), max_size=3).map(
        lambda v: tf.train.Feature(int64_list=tf.train.Int64List(value=v))
    ),
    st.lists(st.binary(max_size=30), max_size=3).map(
        lambda v: tf.train.Feature(bytes_list=tf.train.BytesList(value=v))
    ),
    st.lists(st.floats(width=32), max_size=3).map(
        lambda v: tf.train.Feature(float_list=tf.train.FloatList(value=v))
    ),
    st.just(tf.train.Feature()),
)
USED = (
    schema.LABEL_INDEX, schema.PRIVACY_INDEX, schema.PRIVACY_IS_ANNOTATED, schema.IMAGE_HEIGHT,
    schema.IMAGE_WIDTH, schema.EXAMPLE_ID, schema.MEDIA_ID,
)  # fmt: skip


@SETTINGS
@hypothesis.given(
    number=st.integers(0, 2), key=st.sampled_from(USED), feature=FEATURES | st.none(),
    frames=st.none() | st.lists(FEATURES, max_size=3),
)  # fmt: skip
def test_features_of_a_record(shard, read_record, number, key, feature, frames):
    example = tf.train.SequenceExample.FromString(payloads(shard[1], shard[0])[number])
    if feature is None:
        if key in example.context.feature:
            del example.context.feature[key]
    else:
        example.context.feature[key].CopyFrom(feature)
    if frames is not None:
        changed = example.feature_lists.feature_list[schema.IMAGE_ENCODED]
        del changed.feature[len(frames) :]
        for place, other in zip(changed.feature, frames, strict=False):
            place.CopyFrom(other)
    check(read_record, example.SerializeToString())
