import pytest

from keras_stprivacy.data.errors import ShardError
from keras_stprivacy.data.framing import record_spans

pytestmark = pytest.mark.any_backend


@pytest.fixture
def shard(tmp_path):
    tf = pytest.importorskip("tensorflow")
    path = tmp_path / "train-00000-of-00001.tfrecord"
    with tf.io.TFRecordWriter(str(path)) as writer:
        for i in range(5):
            writer.write(bytes([i]) * (10 * i))
    return path


def test_every_record_is_found(shard):
    data = shard.read_bytes()
    spans = list(record_spans(shard))

    assert [length for _, length in spans] == [0, 10, 20, 30, 40]
    assert [data[start : start + length] for start, length in spans] == [
        bytes([i]) * (10 * i) for i in range(5)
    ]


@pytest.mark.parametrize(("cut", "record"), [(1, 4), (50, 4), (59, 3), (150, 1)])
def test_truncation_names_file_and_record(shard, cut, record):
    shard.write_bytes(shard.read_bytes()[:-cut])

    with pytest.raises(ShardError, match=rf"{shard.name}, record {record}: ") as caught:
        list(record_spans(shard))
    assert caught.value.record == record


def test_a_damaged_header_names_its_record(shard):
    data = bytearray(shard.read_bytes())
    start, _ = list(record_spans(shard))[2]
    data[start - 12] ^= 4
    shard.write_bytes(data)

    with pytest.raises(ShardError, match=r"record 2: the record's header is damaged"):
        list(record_spans(shard))


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(ShardError, match=r"gone.tfrecord: cannot be opened: No such file"):
        list(record_spans(tmp_path / "gone.tfrecord"))
