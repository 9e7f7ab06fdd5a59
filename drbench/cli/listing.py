"""What `datasets list`, `models list` and `metrics list` share. Imports no plugin."""

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.progress import say


def list_plugins(kind: registry.Kind, *stated: str) -> None:
    """Print name, distribution, what its decorator states, and summary of every plugin."""
    known = registry.plugins(kind).values()
    for plugin in known:
        warn_if_broken(plugin)
    rows, document = [], []
    for p in known:
        texts = {name: p.stated(name) for name in stated}
        rows.append((p.name, f"{p.distribution} {p.version}", *texts.values(), p.summary))
        keys = ("name", "distribution", "version")
        document.append({key: getattr(p, key) for key in keys} | texts | {"summary": p.summary})
    emit(document, Table(("name", "from", *stated, "summary"), rows))


def warn_if_broken(plugin: registry.Plugin) -> None:
    """Say in one line what the source text tells against a plugin."""
    if problem := plugin.problem:
        say(f"warning: the {plugin.kind} {plugin.name} of {plugin.origin} is broken: {problem}")
