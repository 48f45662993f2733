"""The commands that look into a converted dataset."""

import dataclasses
import json
import shutil

import click.testing
import numpy as np
import pytest
from PIL import Image

from keras_stprivacy.data import dataset_info
from keras_stprivacy.data.errors import DatasetNotFoundError, ShardError, UnknownSplitError
from keras_stprivacy.data.framing import record_spans
from tfrecords_tools import ConversionSettings, SourceDataset, SourceEntry, cli, convert
from tfrecords_tools.datasets import adapters
from tfrecords_tools.inspect import inspect
from tfrecords_tools.label_file_stats import label_file_stats
from tfrecords_tools.splits import splits
from tfrecords_tools.stats import stats
from tfrecords_tools.stored import stored_records
from tfrecords_tools.verify import verify
from tfrecords_tools.wire_reader import parse_example

pytestmark = pytest.mark.any_backend

ACTIONS = ("jump", "wave")
ATTRIBUTES = ("face", "hair")


def run(*arguments):
    return click.testing.CliRunner().invoke(cli.main, [str(argument) for argument in arguments])


def made(entries, **options):
    return SourceDataset("made", ACTIONS, ATTRIBUTES, None, lambda: iter(entries), **options)


def entry(name, split, action, attributes, frames=3, level=0):
    clip = np.full((frames, 16, 24, 3), level, "uint8")
    return SourceEntry(name, split, action, attributes, clip=clip, frame_rate=10.0)


ENTRIES = [
    entry("a_0", "train", 0, (1, 0), 3, 10),
    entry("a_1", "train", 0, (1, 1), 4, 20),
    entry("b_2", "train", 1, (0, 0), 5, 30),
    entry("b_3", "train", 0, None, 6, 40),
    entry("c_4", "test", 1, (0, 1), 2, 50),
    entry("d_5", "test", 0, (1, 0), 9, 60),
]


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    out = tmp_path_factory.mktemp("records")
    convert(made(ENTRIES), out, ConversionSettings(short_side=None, videos_per_shard=2), workers=1)
    return out


@pytest.fixture
def records(pristine, tmp_path):
    """A copy that may be damaged: two shards of training videos, one of test videos."""
    shutil.copytree(pristine, tmp_path / "records")
    return tmp_path / "records"


def edit(directory, change):
    path = directory / "dataset.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


# verify


def test_a_whole_dataset_has_no_fault(records):
    report = verify(records, workers=2)
    assert report.faults == ()
    assert (report.shards, report.records, report.frames) == (3, 6, 29)
    result = run("verify", records, "--quiet")
    assert result.exit_code == 0 and result.stderr == ""
    assert "3 shards, 6 records, 29 frames decoded, no fault" in result.stdout
    assert json.loads(run("verify", records, "--json").stdout)["faults"] == []
    assert "verify: 3 of 3 shards" in run("verify", records).stderr


def faults(directory):
    result = run("verify", directory, "--json", "--quiet")
    found = json.loads(result.stdout)["faults"]
    assert result.exit_code == (1 if found else 0)
    return [(f["shard"], f["record"], f["reason"]) for f in found]


SHARD = "train-00001-of-00002.tfrecord"


def test_every_single_flipped_byte_is_found(records):
    """Damage anywhere in a shard is noticed, and where framing allows it, the record is named."""
    path = records / SHARD
    content = path.read_bytes()
    spans = list(record_spans(path))
    rng = np.random.default_rng(0)
    for position in rng.choice(len(content), 40, replace=False):
        damaged = bytearray(content)
        damaged[position] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        found = faults(records)
        assert any(shard == SHARD and "SHA-256" in reason for shard, _, reason in found)
        for record, (offset, length) in enumerate(spans):
            if offset <= position < offset + length:
                assert (SHARD, record, "the payload is not what its checksum says") in found


def test_missing_truncated_and_unknown_files_are_named(records):
    (records / SHARD).write_bytes((records / SHARD).read_bytes()[:-5])
    shutil.copy(records / "test-00000-of-00001.tfrecord", records / "more.tfrecord")
    found = faults(records)
    assert ("more.tfrecord", None, "dataset.json does not list the file") in found
    assert (SHARD, 1, "truncated, 5 bytes of it are missing") in found
    assert any(shard == SHARD and "1 records, dataset.json says 2" in r for shard, _, r in found)
    (records / SHARD).unlink()
    assert (SHARD, None, "the file is missing") in faults(records)


def test_a_file_cut_at_a_records_end_is_found(records):
    offset, length = next(record_spans(records / SHARD))
    (records / SHARD).write_bytes((records / SHARD).read_bytes()[: offset + length + 4])
    found = faults(records)
    assert (SHARD, None, "1 records, dataset.json says 2") in found
    assert any("listed in 'sources', but no record has it" in reason for _, _, reason in found)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda c: c.update(class_names=["wave", "jump"]), "clip/label/string must name ['wave'"),
        (lambda c: c.update(class_names=["jump"]), "must be different indices below 1"),
        (lambda c: c.update(attribute_names=["face"]), "PRIVACY/clip/label/index must be differe"),
        (lambda c: c.update(name="other"), "it is of the dataset 'made', not of 'other'"),
        (lambda c: c["sources"].pop("a_0"), "'sources' in dataset.json does not list the id"),
        (lambda c: c["sources"]["a_0"].update(frames=7), "frames is 3, dataset.json says 7"),
        (
            lambda c: c["sources"]["a_0"].update(source_video="day 1"),
            "source_video is None, dataset.json says 'day 1'",
        ),
        (lambda c: c["sources"].update(e={}), "listed in 'sources', but no record has it"),
        (
            lambda c: c["splits"]["test"]["shards"][0].update(unannotated=1),
            "0 unannotated, dataset.json says 1",
        ),
        (
            lambda c: c["splits"]["test"]["shards"].append(c["splits"]["train"]["shards"][0]),
            "the id stands in more than one record",
        ),
    ],
)
def test_what_dataset_json_says_wrongly_is_found(records, change, reason):
    edit(records, change)
    assert any(reason in said for _, _, said in faults(records))


def rewrite(directory, change):
    """Changes the first test record and makes all checksums fit again."""
    tf = pytest.importorskip("tensorflow")
    path = directory / "test-00000-of-00001.tfrecord"
    examples = [
        tf.train.SequenceExample.FromString(r.numpy()) for r in tf.data.TFRecordDataset(str(path))
    ]
    change(examples[0])
    with tf.io.TFRecordWriter(str(path)) as writer:
        for example in examples:
            writer.write(example.SerializeToString())
    from keras_stprivacy.data.digests import digest

    size, sha256 = digest(path)
    edit(directory, lambda c: c["splits"]["test"]["shards"][0].update(bytes=size, sha256=sha256))


def frame_of(example, number):
    return example.feature_lists.feature_list["image/encoded"].feature[number].bytes_list


def small_jpeg():
    import io

    stream = io.BytesIO()
    Image.new("RGB", (8, 8)).save(stream, "JPEG")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda e: frame_of(e, 1).value.__setitem__(0, b"no jpeg"), "frame 1 does not decode"),
        (
            lambda e: frame_of(e, 0).value.__setitem__(0, frame_of(e, 0).value[0][:-60]),
            "frame 0 does not decode: ",
        ),
        (
            lambda e: frame_of(e, 0).value.__setitem__(0, small_jpeg()),
            "frame 0 is RGB 8 x 8, the record says RGB 24 x 16",
        ),
        (
            lambda e: e.feature_lists.feature_list["image/timestamp"].feature.pop(),
            "timestamps",
        ),
        (
            lambda e: e.context.feature["clip/data_path"].bytes_list.value.__setitem__(0, b"/a"),
            "clip/data_path must be relative and stay inside",
        ),
        (
            lambda e: e.context.feature["clip/media_id"].bytes_list.value.extend([b"a", b"b"]),
            "clip/media_id must be one text or absent. Received: ['a', 'b']",
        ),
        (lambda e: e.context.feature.pop("image/height"), "image/height must have one value"),
        (
            lambda e: e.context.feature["image/width"].bytes_list.value.append(b"24"),
            "image/width must be of the kind int64. Received: bytes",
        ),
        (
            lambda e: e.feature_lists.feature_list["PERSON/region/bbox/ymin"].feature.add(),
            "each of PERSON/region/bbox/ymin, ",
        ),
        (
            lambda e: e.feature_lists.feature_list["PRIVACY/image/label/face"].feature.add(),
            "PRIVACY/image/label/face must hold 0 or 1 for each of the",
        ),
    ],
)
def test_records_that_are_whole_but_wrong_are_found(records, change, reason):
    rewrite(records, change)
    found = faults(records)
    assert ("test-00000-of-00001.tfrecord", 0) in {(shard, record) for shard, record, _ in found}
    assert any(reason in said for _, _, said in found), found


def test_a_dataset_that_is_not_finished_is_a_failure(tmp_path):
    result = run("verify", tmp_path)
    assert result.exit_code == 1
    assert result.stderr.startswith("Error:") and "not finished" in result.stderr
    with pytest.raises(DatasetNotFoundError):
        verify(tmp_path)
    with pytest.raises(ValueError, match="workers must be at least 1"):
        verify(tmp_path, workers=0)


# inspect


def test_inspect_shows_records_and_their_frames(records, tmp_path):
    result = run("inspect", records, "--split", "train", "--match", "a_", "--json")
    content = json.loads(result.stdout)
    assert [r["id"] for r in content["records"]] == ["a_1", "a_0"] or len(content["records"]) == 2
    one = next(r for r in content["records"] if r["id"] == "a_1")
    assert one["actions"] == ["jump"] and one["attributes"] == ["face", "hair"]
    assert (one["frames"], one["height"], one["width"]) == (4, 16, 24)
    assert one["seconds"] == 0.4 and one["frames_per_second"] == 10
    sheet = tmp_path / "sheet.png"
    result = run("inspect", records, "--frames", 3, "--sheet", sheet, "--limit", 4)
    assert result.exit_code == 0
    assert "4 of 6 records" in result.stdout and str(sheet) in result.stdout
    with Image.open(sheet) as image:
        assert image.format == "PNG"
        # four clips, each with a line of text; three frames of 144 x 96 side by side
        assert image.size == (3 * 146, 4 * (14 + 96 + 2))
        shown = np.asarray(image)[14 : 14 + 96, : 3 * 146].reshape(96, 3, 146, 3)[:, :, :144]
        first = next(stored_records(dataset_info(records), "test"))
        level = {e.id: int(e.clip[0, 0, 0, 0]) for e in ENTRIES}[first.id]
        assert np.abs(shown[:, :2].astype(int) - level).max() <= 3


def test_inspect_says_what_is_not_there(records):
    with pytest.raises(UnknownSplitError):
        inspect(records, split="nothing")
    assert run("inspect", records, "--split", "nothing").exit_code == 1
    assert run("inspect", records, "--sheet", "x.png").exit_code == 2
    assert inspect(records, match="zzz").records == ()
    assert "unannotated" not in run("inspect", records, "--match", "b_3").stdout
    assert inspect(records, match="b_3").records[0].attributes is None
    with pytest.raises(ValueError, match="limit must be at least 1"):
        inspect(records, limit=0)
    path = records / "test-00000-of-00001.tfrecord"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(ShardError, match="truncated"):
        inspect(records)


# stats


def test_stats_counts_and_computes_floors(records):
    report = stats(records)
    train, test = report.splits["train"], report.splits["test"]
    assert (train.videos, train.unannotated, train.classes) == (4, 1, (3, 1))
    assert train.attributes == pytest.approx((2 / 3, 1 / 3))
    assert (test.videos, test.unannotated, test.classes) == (2, 0, (1, 1))
    assert train.amounts["frames"]["sum"] == 18 and train.amounts["frames"]["median"] == 4.5
    assert test.amounts["seconds"]["largest"] == pytest.approx(0.9)
    floors = report.floors["test"]
    assert floors.majority_top_1 == 0.5 and floors.uniform_top_1 == 0.5
    assert floors.chance.values == (0.5, 0.5)
    assert floors.all_positive.mean == pytest.approx(2 / 3)
    # face goes with jump in training: rates (2+1)/(2+2) and (0+1)/(1+2); hair 2/4 and 1/3
    assert floors.action_only.values == (1.0, 0.5)
    content = json.loads(run("stats", records, "--json", "--quiet").stdout)
    assert content["floors"]["test"]["action_only"]["attributes"] == {"face": 1.0, "hair": 0.5}
    assert content["splits"]["train"]["classes"] == {"jump": 3, "wave": 1}
    text = run("stats", records).stdout
    assert "cMAP of seeing nothing" in text and "1 videos of train unannotated" in text


def test_stats_without_a_training_split_says_so(records):
    report = stats(records, train_split="nothing")
    assert report.floors["test"].action_only is None
    assert report.floors["test"].majority_top_1 is None
    assert "No split 'nothing'" in report.notes[0]


def test_stats_of_several_actions_has_a_floor_for_them(tmp_path):
    entries = [
        dataclasses.replace(entry(f"v{i}", "test", 0, (1, 0)), action=actions)
        for i, actions in enumerate([(0,), (0, 1), (), (0,)])
    ]
    convert(made(entries, multi_label=True), tmp_path / "out", workers=1)
    floors = stats(tmp_path / "out").floors["test"]
    assert floors.chance_action_cmap == pytest.approx((0.75 + 0.25) / 2)
    assert floors.majority_top_1 is None and floors.action_only is None
    assert "by chance: 50.0" in run("stats", tmp_path / "out").stdout


@pytest.mark.parametrize(
    ("fold", "chance", "positive", "action"),
    [(1, 58.7, 0.694, 77.3), (2, 57.8, 0.687, 76.5), (3, 58.2, 0.690, 77.6)],
)
def test_floors_of_the_published_labels_of_ucf101(shared_dir, fold, chance, positive, action):
    data = shared_dir / "testdata"
    labels = data / "stprivacy" / "ucf101_privacy_attribute_label.pickle"
    result = run("stats", labels, "--fold", fold, "--json")
    floors = json.loads(result.stdout)["floors"][f"split {fold}"]
    assert 100 * floors["chance"]["cmap"] == pytest.approx(chance, abs=0.05)
    assert floors["all_positive"]["f1"] == pytest.approx(positive, abs=5e-4)
    assert 100 * floors["action_only"]["cmap"] == pytest.approx(action, abs=0.05)
    # The groups in the names give the very split of the official lists.
    listed = label_file_stats(labels, fold, data / "ucf101" / "ucfTrainTestlist")
    assert listed.floors[f"split {fold}"] == label_file_stats(labels, fold).floors[f"split {fold}"]


def test_floors_of_the_published_labels_of_hmdb51(shared_dir):
    """Split 1 has 58.8, 0.696 and 73.8; its lists are not all here, so draws like it are made."""
    data = shared_dir / "testdata"
    labels = data / "stprivacy" / "hmdb51_privacy_attribute_label.pickle"
    report = label_file_stats(labels)
    assert report.splits["all"].videos == 6766
    np.testing.assert_allclose(
        report.splits["all"].attributes, [0.903, 0.620, 0.916, 0.268, 0.212], atol=1e-3
    )
    for name, expected, tolerance in (
        ("chance", 0.588, 0.01),
        ("all_positive", 0.696, 0.01),
        ("action_only", 0.738, 0.015),
    ):
        means = [getattr(floors, name).mean for floors in report.floors.values()]
        assert len(means) == 5 and np.mean(means) == pytest.approx(expected, abs=tolerance)
    partial = label_file_stats(labels, 2, data / "hmdb51" / "testTrainMulti_7030_splits")
    assert partial.floors["split 2"].test == 90
    assert "The lists name 3 of the 51 classes" in partial.notes[0]


# splits


def test_splits_that_share_nothing_are_good(records):
    report = splits(records)
    assert report.leaks == () and report.videos == {"test": 2, "train": 4}
    assert run("splits", records).exit_code == 0


def test_the_same_content_and_the_same_group_are_leaks(tmp_path):
    entries = [*ENTRIES, entry("a_6", "test", 0, (1, 0), 3, 10), entry("a_7", "train", 1, None)]
    entries += [entry("a_8", "train", 1, None)]
    convert(made(entries), tmp_path / "out", workers=1)
    report = splits(tmp_path / "out", group=r"^(\w)_")
    assert {(leak.kind, leak.ids["test"]) for leak in report.leaks} == {
        ("content", ("a_6",)),
        ("group", ("a_6",)),
    }
    (content,) = (leak for leak in report.leaks if leak.kind == "content")
    assert content.ids["train"] == ("a_0",)
    assert report.doubles == 1  # a_7 and a_8
    assert report.groups == {"test": 3, "train": 2}
    result = run("splits", tmp_path / "out", "--group", r"^(\w)_")
    assert result.exit_code == 1
    assert "same content" in result.stdout and "same group a: test: a_6" in result.stdout
    assert len(splits(tmp_path / "out").leaks) == 1  # without a rule for groups
    with pytest.raises(ValueError, match="group must be a regular expression"):
        splits(tmp_path / "out", group="(")


def test_the_same_id_is_a_leak(records):
    edit(
        records,
        lambda c: c["splits"].update(validation={"shards": c["splits"]["test"]["shards"]}),
    )
    report = splits(records)
    assert {(leak.kind, leak.what) for leak in report.leaks} >= {("id", "c_4"), ("id", "d_5")}


def test_the_official_splits_share_no_group(shared_dir):
    """By the rules of the adapters, which the lists bear out."""
    for name, lists in (("ucf101", "ucfTrainTestlist"), ("hmdb51", "testTrainMulti_7030_splits")):
        adapter = adapters()[name]
        module = __import__(f"tfrecords_tools.datasets.{name}", fromlist=["listed_videos"])
        for fold in (1, 2, 3):
            _, listed = module.listed_videos(shared_dir / "testdata" / name / lists, fold)
            groups = {"train": set(), "test": set()}
            for path, split, _ in listed:
                groups[split].add(adapter.group_of(path.rpartition(".")[0]))
            assert None not in groups["train"] | groups["test"]
            assert groups["train"] and groups["test"] and not groups["train"] & groups["test"]


# datasets


def test_every_adapter_has_a_command_and_a_description():
    names = set(
        json_names := [item["name"] for item in json.loads(run("datasets", "--json").stdout)]
    )
    assert len(json_names) == len(names) == len(adapters())
    assert names == {
        *("folder", "hmdb51", "ucf101", "vp-hmdb51", "vp-ucf101", "pa-hmdb51", "celebv-hq"),
        *("p-hvu", "csv", "motion-digits"),
    }
    for name, adapter in adapters().items():
        text = run("convert", name, "--help").stdout
        assert text.index("Example:") < text.index("Options:")
        for option in adapter.options:
            assert f"--{option.name.replace('_', '-')}" in text
        assert adapter.example.split()[0] == name
        assert adapter.layout.splitlines()[0] in run("datasets", name).stdout
    assert run("datasets", "nothing").exit_code == 2


@pytest.mark.parametrize("command", ["verify", "inspect", "stats", "splits", "datasets", "convert"])
def test_help_begins_with_examples(command):
    text = run(command, "--help").stdout
    usage, _, rest = text.partition("Examples:")
    assert usage.strip().startswith("Usage:") and len(usage.strip().splitlines()) == 1
    assert f"stprivacy-tfrecords {command}" in rest


def test_an_interruption_is_exit_code_130(records, monkeypatch):
    import tfrecords_tools.verify

    def interrupted(*arguments, **options):
        raise KeyboardInterrupt

    monkeypatch.setattr(tfrecords_tools.verify, "verify", interrupted)
    result = run("verify", records)
    assert result.exit_code == 130 and "Interrupted" in result.stderr


def test_our_reading_of_records_is_that_of_protobuf(pristine):
    tf = pytest.importorskip("tensorflow")
    example = tf.train.SequenceExample()
    example.context.feature["n"].int64_list.value.extend([-1, 0, 1 << 62, -(1 << 63), 127, 128])
    example.context.feature["f"].float_list.value.extend([0.5, -2.0])
    example.context.feature["é"].bytes_list.value.extend([b"", b"\xff"])
    example.context.feature["none"]
    example.feature_lists.feature_list["x"].feature.add().int64_list.value.extend([7, -7])
    example.feature_lists.feature_list["x"].feature.add()
    payloads = [example.SerializeToString()]
    files = [str(path) for path in sorted(pristine.glob("*.tfrecord"))]
    payloads += [record.numpy() for record in tf.data.TFRecordDataset(files)]
    for payload in payloads:
        ours, theirs = parse_example(payload), tf.train.SequenceExample.FromString(payload)
        assert {k: plain(v) for k, v in theirs.context.feature.items()} == ours.context
        lists = theirs.feature_lists.feature_list
        assert {k: [plain(f) for f in v.feature] for k, v in lists.items()} == ours.lists


def plain(feature):
    kind = feature.WhichOneof("kind")
    return ("", []) if kind is None else (kind[:-5], list(getattr(feature, kind).value))
