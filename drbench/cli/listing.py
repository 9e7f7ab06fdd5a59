"""What `datasets list`, `models list` and `metrics list` share. Imports no plugin."""

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.progress import say


def list_plugins(kind: registry.Kind) -> None:
    """Print name, distribution and summary of every plugin of a kind."""
    known = registry.plugins(kind).values()
    for plugin in known:
        warn_if_broken(plugin)
    rows = [(p.name, f"{p.distribution} {p.version}", p.summary) for p in known]
    keys = ("name", "distribution", "version", "summary")
    document = [{key: getattr(plugin, key) for key in keys} for plugin in known]
    emit(document, Table(("name", "from", "summary"), rows))


def warn_if_broken(plugin: registry.Plugin) -> None:
    """Say in one line what the source text tells against a plugin."""
    if problem := plugin.problem:
        say(f"warning: the {plugin.kind} {plugin.name} of {plugin.origin} is broken: {problem}")
