"""The names of everything in a clip record, and of the files around it.

One record is a `tf.train.SequenceExample` in the MediaSequence / DMVR convention. Every key stands
here once; writers and readers take it from here.
"""

# Feature lists: one entry per frame.
IMAGE_ENCODED = "image/encoded"  # bytes, a JPEG
IMAGE_TIMESTAMP = "image/timestamp"  # int64, µs from the first frame
BBOX_YMIN = "PERSON/region/bbox/ymin"  # float, normalised, any number per frame
BBOX_XMIN = "PERSON/region/bbox/xmin"
BBOX_YMAX = "PERSON/region/bbox/ymax"
BBOX_XMAX = "PERSON/region/bbox/xmax"
BBOX_KEYS = (BBOX_YMIN, BBOX_XMIN, BBOX_YMAX, BBOX_XMAX)  # order of a box's four numbers
FRAME_PRIVACY_PREFIX = "PRIVACY/image/label/"  # + attribute name: int64 0/1; see also below

# Context: once per clip.
IMAGE_FORMAT = "image/format"  # b"jpeg"
IMAGE_HEIGHT = "image/height"  # pixels as displayed
IMAGE_WIDTH = "image/width"
IMAGE_CHANNELS = "image/channels"
IMAGE_FRAME_RATE = "image/frame_rate"  # float, frames per second
LABEL_INDEX = "clip/label/index"  # the action, or in multi-label datasets the actions
LABEL_STRING = "clip/label/string"
LABEL_TEXT = "clip/label/text"  # the same: readers disagree on the key
PRIVACY_INDEX = "PRIVACY/clip/label/index"  # the attributes that are present; may be empty
PRIVACY_STRING = "PRIVACY/clip/label/string"
PRIVACY_IS_ANNOTATED = "PRIVACY/clip/label/is_annotated"  # 1: an empty list means none present
EXAMPLE_ID = "example/id"
EXAMPLE_DATASET_NAME = "example/dataset_name"
CLIP_DATA_PATH = "clip/data_path"  # relative to the dataset's source, never absolute
MEDIA_ID = "clip/media_id"  # the source video that the clip was cut from; absent: not known
CLIP_START_TIMESTAMP = "clip/start/timestamp"  # µs
CLIP_END_TIMESTAMP = "clip/end/timestamp"

JPEG_FORMAT = b"jpeg"

MANIFEST_NAME = "dataset.json"
FORMAT_NAME = "stprivacy-clips"
FORMAT_VERSION = 2  # the newest: multi-label datasets have it
SINGLE_LABEL_VERSION = 1


def label_index(prefix: str) -> str:
    """The key of the indices of further clip labels of the kind `prefix`.

    Example:

    >>> label_index("OBJECT")
    'OBJECT/clip/label/index'
    """
    return f"{prefix}/{LABEL_INDEX}"


def label_string(prefix: str) -> str:
    """The key of the names of further clip labels of the kind `prefix`.

    Example:

    >>> label_string("SCENE")
    'SCENE/clip/label/string'
    """
    return f"{prefix}/{LABEL_STRING}"


def frame_privacy_raw(attribute: str) -> str:
    """The key of the values that were annotated, any number a frame, none where nobody annotated.

    Example:

    >>> frame_privacy_raw("nudity")
    'PRIVACY/image/label/nudity/raw'
    """
    return f"{FRAME_PRIVACY_PREFIX}{attribute}/raw"


def shard_name(split: str, index: int, count: int) -> str:
    """The file name of a shard.

    Example:

    >>> shard_name("train", 3, 12)
    'train-00003-of-00012.tfrecord'
    """
    return f"{split}-{index:05d}-of-{count:05d}.tfrecord"
