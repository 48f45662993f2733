"""Detectors of KerasHub and KerasCV, tiny and untrained, from local presets."""

import numpy as np
import pytest
from harness import not_on_jax

from keras_stprivacy.detection import KerasCVDetector, KerasHubDetector, load_detector


def retina_net(folder):
    hub = pytest.importorskip("keras_hub", reason="pip install 'keras-stprivacy[hub]'")
    encoder = hub.models.ResNetBackbone(
        [64], [7], [64] * 4, [1] * 4, [1, 2, 2, 2], "basic_block", image_shape=(None, None, 3)
    )
    anchors = hub.layers.AnchorGenerator("xyxy", 3, 5, 3, [0.5, 1, 2], 4.0)
    label_encoder = _label_encoder(anchors)
    converter = hub.layers.RetinaNetImageConverter(
        image_size=(64, 64),
        bounding_box_format="xyxy",
        crop_to_aspect_ratio=False,
        pad_to_aspect_ratio=True,
    )
    hub.models.RetinaNetObjectDetector(
        backbone=hub.models.RetinaNetBackbone(encoder, 3, 5, False),
        label_encoder=label_encoder,
        num_classes=91,
        bounding_box_format="xyxy",
        preprocessor=hub.models.RetinaNetObjectDetectorPreprocessor(converter),
    ).save_to_preset(str(folder))


def _label_encoder(anchors):
    from keras_hub.src.models.retinanet.retinanet_label_encoder import RetinaNetLabelEncoder

    return RetinaNetLabelEncoder(anchor_generator=anchors, bounding_box_format="xyxy")


def d_fine(folder):
    hub = pytest.importorskip("keras_hub", reason="pip install 'keras-stprivacy[hub]'")
    encoder = hub.models.HGNetV2Backbone(
        stem_channels=[3, 8, 8],
        stackwise_stage_filters=[
            [8, 8, 16, 1, 3, 3], [16, 8, 32, 1, 3, 3], [32, 8, 64, 1, 3, 5], [64, 8, 64, 1, 3, 5],
        ],
        apply_downsample=[False, True, True, True],
        use_lightweight_conv_block=[False, False, True, True],
        depths=[1, 1, 1, 1],
        hidden_sizes=[16, 64, 64],
        embedding_size=8,
        use_learnable_affine_block=True,
        hidden_act="relu",
        image_shape=(64, 64, 3),
        out_features=["stage3", "stage4"],
    )  # fmt: skip
    backbone = hub.models.DFineBackbone(
        backbone=encoder,
        decoder_in_channels=[16, 16],
        encoder_hidden_dim=16,
        num_denoising=0,
        num_labels=80,
        hidden_dim=16,
        learn_initial_query=False,
        num_queries=10,
        anchor_image_size=(64, 64),
        feat_strides=[16, 32],
        num_feature_levels=2,
        encoder_in_channels=[64, 64],
        encode_proj_layers=[1],
        num_attention_heads=2,
        encoder_ffn_dim=16,
        num_encoder_layers=1,
        hidden_expansion=0.34,
        depth_multiplier=0.5,
        eval_idx=-1,
        num_decoder_layers=1,
        decoder_attention_heads=2,
        decoder_ffn_dim=16,
        decoder_n_points=[2, 2],
        lqe_hidden_dim=8,
        num_lqe_layers=2,
        out_features=["stage3", "stage4"],
        image_shape=(64, 64, 3),
    )
    converter = hub.layers.DFineImageConverter(image_size=(64, 64), scale=1 / 255)
    hub.models.DFineObjectDetector(
        backbone=backbone,
        num_classes=80,
        bounding_box_format="yxyx",
        preprocessor=hub.models.DFineObjectDetectorPreprocessor(converter),
    ).save_to_preset(str(folder))


def yolo(folder):
    import json

    import keras

    cv = pytest.importorskip("keras_cv", reason="pip install 'keras-stprivacy[cv]'")
    if keras.backend.backend() == "torch":
        pytest.importorskip("torchvision", reason="KerasCV's YOLOV8 needs torchvision on PyTorch")
    backbone = cv.models.YOLOV8Backbone(
        stackwise_channels=[8] * 4, stackwise_depth=[1] * 4, include_rescaling=True
    )
    model = cv.models.YOLOV8Detector(
        num_classes=80, bounding_box_format="xyxy", backbone=backbone, fpn_depth=1
    )
    # What KerasCV's own (private) function for this writes.
    config = keras.saving.serialize_keras_object(model)
    config["weights"] = "model.weights.h5"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "metadata.json").write_text("{}")
    model.save_weights(folder / "model.weights.h5")


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (retina_net, KerasHubDetector),
        pytest.param(d_fine, KerasHubDetector, marks=not_on_jax),
        (yolo, KerasCVDetector),
    ],
)
def test_a_detector_from_a_local_preset(tmp_path, make, kind):
    make(tmp_path / "preset")
    options = {"size": (64, 64)} if kind is KerasCVDetector else {}
    detector = load_detector(tmp_path / "preset", confidence=0.0, batch_size=2, **options)
    assert isinstance(detector, kind)
    assert detector.size == (64, 64)
    frames = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3)).astype("uint8")
    found = detector(frames)
    assert len(found) == 3
    for boxes in found:
        assert boxes.dtype == np.float32
        assert boxes.shape[1:] == (4,)
        assert ((boxes >= 0) & (boxes <= 1)).all()
        assert (boxes[:, 2:] > boxes[:, :2]).all()
