"""Records are read by others than us: what each asks for is written here from its documentation."""

import io

import numpy as np
import pytest
from made_clips import gray_clip
from PIL import Image

from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, convert

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

LEVELS = (10, 60, 110, 160, 210)


@pytest.fixture
def shards(tmp_path):
    """Records with every kind of feature, as file names."""
    entries = [
        SourceEntry(
            f"made/{i}", "train", i % 2, ((1, 0), (0, 0), None)[i % 3],
            clip=gray_clip(LEVELS[: 2 + i % 4], 24, 32), frame_rate=10.0,
            boxes=np.tile(np.float32([0.1, 0.2, 0.5, 0.75]), (2 + i % 4, 1)),
        )
        for i in range(6)
    ]  # fmt: skip
    dataset = SourceDataset("made", ("jump", "wave"), ("face", "hair"), None, lambda: iter(entries))
    convert(dataset, tmp_path, ConversionSettings(short_side=None, videos_per_shard=3), workers=1)
    return [str(path) for path in sorted(tmp_path.glob("*.tfrecord"))]


def test_with_nothing_but_tensorflow(shards):
    count = 0
    for data in tf.data.TFRecordDataset(shards):
        context, lists, lengths = tf.io.parse_sequence_example(
            data[None],
            {
                "clip/label/index": tf.io.FixedLenFeature([], tf.int64),
                "example/id": tf.io.FixedLenFeature([], tf.string),
                "image/height": tf.io.FixedLenFeature([], tf.int64),
                "image/width": tf.io.FixedLenFeature([], tf.int64),
            },
            {
                "image/encoded": tf.io.FixedLenSequenceFeature([], tf.string),
                "image/timestamp": tf.io.FixedLenSequenceFeature([], tf.int64),
            },
        )
        number = int(context["example/id"][0].numpy().decode().split("/")[1])
        assert int(context["clip/label/index"][0]) == number % 2
        assert int(lengths["image/encoded"][0]) == 2 + number % 4
        for level, jpeg in zip(LEVELS, lists["image/encoded"][0], strict=False):
            image = tf.io.decode_jpeg(jpeg).numpy()
            assert image.shape == (
                int(context["image/height"][0]),
                int(context["image/width"][0]),
                3,
            )
            assert abs(image.mean() - level) < 2
        assert np.all(np.diff(lists["image/timestamp"][0]) == 100_000)
        count += 1
    assert count == 6


def test_with_the_specification_of_dmvr(shards):
    """DMVR's SequenceExampleParser with the features of its `add_image` and `add_label`: encoded
    frames as a FixedLenSequenceFeature without shape, the label's index and text as VarLenFeature
    of the context; then its steps: sample (with a repeated tail), decode, one-hot encode."""
    context_spec = {
        "clip/label/index": tf.io.VarLenFeature(tf.int64),
        "clip/label/text": tf.io.VarLenFeature(tf.string),
    }
    sequence_spec = {"image/encoded": tf.io.FixedLenSequenceFeature((), tf.string)}

    def parse(raw):
        context, sequence = tf.io.parse_single_sequence_example(raw, context_spec, sequence_spec)
        return {"image": sequence["image/encoded"], "label": context["clip/label/index"],
                "text": context["clip/label/text"]}  # fmt: skip

    def sample(features):
        length = tf.shape(features["image"])[0]
        indices = tf.minimum(tf.range(4), length - 1)
        return {**features, "image": tf.gather(features["image"], indices)}

    def decode(features):
        image = tf.map_fn(
            lambda x: tf.image.decode_jpeg(x, channels=3), features["image"], tf.uint8
        )
        label = tf.sparse.to_dense(features["label"])
        return {"image": image, "label": tf.reduce_sum(tf.one_hot(label, 2), axis=0),
                "text": tf.sparse.to_dense(features["text"])}  # fmt: skip

    read = list(tf.data.TFRecordDataset(shards).map(parse).map(sample).map(decode))
    assert len(read) == 6
    for features in read:
        assert features["image"].shape == (4, 24, 32, 3)
        assert features["label"].numpy().sum() == 1
        assert features["text"].numpy()[0] == (b"jump", b"wave")[int(features["label"][1])]


def test_with_the_specification_of_the_model_garden(shards):
    """TF Model Garden's decoder of video classification (dataloaders/video_input.py):
    `image/encoded` as a FixedLenSequenceFeature and `clip/label/index` as a VarLenFeature; and the
    features of MediaSequence that its readers of boxes and names ask for, with their defaults."""
    context_spec = {
        "clip/label/index": tf.io.VarLenFeature(tf.int64),
        "clip/label/string": tf.io.VarLenFeature(tf.string),
        "clip/data_path": tf.io.FixedLenFeature((), tf.string),
        "image/format": tf.io.FixedLenFeature((), tf.string, default_value=b"jpeg"),
        "image/frame_rate": tf.io.FixedLenFeature((), tf.float32, default_value=0.0),
        "clip/start/timestamp": tf.io.FixedLenFeature((), tf.int64),
        "clip/end/timestamp": tf.io.FixedLenFeature((), tf.int64),
    }
    sequence_spec = {"image/encoded": tf.io.FixedLenSequenceFeature((), tf.string)}
    for side in ("ymin", "xmin", "ymax", "xmax"):
        sequence_spec[f"PERSON/region/bbox/{side}"] = tf.io.VarLenFeature(tf.float32)
    for raw in tf.data.TFRecordDataset(shards):
        context, sequence = tf.io.parse_single_sequence_example(raw, context_spec, sequence_spec)
        frames = sequence["image/encoded"]
        assert frames.shape[0] >= 2
        assert tf.sparse.to_dense(context["clip/label/index"]).numpy()[0] in (0, 1)
        assert context["image/format"] == b"jpeg"
        assert float(context["image/frame_rate"]) == 10.0
        span = int(context["clip/end/timestamp"] - context["clip/start/timestamp"])
        assert span == frames.shape[0] * 100_000
        left = tf.sparse.to_dense(sequence["PERSON/region/bbox/xmin"]).numpy()
        np.testing.assert_allclose(left, np.full((frames.shape[0], 1), 0.2), rtol=1e-6)


def test_without_tensorflow_at_all(shards):
    """A JPEG stands in the file as it is: any tool that knows the framing can cut it out."""
    from keras_stprivacy.data.framing import record_spans

    with open(shards[0], "rb") as file:
        start, length = next(record_spans(shards[0]))
        file.seek(start)
        record = file.read(length)
    picture = Image.open(io.BytesIO(record[record.index(b"\xff\xd8\xff") :]))
    assert (picture.format, picture.size) == ("JPEG", (32, 24))
