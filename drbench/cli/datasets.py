"""`drbench datasets`."""

from typing import Annotated

import typer

from drbench import registry
from drbench.cli.frame import RootOption, Table, emit
from drbench.cli.listing import list_plugins

app = typer.Typer(help="Data sets: what there is, what is in it, fetch it.")

Name = Annotated[str, typer.Argument(metavar="D", help="Registered name of a data set.")]


@app.command("list")
def list_() -> None:
    """List the registered data sets."""
    list_plugins("dataset")


@app.command()
def show(name: Name) -> None:
    """Show all that is declared of a data set."""
    from drbench.data.dataset import find_dataset

    spec = find_dataset(name).spec
    about = {
        "name": spec.name,
        "summary": spec.summary,
        "from": registry.find("dataset", name).origin,
        "version": spec.version,
        "origins": ", ".join(spec.origins),
        "images": " x ".join(map(str, spec.image_shape)),
        "combinations": spec.grid_size,
        "real": spec.real,
        "3d": spec.three_d,
        "occlusions": spec.occlusions,
        "independent": spec.independent,
        "fully annotated": spec.fully_annotated,
        "split by": spec.split_group,
        "files": ", ".join(file.url for file in spec.files),
        "licence": spec.licence,
        "citation": spec.citation,
        "homepage": spec.homepage,
    }
    factors = [(f.name, f.kind, f.size, _extent(f.values)) for f in spec.factors]
    emit(
        {"from": about["from"], **spec.model_dump(mode="json")},
        Table(("", ""), list(about.items())),
        Table(("factor", "kind", "classes", "values"), factors),
    )


@app.command()
def fetch(name: Name, root: RootOption = None) -> None:
    """Download the official files of a data set."""
    from drbench.data.dataset import find_dataset
    from drbench.data.fetch import fetch as fetch_files

    print(fetch_files(find_dataset(name).spec, root))


def _extent(values: tuple[float, ...] | tuple[str, ...] | None) -> str | None:
    """Values in short: all of a few, the ends of many."""
    if values is None:
        return None
    shown = [value if isinstance(value, str) else f"{value:.4g}" for value in values]
    return ", ".join(shown) if len(shown) <= 4 else f"{shown[0]} ... {shown[-1]}"
