"""`drbench metrics`."""

from dataclasses import asdict
from typing import Annotated

import typer

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.cli.listing import list_plugins

app = typer.Typer(help="Metrics: what there is, what they measure.")


@app.command("list")
def list_() -> None:
    """List the registered metrics."""
    list_plugins("metric")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="M", help="Registered name of a metric.")],
) -> None:
    """Show a metric: its definition, range, invariances, faults and parameters."""
    from drbench.metrics.metric import load_metric

    plugin, metric = registry.find("metric", name), load_metric(name)
    document = {
        "name": name,
        "title": metric.title,
        "from": plugin.origin,
        "measures": metric.measures,
        "range": list(metric.range),
        "higher_is_better": metric.higher_is_better,
        "cost": metric.cost,
        "duration": asdict(metric.duration) if metric.duration else None,
        "source": metric.source,
        "invariances": dict(metric.invariances),
        "parameters": metric.defaults,
        "faults": list(metric.faults),
        "definition": metric.definition,
    }
    about = {
        "name": name,
        "title": metric.title,
        "from": plugin.origin,
        "measures": metric.measures,
        "range": f"{metric.range[0]:g} to {metric.range[1]:g}",
        "better": "higher" if metric.higher_is_better else "lower",
        "cost": metric.cost,
        "takes about": metric.duration,
        "source": metric.source,
    }
    tables = {
        ("parameter", "default"): metric.defaults.items(),
        ("unchanged, faults apart, under", "within"): metric.invariances.items(),
    }
    emit(
        document,
        Table(("", ""), list(about.items())),
        metric.definition,
        *(Table(columns, list(rows)) for columns, rows in tables.items() if rows),
        *(["\n".join(f"known fault: {fault}" for fault in metric.faults)] if metric.faults else []),
    )
