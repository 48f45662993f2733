"""How tables call the systems, those of the paper, and which are places on one curve."""

LABELS = {
    "raw": "Raw",
    "downsample_2x": "Downsample-2x",
    "downsample_4x": "Downsample-4x",
    "blacken": "Blackening",
    "strong_blur": "StrongBlur",
    "weak_blur": "WeakBlur",
    "collective": "Collective",
    "vita": "VITA",
    "vita_reversal": "VITA, reversal",
    "spact": "SPAct",
    "stprivacy": "STPrivacy",
    "stprivacy_paper": "STPrivacy, eq. 13",
    "sparsification_alone": "Sparsification alone",
    "anonymization_alone": "Anonymization alone",
}
# System -> curve -> place on it: factors, and widths of kernels.
CURVES: dict[str, dict[str, float]] = {
    "downsample_2x": {"Downsample": 2.0},
    "downsample_4x": {"Downsample": 4.0},
    "strong_blur": {"Blur": 21.0},
    "weak_blur": {"Blur": 13.0},
}
PAPER = (
    "raw",
    "downsample_2x",
    "downsample_4x",
    "blacken",
    "strong_blur",
    "weak_blur",
    "collective",
    "vita",
    "spact",
    "stprivacy",
)
# Beside them, where the whole is weighed: its own recipe of the paper, and its halves.
KNOWN = (*PAPER, "stprivacy_paper", "sparsification_alone", "anonymization_alone")
