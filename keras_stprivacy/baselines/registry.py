"""Systems by name."""

from __future__ import annotations

import dataclasses
import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_stprivacy.baselines.system import System

# name → module and class, in the order of the paper's tables; those beyond it last.
_SYSTEMS = {
    "raw": ("raw", "Raw"),
    "downsample_2x": ("downsample_2x", "Downsample2x"),
    "downsample_4x": ("downsample_4x", "Downsample4x"),
    "blacken": ("blacken", "Blacken"),
    "strong_blur": ("strong_blur", "StrongBlur"),
    "weak_blur": ("weak_blur", "WeakBlur"),
    "collective": ("collective", "Collective"),
    "vita": ("vita", "VITA"),
    "spact": ("spact", "SPAct"),
    "stprivacy": ("stprivacy", "STPrivacy"),
    "stprivacy_paper": ("stprivacy_paper", "STPrivacyPaper"),
    "sparsification_alone": ("sparsification_alone", "SparsificationAlone"),
    "anonymization_alone": ("anonymization_alone", "AnonymizationAlone"),
    "vita_reversal": ("vita_reversal", "VITAReversal"),
}
# Not in the tables: families with every setting free.
_FAMILIES = {"downsample": ("downsample", "Downsample"), "blur": ("blur", "Blur")}
_EMBEDDED_CLIPS = {"clip_shape": (8, 32, 32, 3)}


def systems() -> tuple[str, ...]:
    """Names of all systems, in the order of the paper's tables, those beyond it last.

    Example:

    >>> systems()[:3]
    ('raw', 'downsample_2x', 'downsample_4x')
    """
    return tuple(_SYSTEMS)


def system_class(name: str) -> type[System]:
    """The class of a name.

    Args:
        name: one of `systems()`, or `"downsample"` or `"blur"`, of which the tables have two each.

    Raises:
        ValueError: if there is none.

    Example:

    >>> system_class("blacken").uses_boxes
    True
    """
    known = {**_SYSTEMS, **_FAMILIES}
    if name not in known:
        raise ValueError(f"no system is named {name!r}. There are: {', '.join(known)}")
    module, cls = known[name]
    return getattr(importlib.import_module(f"keras_stprivacy.baselines.{module}"), cls)


def build(name: str, preset: str | None = None, **settings: Any) -> System:
    """Makes a system that is not trained yet.

    Args:
        name: as for `system_class`.
        preset: None: the settings of the publications (of STPrivacy: its sizes and epochs, see
            there); `"embedded"`: those for the embedded dataset, 8x32x32 clips, small enough for
            two CPU cores.
        **settings: constructor arguments of the class, in place of the preset's.

    Raises:
        ValueError: for an unknown name, preset or setting.

    Example:

    >>> build("downsample_4x", preset="embedded", enlarge="nearest").clip_shape
    (8, 32, 32, 3)
    """
    cls = system_class(name)
    if preset not in (None, "embedded"):
        raise ValueError(f'preset must be None or "embedded". Received: preset={preset!r}')
    scale = {**_EMBEDDED_CLIPS, **cls.embedded} if preset else {}
    given = {**scale, **settings}
    known = [field.name for field in dataclasses.fields(cls)]
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ValueError(
            f"{name} has no setting {', '.join(unknown)}. There are: {', '.join(known)}"
        )
    return cls(**given)
