"""`drbench metrics`."""

from typing import Annotated

import typer

from drbench import registry
from drbench.cli.frame import Table, emit
from drbench.cli.listing import list_plugins

app = typer.Typer(help="Metrics: what there is, what they measure.")


@app.command("list")
def list_() -> None:
    """List the registered metrics."""
    list_plugins("metric", "cost")


@app.command()
def show(
    name: Annotated[str, typer.Argument(metavar="M", help="Registered name of a metric.")],
) -> None:
    """Show a metric: its definition, range, direction, tolerance, faults and parameters."""
    from drbench.metrics.metric import load_metric

    plugin, metric = registry.find("metric", name), load_metric(name)
    document = {
        "name": name,
        "title": metric.title,
        "from": plugin.origin,
        "measures": metric.measures,
        "range": list(metric.range),
        "version": metric.version,
        "direction": metric.direction,
        "tolerance": metric.tolerance,
        "per_factor": metric.per_factor,
        "cost": metric.cost,
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
        "better": metric.direction,
        "score of a factor": metric.per_factor or "its share of the value",
        "takes": metric.cost,
        "between machines": f"within {metric.tolerance:g}",
        "version": metric.version,
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
