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
    "re-encoded": (
        "◑",
        "weights from the author were encoded with again. This proves that these weights give "
        "these scores, not how the weights were trained; never ranked",
    ),
    "retrained": (
        "●",
        "the board's keeper trained the run from its spec. Only this proves how the weights were "
        "trained",
    ),
    "published": ("▨", "in a paper, not reproduced here; never ranked"),
}
"""Mark and meaning of each state, the weakest first."""
