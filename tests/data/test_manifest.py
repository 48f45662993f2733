import json

import pytest
from made_clips import gray_clip

from keras_stprivacy.data import dataset_info
from keras_stprivacy.data.errors import (
    DatasetFormatError,
    DatasetNotFoundError,
    EmptyDatasetError,
    UnknownSplitError,
)

pytestmark = pytest.mark.any_backend


@pytest.fixture
def records(write_records):
    return write_records([gray_clip([0, 100])] * 6)


def edit(records, change):
    path = records / "dataset.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_written_description_reads_back(records):
    info = dataset_info(records)

    assert info.name == "made"
    assert info.class_names == ("action0",)
    assert info.num_clips("train") == 6
    assert [shard.records for shard in info.shards("train")] == [3, 3]
    assert info.to_json() == (records / "dataset.json").read_text()


def test_a_bare_name_is_looked_up_in_the_data_folder(records, monkeypatch):
    monkeypatch.delenv("STPRIVACY_DATA", raising=False)
    with pytest.raises(DatasetNotFoundError, match=r"STPRIVACY_DATA.*is not set"):
        dataset_info("records")
    monkeypatch.setenv("STPRIVACY_DATA", str(records.parent))
    assert dataset_info("records").name == "made"
    with pytest.raises(DatasetNotFoundError, match=r"ucf101/dataset.json"):
        dataset_info("ucf101")


def test_no_directory_and_no_description_are_told_apart(records, tmp_path):
    with pytest.raises(DatasetNotFoundError, match=r"no directory"):
        dataset_info(tmp_path / "gone")
    (records / "dataset.json").unlink()
    with pytest.raises(DatasetNotFoundError, match=r"not made or not finished"):
        dataset_info(records)


@pytest.mark.parametrize("text", ["", "{", "[1]", "null", '{"format": "other"}', "[" * 100_000])
def test_what_is_no_description_is_refused(records, text):
    (records / "dataset.json").write_text(text)
    with pytest.raises(DatasetFormatError, match=r"dataset\.json"):
        dataset_info(records)


def test_a_newer_format_is_refused(records):
    edit(records, lambda content: content.update(format_version=3))
    with pytest.raises(DatasetFormatError, match=r"version 3; this keras_stprivacy reads up to 2"):
        dataset_info(records)


@pytest.mark.parametrize(
    "change",
    [
        lambda content: content.pop("class_names"),
        lambda content: content.update(class_names=["a", "a"]),
        lambda content: content.update(attribute_names="abc"),
        lambda content: content.update(format_version="1"),
        lambda content: content.update(splits=[]),
        lambda content: content["splits"].update(train={}),
        lambda content: content["splits"]["train"]["shards"][0].pop("sha256"),
        lambda content: content["splits"]["train"]["shards"][0].update(records=-1),
        lambda content: content["splits"]["train"]["shards"][0].update(file="../x.tfrecord"),
    ],
)
def test_wrong_fields_are_refused(records, change):
    edit(records, change)
    with pytest.raises(DatasetFormatError, match=r"dataset\.json: "):
        dataset_info(records)


def test_no_splits_at_all_is_an_empty_dataset(records):
    edit(records, lambda content: content.update(splits={}))
    with pytest.raises(EmptyDatasetError, match=r"nothing was converted"):
        dataset_info(records)


def test_an_unknown_split_is_answered_with_those_there_are(records):
    with pytest.raises(UnknownSplitError, match=r"\['train'\]. Received: split='val'"):
        dataset_info(records).shards("val")
