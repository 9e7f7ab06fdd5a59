"""The words of the badges: which images a row is of, and how far it was checked."""

TRACKS = {
    "official": (
        "Official",
        "The makers’ own images, source and target.",
    ),
    "rendered": (
        "Rendered",
        "Images that were drawn from the classes somewhere on the way. Never ranked with "
        "official ones.",
    ),
    "own": (
        "Own images",
        "Images of the submitter’s own somewhere on the way: a folder, or a set of the hub. "
        "Nobody else may have them.",
    ),
}
"""What a badge says and means, in the order in which the page lists tracks."""
STATES = {
    "self-reported": ("○", "the author’s word, which nobody has checked"),
    "rescored": ("◔", "the metrics were computed again from the submitted latents"),
    "re-encoded": (
        "◑",
        "the latents were computed again from the submitted weights, on hash-checked images. This "
        "proves that the weights give these latents, not how the weights were trained",
    ),
    "retrained": (
        "●",
        "the run was repeated from its spec. Only this proves how the weights were trained",
    ),
    "refuted": ("✕", "a check failed; never ranked"),
    "published": ("▨", "in a paper, not reproduced here; never ranked"),
}
"""Mark and meaning of each state, the weakest first."""
