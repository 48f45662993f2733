"""Sweeps over one system: what each setting does, and what one trained model can do."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from keras_stprivacy.baselines import build, system_class
from keras_stprivacy.benchmark.data import BenchmarkData, load_data
from keras_stprivacy.benchmark.plan import Plan
from keras_stprivacy.benchmark.report import BenchmarkReport
from keras_stprivacy.benchmark.run import run
from keras_stprivacy.benchmark.settings import Settings
from keras_stprivacy.benchmark.system_names import LABELS
from keras_stprivacy.benchmark.variant import Variant, check_given
from keras_stprivacy.keep_ratio import check_ratios

Progress = Callable[[str], None]
ABLATIONS = ("keep_ratio", "tubelet", "action_weight", "privacy_weight", "halves")
_HALVES = ("sparsification_alone", "anonymization_alone")
# Without 1: where every tubelet is kept, the decision mask says nothing. From the highest to the
# lowest.
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
            `"privacy_weight"` (λ_p) and `"halves"` (sparsification and anonymization alone, with
            the system's other settings).

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
    check_given(settings.system_settings, names)
    for name in names:
        given = settings.system_settings.get(name, {})
        of_whom = f"{LABELS.get(name, name)}, " if len(names) > 1 else ""
        variants += _ablated(name, given, loaded, parts, of_whom)
        if "halves" in parts:
            variants += _halves(name, given, loaded.preset, of_whom)
    return run(Plan("ablations", tuple(variants), loaded, loaded, settings), out, progress)


def deployment(
    data: str | os.PathLike,
    out: str | os.PathLike,
    systems: Sequence[str] | None = None,
    settings: Settings | None = None,
    progress: Progress | None = None,
    keep_ratios: Sequence[float] | None = None,
) -> BenchmarkReport:
    """One system, trained once, at many keep ratios.

    Where it can, it is trained for all of these (`System.for_ratios`).

    Args:
        data: see `known`.
        out: see `known`.
        systems: with a keep ratio; None: `("stprivacy",)`.
        settings: see `known`.
        progress: see `known`.
        keep_ratios: each in (0, 1]; None: from 0.9 to 0.3, without those at which as many tubelets
            of these clips remain as at a higher one.

    Returns:
        The report.

    Raises:
        ValueError: as `known`, for wrong ratios, and for a system without a keep ratio.
    """
    chosen = None if keep_ratios is None else check_ratios(keep_ratios)
    settings = settings or Settings()
    loaded = load_data(data, settings)
    variants: list[Variant] = []
    notes: list[str] = []
    names = tuple(systems or ("stprivacy",))
    check_given(settings.system_settings, names)
    for name in names:
        given = settings.system_settings.get(name, {})
        if not system_class(name).has_keep_ratio:
            raise ValueError(f"{name} has no keep ratio to sweep")
        label = LABELS.get(name, name)
        of_training = ("keep_ratios", "phase_options")  # these need what the sweep sets
        shape: dict[str, Any] = {k: v for k, v in given.items() if k not in of_training}
        if loaded.preset is None:
            shape["clip_shape"] = loaded.clip_shape
        system: Any = build(name, preset=loaded.preset, **shape)
        ratios = _different(DEPLOYED_RATIOS, system.num_kept) if chosen is None else chosen
        notes += _alike(label, ratios, system.num_kept)
        variants += [
            Variant(
                f"{name}-keep-{ratio:g}",
                name,
                f"{label} at {ratio:g}",
                _joined(system_class(name).for_ratios(ratios, loaded.preset, given), given),
                keep_ratio=float(ratio),
                curves={f"{label}, keep ratio": float(ratio)},
            )
            for ratio in ratios
        ]
    plan = Plan("deployment", tuple(variants), loaded, loaded, settings, notes=tuple(notes))
    return run(plan, out, progress)


def _different(keep_ratios: Sequence[float], kept: Callable[[float], int]) -> tuple[float, ...]:
    """The ratios without those at which as many tubelets remain as at an earlier one."""
    first: dict[int, float] = {}
    for ratio in keep_ratios:
        first.setdefault(kept(ratio), ratio)
    return tuple(first.values())


def _alike(label: str, keep_ratios: Sequence[float], kept: Callable[[float], int]) -> list[str]:
    """Notes on ratios at which equally many tubelets remain."""
    of_count: dict[int, list[str]] = {}
    for ratio in keep_ratios:
        of_count.setdefault(kept(ratio), []).append(f"{ratio:g}")
    return [
        f"{label} keeps {count} tubelets of a clip at each of the keep ratios {', '.join(ratios)}: "
        "only the layers before the last gate tell these apart"
        for count, ratios in of_count.items()
        if len(ratios) > 1
    ]


def _joined(settings: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Given settings in place of others; of those that are options by name, option by option."""
    joined = {**settings, **given}
    for name, value in settings.items():
        if isinstance(value, dict) and isinstance(given.get(name), dict):
            joined[name] = {**value, **given[name]}
    return joined


def _ablated(
    name: str, given: dict[str, Any], data: BenchmarkData, parts: Sequence[str], of_whom: str
) -> list[Variant]:
    """A system as it is, and with one setting changed at a time."""
    base = _settings(name, given, data.preset)
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
    swept = [part for part in parts if part in changes]
    curves = {part: of_whom + part.replace("_", " ") for part in swept}
    places = {curves[part]: float(changes[part][0]) for part in swept}
    variants = [Variant(name, name, label, given, curves=places)]
    for part in swept:
        for number, (value, words, changed) in enumerate(changes[part][1]):
            variants.append(
                Variant(
                    f"{name}-{part}-{number}",
                    name,
                    f"{label}, {words}",
                    {**given, **changed},
                    curves={curves[part]: float(value)},
                )
            )
    return variants


def _halves(name: str, given: dict[str, Any], preset: str | None, of_whom: str) -> list[Variant]:
    """Each half with the settings of the whole, but those that make it a half."""
    whole, variants = _settings(name, given, preset), []
    for half in _HALVES:
        own = _settings(half, {}, preset)
        fixed = system_class(half).fixed
        changed = {
            key: value
            for key, value in whole.items()
            if key in own and key not in fixed and own[key] != value
        }
        key = half if name == "stprivacy" else f"{name}-{half}"
        variants.append(Variant(key, half, f"{of_whom}{LABELS[half]}", changed))
    return variants


def _settings(name: str, given: dict[str, Any], preset: str | None) -> dict[str, Any]:
    """All constructor arguments of a system, but seed and size of clips."""
    config = build(name, preset=preset, **given).get_config()
    return {key: value for key, value in config.items() if key not in ("seed", "clip_shape")}
