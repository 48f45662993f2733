"""Converts to s3:// and reads back, against a local server; run by test_remote.py in an environment
where tensorflow-io has its native operations: python s3_session.py VIDEOS FOLDER."""

# ruff: noqa: E402  (the server's address must be known before TensorFlow is loaded)
import contextlib
import hashlib
import os
import pathlib
import subprocess
import sys

import boto3
from moto.server import ThreadedMotoServer

server = ThreadedMotoServer(port=0, verbose=False)
server.start()
host, port = server.get_host_and_port()
os.environ.update(
    AWS_ACCESS_KEY_ID="test",
    AWS_SECRET_ACCESS_KEY="test",
    AWS_REGION="us-east-1",
    S3_ENDPOINT=f"http://127.0.0.1:{port}",
    S3_USE_HTTPS="0",
    S3_VERIFY_SSL="0",
    KERAS_BACKEND="tensorflow",
)

client = boto3.client("s3", endpoint_url=os.environ["S3_ENDPOINT"], region_name="us-east-1")
client.create_bucket(Bucket="records")

from keras_stprivacy.data import clip_dataset, dataset_info
from tfrecords_tools import ConversionSettings, convert
from tfrecords_tools.datasets.folder import folder

place = "s3://records/made/mine"
settings = ConversionSettings(videos_per_shard=2)


def stored():
    listed = client.list_objects_v2(Bucket="records").get("Contents", [])
    return {
        item["Key"].removeprefix("made/mine/"): hashlib.sha256(
            client.get_object(Bucket="records", Key=item["Key"])["Body"].read()
        ).hexdigest()
        for item in listed
        if item["Key"].startswith("made/mine/") and not item["Key"].endswith("/")
    }


class StopError(Exception):
    pass


def stop(progress):
    if progress.done == 4:
        raise StopError


dataset = folder(sys.argv[1], name="mine")
with contextlib.suppress(StopError):
    convert(dataset, place, settings, workers=1, on_progress=stop)
assert "dataset.json" not in stored(), stored()
report = convert(dataset, place, settings, workers=1)
assert report.kept_shards, "nothing was kept of the run that was stopped"
local = pathlib.Path(sys.argv[2])
convert(dataset, local, settings, workers=1)
here = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in local.iterdir()}
assert stored() == here, (stored(), here)
again = convert(dataset, place, settings, workers=1)
assert not again.written_shards

command = [sys.executable, "-m", "tfrecords_tools.cli", "convert", "folder", sys.argv[1]]
subprocess.run([*command, "s3://records/made/command", "--quiet"], check=True)

info = dataset_info(place)
assert info.num_clips("train") == 4
batch, labels = next(iter(clip_dataset(place, "train", 2, 1, 16, batch_size=4)))
assert batch.shape == (4, 2, 16, 16, 3)
client.delete_object(Bucket="records", Key=f"made/mine/{info.shards('train')[0].file}")
try:
    clip_dataset(place, "train", 2, 1, 16)
except OSError as error:
    assert "cannot be opened" in str(error), error
else:
    raise AssertionError("a missing shard was not noticed")
server.stop()
print("converted, resumed and read over s3://", flush=True)
os._exit(0)  # tensorflow-io's client ends the process with an error where tf.data has used it
