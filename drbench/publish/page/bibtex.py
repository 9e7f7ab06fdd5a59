"""Whom to cite for what is on a board."""

import re
from collections.abc import Iterable

from drbench import registry
from drbench._version import __version__
from drbench.board.board import Leaderboard
from drbench.data.opening import find_dataset
from drbench.metrics.metric import load_metric

_OURS = f"""@misc{{drbench,
  title = {{drbench: a benchmark of disentangled representation learning}},
  author = {{{{The drbench authors}}}},
  note = {{version {__version__}}}
}}
"""
_PROTOCOL = """@inproceedings{dapueto2024transferring,
  title = {Transferring disentangled representations: bridging the gap between synthetic and real images},
  author = {Dapueto, Jacopo and Noceti, Nicoletta and Odone, Francesca},
  booktitle = {Advances in Neural Information Processing Systems},
  year = {2024},
  url = {https://arxiv.org/abs/2409.18017}
}
"""  # noqa: E501


def citations(board: Leaderboard, metrics: Iterable[str]) -> str:
    """BibTeX of drbench, the protocol, and the registered data sets and metrics of a board."""
    data = {ref.name for row in board.rows for ref in (row.source, row.target)}
    entries = [_OURS, _PROTOCOL]
    for name in sorted(data & set(registry.names("dataset"))):
        spec = find_dataset(name).spec
        entries.append(_entry(f"dataset_{name}", name, spec.citation, spec.homepage))
    for name in sorted(set(metrics) & set(registry.names("metric"))):
        metric = load_metric(name)
        entries.append(_entry(f"metric_{name}", metric.title, metric.source, ""))
    return "\n".join(entries)


def _entry(key: str, title: str, note: str, url: str) -> str:
    """What is known of a source is one sentence, so it is the note of a misc entry."""
    fields = {"title": title, "note": note, "url": url}
    lines = [f"  {name} = {{{_plain(text)}}}" for name, text in fields.items() if text]
    return f"@misc{{{re.sub(r'[^A-Za-z0-9_:-]', '_', key)},\n" + ",\n".join(lines) + "\n}\n"


def _plain(text: str) -> str:
    return re.sub(r"([#$%&_])", r"\\\1", text.replace("{", "(").replace("}", ")"))
