"""Boxes follow the pixels of a clip, and labels of frames the frames that were taken."""

import numpy as np
import pytest
from made_clips import gray_clip

from keras_stprivacy.data import Augment, clip_dataset, schema
from keras_stprivacy.data.errors import LabelError, ShardError
from keras_stprivacy.data.framing import record_spans
from keras_stprivacy.data.manifest import dataset_info
from tfrecords_tools.frame_attributes import FrameAttributes

tf = pytest.importorskip("tensorflow")
pytestmark = pytest.mark.any_backend

HEIGHT, WIDTH, FRAMES = 24, 40, 10
NAN = float("nan")
CROP = {"brightness": 0.0, "contrast": 0.0, "saturation": 0.0, "hue": 0.0}


def painted(seed=0):
    """A video with a red and a green rectangle in other places in every frame, and their boxes.

    There is no green one in every third frame. Boxes (F, 2, 4).
    """
    rng = np.random.default_rng(seed)
    video = np.zeros((FRAMES, HEIGHT, WIDTH, 3), "uint8")
    boxes = np.full((FRAMES, 2, 4), NAN, "float32")
    for frame in range(FRAMES):
        for colour in range(2):
            if colour == 1 and frame % 3 == 0:
                continue
            top, left = rng.integers(0, HEIGHT - 6), rng.integers(0, WIDTH - 6)
            bottom = rng.integers(top + 6, HEIGHT + 1)
            right = rng.integers(left + 6, min(left + 16, WIDTH) + 1)
            video[frame, top:bottom, left:right, colour] = 255
            box = np.array([top, left, bottom, right])
            boxes[frame, colour] = box / [HEIGHT, WIDTH, HEIGHT, WIDTH]
    return video, boxes


def edges(mask):
    """ymin, xmin, ymax, xmax of the pixels in a mask (H, W)."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([rows[0], columns[0], rows[-1] + 1, columns[-1] + 1])


def compare(clip, boxes):
    """Each box (T, 2, 4) is where its rectangle is in the clip (T, H, W, 3), to a pixel or so.

    Returns how many there were, and how many not.
    """
    found = missing = 0
    height, width = clip.shape[1:3]
    for frame, of_frame in zip(clip, boxes, strict=True):
        for colour, box in enumerate(of_frame):
            mask = frame[..., colour] > 0.5
            if np.isnan(box).any():
                assert np.isnan(box).all()
                assert not mask.any()
                missing += 1
                continue
            assert (box >= 0).all() and (box <= 1).all()
            pixels = box * [height, width, height, width]
            if mask.any():
                np.testing.assert_allclose(pixels, edges(mask), atol=1.01)
                found += 1
            else:  # a sliver that is left at the edge
                assert (pixels[2:] - pixels[:2]).min() < 1.01
    return found, missing


def read_all(dataset):
    """Clips and labels of a dataset of batches of one."""
    clips, labels = zip(*dataset, strict=True)
    merged = {key: np.concatenate([batch[key] for batch in labels]) for key in labels[0]}
    return np.concatenate([np.asarray(clip) for clip in clips]), merged


@pytest.fixture
def painted_records(write_records):
    video, boxes = painted()
    return write_records([video], boxes=[boxes])


def test_videos_that_were_cut_from_one_have_the_same_number(write_records):
    videos = [gray_clip([40 * value] * 6) for value in range(5)]
    named = write_records(videos, source_videos=["b", "a", None, "b", "clip001"])
    read = {"num_frames": 4, "frame_step": 1, "image_size": 16, "batch_size": 1}
    dataset = clip_dataset(named, with_source_videos=True, training=False, **read)
    clips, labels = read_all(dataset)
    assert labels["source_video"].dtype == "int64" and labels["source_video"].shape == (5,)
    of_video = {}
    for clip, number in zip(clips, labels["source_video"].tolist(), strict=True):
        of_video[round(float(clip.mean() * 255))] = number
    values = [of_video[value] for value in sorted(of_video)]
    assert len(values) == 5
    assert values[0] == values[3]
    assert len(set(values)) == 4
    assert [value < 0 for value in values] == [False, False, True, False, False]
    views = clip_dataset(named, views=(2, 1), with_source_videos=True, video_level=False, **read)
    assert len(read_all(views)[1]["source_video"]) == 10
    assert "source_video" not in next(iter(clip_dataset(named, training=False, **read)))[1]


def test_source_videos_that_records_do_not_name(write_records):
    with pytest.raises(LabelError, match="says of no video of split 'train' what it was cut from"):
        clip_dataset(write_records([gray_clip([1] * 6)]), with_source_videos=True)


@pytest.mark.parametrize("size", [(HEIGHT, WIDTH), 48, (30, 100), (12, 12)])
def test_boxes_follow_the_middle_crop(painted_records, size):
    dataset = clip_dataset(
        painted_records, "train", FRAMES, 1, size, 1, training=False, with_boxes=True
    )
    clips, labels = read_all(dataset)
    found, missing = compare(clips[0], labels["boxes"][0])
    assert found > 8
    assert missing >= 4
    if size == (HEIGHT, WIDTH):
        np.testing.assert_allclose(labels["boxes"][0], painted()[1], atol=1e-6)


@pytest.mark.parametrize("video_level", [True, False])
def test_boxes_follow_the_views(painted_records, video_level):
    options = {"views": (2, 3), "with_boxes": True, "video_level": video_level}
    clips, labels = read_all(clip_dataset(painted_records, "train", 4, 2, 48, 1, **options))
    clips = clips.reshape(6, 4, 48, 48, 3)
    boxes = labels["boxes"].reshape(6, 4, 2, 4)
    counts = np.array([compare(*pair) for pair in zip(clips, boxes, strict=True)])
    assert (counts[:, 0] > 0).all()
    assert (counts[:, 1] > 0).all()
    assert len({boxes[view].tobytes() for view in range(6)}) == 6


@pytest.mark.parametrize(
    "augment",
    [
        None,
        Augment(crop_scale=None, flip=1.0, **CROP),
        Augment(crop_scale=(0.2, 0.6), flip=0.0, **CROP),
        Augment(crop_scale=(0.2, 0.9), flip=0.5, **CROP),
    ],
)
def test_boxes_follow_random_crops_and_flips(painted_records, augment):
    dataset = clip_dataset(
        painted_records, "train", 4, 2, 48, 1, 3, augment=augment, repeat=True, with_boxes=True
    )
    counts = np.zeros(2, int)
    kinds = set()
    for clips, labels in dataset.take(20):
        counts += compare(clips[0].numpy(), labels["boxes"][0].numpy())
        kinds.add(labels["boxes"].numpy().tobytes())
    assert counts[0] > 40
    assert counts[1] > 10
    assert len(kinds) > (2 if augment is None or augment.crop_scale is None else 15)


def test_flips_are_drawn_as_without_boxes(painted_records):
    options = {"seed": 5, "augment": Augment(**CROP)}
    plain, labels = read_all(clip_dataset(painted_records, "train", 4, 2, 48, 1, **options))
    boxed, _ = read_all(
        clip_dataset(painted_records, "train", 4, 2, 48, 1, **options, with_boxes=True)
    )
    np.testing.assert_array_equal(plain, boxed)
    assert set(labels) == {"action"}


def test_a_batch_has_room_for_the_fullest_frame(write_records):
    videos = [gray_clip([50 * i] * 3) for i in range(4)]
    one = np.array([0.25, 0.25, 0.75, 0.5], "float32")
    boxes = [np.full((3, max(count, 1), 4), NAN) for count in range(4)]
    for count in range(1, 4):
        boxes[count][1, :] = one
    records = write_records(videos, boxes=[each.astype("float32") for each in boxes])

    def boxes_of(batch_size, **options):
        dataset = clip_dataset(
            records, "train", 3, 1, 16, batch_size, training=False, with_boxes=True, **options
        )
        return dataset.element_spec[1]["boxes"].shape, [np.asarray(b["boxes"]) for _, b in dataset]

    assert sorted(batch.shape[2] for batch in boxes_of(1)[1]) == [1, 1, 2, 3]
    shape, batches = boxes_of(4)
    assert shape.as_list() == [None, 3, None, 4]
    assert [batch.shape for batch in batches] == [(4, 3, 3, 4)]
    assert sum(np.isfinite(batch).all(-1).sum() for batch in batches) == 6
    for batch in batches:
        np.testing.assert_allclose(batch[np.isfinite(batch)].reshape(-1, 4)[:, 3], 0.5)
        assert np.isnan(batch[:, [0, 2]]).all()
    shape, batches = boxes_of(2, max_boxes=5)
    assert shape.as_list() == [None, 3, 5, 4]
    assert [batch.shape[2] for batch in batches] == [5, 5]
    with pytest.raises(tf.errors.InvalidArgumentError, match="a frame has 3 person boxes, more"):
        boxes_of(2, max_boxes=2)


def halves(length=40):
    """`first` in frames 0 to 19, `second` in frames 10 to 24; nobody annotated it from 30 on."""
    return FrameAttributes(
        {
            "first": ((0, 19, (2,)), (20, length - 1, (0,))),
            "second": ((0, 9, (0,)), (10, 24, (1,)), (25, 29, (0,))),
        }
    )


@pytest.fixture
def labelled_records(write_records):
    videos = [gray_clip(range(0, 200, 5)) for _ in range(2)]
    return write_records(
        videos,
        attributes=[(1, 1)] * 2,
        attribute_names=("first", "second"),
        frame_attributes=[halves(), None],
    )


@pytest.mark.parametrize(
    ("options", "views"),
    [
        ({"training": False}, 1),
        ({"views": (5, 3)}, 15),
        ({"views": (5, 3), "video_level": False}, 1),
        ({"seed": 0, "augment": None}, 1),
    ],
)
def test_labels_of_frames_are_those_of_the_frames_taken(labelled_records, options, views):
    dataset = clip_dataset(
        labelled_records, "train", 8, 2, 16, 1, **options, with_frame_labels=True
    )
    clips, labels = read_all(dataset)
    clips = clips.reshape(-1, 8, 16, 16, 3)
    said = labels["frame_privacy"].reshape(-1, 8, 2)
    assert labels["frame_privacy"].dtype == np.int32
    assert len(clips) == len(said) == len(dataset) * views
    number = np.round(clips[:, :, 8, 8, 0] * 255 / 5)
    np.testing.assert_array_equal(labels["frame_number"].reshape(-1, 8), number)
    first = (number < 20).astype(int)
    second = np.where(number < 30, (number >= 10) & (number < 25), -1)
    expected = np.stack([first, second], axis=-1)
    annotated = (said >= 0).any(axis=(1, 2))
    assert annotated.sum() == len(said) / 2
    np.testing.assert_array_equal(said[annotated], expected[annotated])


def test_records_that_hold_none(write_records):
    records = write_records([gray_clip([1, 2])], attributes=[(1,)], attribute_names=("a",))
    with pytest.raises(LabelError, match="hold no person boxes .*--boxes detector"):
        clip_dataset(records, with_boxes=True)
    with pytest.raises(LabelError, match="hold no labels of frames .*PA-HMDB51"):
        clip_dataset(records, with_frame_labels=True)
    with pytest.raises(ValueError, match="max_boxes is for with_boxes=True"):
        clip_dataset(records, max_boxes=3)
    with pytest.raises(ValueError, match="max_boxes must be an integer >= 1"):
        clip_dataset(records, max_boxes=0, with_boxes=True)


def payload_of(records):
    path = next(records.glob("*.tfrecord"))
    start, length = next(iter(record_spans(path)))
    return tf.train.SequenceExample.FromString(path.read_bytes()[start : start + length])


@pytest.mark.parametrize("fault", ["short", "missing", "uneven"])
def test_damaged_boxes_are_named(painted_records, fault):
    from keras_stprivacy.data.pipeline_records import record_parser

    parse = record_parser(dataset_info(painted_records), with_boxes=True)
    example = payload_of(painted_records)
    assert parse("shard", 7, example.SerializeToString())["boxes"].shape == (FRAMES, 2, 4)
    side = example.feature_lists.feature_list[schema.BBOX_XMAX]
    if fault == "short":
        del side.feature[-1]
    elif fault == "missing":
        for key in schema.BBOX_KEYS:
            del example.feature_lists.feature_list[key]
    else:
        side.feature[1].float_list.value.append(0.5)
    with pytest.raises(tf.errors.InvalidArgumentError, match="record 7: each side"):
        parse("shard", 7, example.SerializeToString())


def test_a_damaged_first_record_is_no_record_without_boxes(painted_records):
    path = next(painted_records.glob("*.tfrecord"))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(ShardError, match="record 0: damaged"):
        clip_dataset(painted_records, with_boxes=True)


def test_damaged_labels_of_frames_are_named(write_records):
    from keras_stprivacy.data.pipeline_records import record_parser

    records = write_records(
        [gray_clip([1, 2])],
        attributes=[(1,)],
        attribute_names=("a",),
        frame_attributes=[FrameAttributes({"a": ((0, 0, (3,)),)})],
    )
    parse = record_parser(dataset_info(records), with_frame_labels=True)
    example = payload_of(records)
    said = parse("shard", 7, example.SerializeToString())["frame_privacy"]
    assert said.numpy().tolist() == [[1], [-1]]
    key = schema.FRAME_PRIVACY_PREFIX + "a"
    example.feature_lists.feature_list[key].feature[0].int64_list.value[0] = 4
    with pytest.raises(tf.errors.InvalidArgumentError, match="record 7: the labels of frames"):
        parse("shard", 7, example.SerializeToString())
