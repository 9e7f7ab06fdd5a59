"""The words of the badges: which images a row is of, and how far it was checked."""

TRACKS = {
    "official": ("Official", "The makers' own images, source and target."),
    "rendered": (
        "Rendered",
        "Images that were drawn from the classes, source, target or both. Such rows are never "
        "ranked with official ones.",
    ),
    "own": (
        "Own images",
        "Images of somebody's own, source, target or both: a folder, or a data set of the hub.",
    ),
}
"""Word and meaning of each track's badge, in the order in which the page lists tracks."""
STATES = {
    "self-reported": ("○", "the author's word, which nobody has checked"),
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
