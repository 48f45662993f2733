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
# System -> curve and place on it.
CURVES = {
    "downsample_2x": ("Downsample", "2x"),
    "downsample_4x": ("Downsample", "4x"),
    "strong_blur": ("Blur", "kernel 21"),
    "weak_blur": ("Blur", "kernel 13"),
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
