"""Sweeps over one system: what each setting does, and what one trained model can do."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable, Sequence
from typing import Any

from keras_stprivacy.baselines import system_class
from keras_stprivacy.benchmark.data import BenchmarkData, load_data
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.run import run
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.system_names import LABELS
from keras_stprivacy.benchmark.variant import Variant, system_variants
from keras_stprivacy.keep_ratio import check_ratios

Progress = Callable[[str], None]
ABLATIONS = ("keep_ratio", "tubelet", "action_weight", "privacy_weight", "halves")
# Without 1: where every tubelet is kept, the decision mask says nothing.
DEPLOYED_RATIOS = (0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3)


def ablations(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    parts: Sequence[str] = ABLATIONS,
) -> BenchmarkReport:
    """STPrivacy with one thing changed at a time.

    Args:
        data: see `known`.
        out: see `known`.
        systems: whose settings are changed; None: `("stprivacy",)`.
        settings: see `known`.
        progress: see `known`.
        parts: of `"keep_ratio"` (α), `"tubelet"` (δT), `"action_weight"` (λ_a),
            `"privacy_weight"` (λ_p) and `"halves"` (sparsification and anonymization alone).

    Returns:
        The report.

    Raises:
        ValueError: as `known`, for unknown parts, or a system without such settings.
    """
    unknown = [part for part in parts if part not in ABLATIONS]
    if unknown:
        raise ValueError(f"parts must be of {', '.join(ABLATIONS)}. Received: {unknown}")
    settings = settings or Settings()
    loaded = load_data(data, settings)
    variants: list[Variant] = []
    names = tuple(systems or ("stprivacy",))
    for name in names:
        variants += _ablated(name, loaded, parts, several=len(names) > 1)
    if "halves" in parts:
        variants += system_variants(("sparsification_alone", "anonymization_alone"))
    return run(Plan("ablations", tuple(variants), loaded, loaded, settings), out, progress)


def deployment(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    keep_ratios: Sequence[float] = DEPLOYED_RATIOS,
) -> BenchmarkReport:
    """One system, trained once, at many keep ratios.

    Where it can, it is trained for all of these (`System.for_ratios`).

    Args:
        data: see `known`.
        out: see `known`.
        systems: with a keep ratio; None: `("stprivacy",)`.
        settings: see `known`.
        progress: see `known`.
        keep_ratios: each in (0, 1].

    Returns:
        The report.

    Raises:
        ValueError: as `known`, for wrong ratios, and for a system without a keep ratio.
    """
    keep_ratios = check_ratios(keep_ratios)
    settings = settings or Settings()
    loaded = load_data(data, settings)
    variants = []
    for name in systems or ("stprivacy",):
        if not system_class(name).has_keep_ratio:
            raise ValueError(f"{name} has no keep ratio to sweep")
        label = LABELS.get(name, name)
        variants += [
            Variant(
                f"{name}-keep-{ratio:g}",
                name,
                f"{label} at {ratio:g}",
                system_class(name).for_ratios(keep_ratios, loaded.preset),
                keep_ratio=float(ratio),
                curves={f"{label}, keep ratio": float(ratio)},
            )
            for ratio in keep_ratios
        ]
    return run(Plan("deployment", tuple(variants), loaded, loaded, settings), out, progress)


def _ablated(name: str, data: BenchmarkData, parts: Sequence[str], several: bool) -> list[Variant]:
    """A system as it is, and with one setting changed at a time; it may be one of several."""
    cls = system_class(name)
    base: dict[str, Any] = {
        field.name: field.default
        for field in dataclasses.fields(cls)
        if field.default is not dataclasses.MISSING
    }
    if data.preset == "embedded":
        base.update(cls.embedded)
    needed = ("keep_ratio", "tubelet_size", "action_weight", "privacy_weight")
    if any(setting not in base for setting in needed):
        raise ValueError(f"{name} has no settings {', '.join(needed)} to change")
    label = LABELS.get(name, name)
    ratio, (depth, *size) = base["keep_ratio"], base["tubelet_size"]
    weights = base["action_weight"], base["privacy_weight"]
    # Part -> its own place on the curve, and the others: number, words, settings.
    changes: dict[str, tuple[float, list[tuple[float, str, dict[str, Any]]]]] = {
        "keep_ratio": (
            ratio,
            [
                (value, f"keep ratio {value:g}", {"keep_ratio": value})
                for value in (0.9, 0.8, 0.7, 0.6, 0.5)
                if value != ratio
            ],
        ),
        "tubelet": (
            depth,
            [
                (value, f"tubelet of {value} frames", {"tubelet_size": [value, *size]})
                for value in (1, 2, 4, 8)
                if value != depth and data.clip_shape[0] % value == 0
            ],
        ),
        "action_weight": (
            weights[0],
            [
                (value, f"action weight {value:g}", {"action_weight": value})
                for value in (factor * weights[0] for factor in (0.5, 2.0))
            ],
        ),
        "privacy_weight": (
            weights[1],
            [
                (value, f"privacy weight {value:g}", {"privacy_weight": value})
                for value in (factor * weights[1] for factor in (0.0, 0.5, 2.0))
            ],
        ),
    }
    of_whom = f"{label}, " if several else ""
    swept = [part for part in parts if part in changes]
    curves = {part: of_whom + part.replace("_", " ") for part in swept}
    places = {curves[part]: float(changes[part][0]) for part in swept}
    variants = [Variant(name, name, label, curves=places)]
    for part in swept:
        for number, (value, words, changed) in enumerate(changes[part][1]):
            variants.append(
                Variant(
                    f"{name}-{part}-{number}",
                    name,
                    f"{label}, {words}",
                    changed,
                    curves={curves[part]: float(value)},
                )
            )
    return variants
