"""`drbench datasets`."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from drbench import registry
from drbench.cli.frame import RootOption, Table, emit, parse_names
from drbench.cli.listing import list_plugins
from drbench.cli.runs import (
    FactorsOption,
    NameOption,
    OriginOption,
    PatternOption,
    ResizeOption,
)
from drbench.errors import DataError

if TYPE_CHECKING:
    from drbench.data.spec import Origin

app = typer.Typer(help="Data sets: what there is, what is in it, fetch it, look at it.")

Name = Annotated[
    str,
    typer.Argument(metavar="D", help="Registered name, folder:PATH or hf:OWNER/NAME[:split]."),
]


@app.command("list")
def list_() -> None:
    """List the registered data sets."""
    list_plugins("dataset")


@app.command()
def show(
    name: Name,
    factors: FactorsOption = None,
    pattern: PatternOption = None,
    called: NameOption = None,
) -> None:
    """Show all that is declared of a data set."""
    from drbench.data.opening import find_dataset, identify, is_open

    name, content = identify(name, called=called, pattern=pattern)
    spec = find_dataset(name, parse_names(factors), content=content).spec
    maker = "an open set" if is_open(name) else registry.find("dataset", name).origin
    identity = {"content": content} if content else {}
    about = {
        "name": spec.name,
        "summary": spec.summary,
        "from": maker,
        **identity,
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
    columns = [(f.name, f.kind, f.size, _extent(f.values)) for f in spec.factors]
    emit(
        {
            "from": maker,
            **identity,
            **spec.model_dump(mode="json"),
        },
        Table(("", ""), list(about.items())),
        Table(("factor", "kind", "classes", "values"), columns),
    )


@app.command()
def fetch(name: Name, root: RootOption = None) -> None:
    """Download the official files of a data set."""
    from drbench.data.files.fetch import fetch as fetch_files
    from drbench.data.opening import find_dataset

    print(fetch_files(find_dataset(name).spec, root))


@app.command()
def check(
    name: Name,
    root: RootOption = None,
    factors: FactorsOption = None,
    pattern: PatternOption = None,
) -> None:
    """Check the files on this machine: hashes, every image, every class."""
    from drbench.data.files.checking import check_files
    from drbench.data.opening import find_dataset

    findings = check_files(find_dataset(name, parse_names(factors), pattern=pattern), root)
    emit(
        [{"verdict": finding.verdict, "text": finding.text} for finding in findings],
        Table(("", ""), [(finding.verdict, finding.text) for finding in findings]),
    )
    problems = sum(finding.verdict == "problem" for finding in findings)
    if problems:
        raise DataError(
            f"{name}: {problems} problem{'s' if problems > 1 else ''} in the files, listed above."
        )


@app.command()
def preview(
    name: Name,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="PNG file; default: D.png.")
    ] = None,
    origin: OriginOption = None,
    resize: ResizeOption = None,
    root: RootOption = None,
    factors: FactorsOption = None,
    pattern: PatternOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the first image.")] = 0,
) -> None:
    """Draw a contact sheet: one strip of images per factor."""
    from drbench.data.opening import load_dataset
    from drbench.files import write_bytes
    from drbench.report.figures import png
    from drbench.report.preview import contact_sheet

    truth = load_dataset(
        name,
        origin=cast("Origin | None", origin),
        root=root,
        size=resize,
        factors=parse_names(factors),
        pattern=pattern,
    )
    file = out or Path(re.sub(r"[^\w.-]+", "_", name) + ".png")
    write_bytes(file, png(contact_sheet(truth, seed)))
    print(file)


@app.command()
def card(
    name: Name,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="Card to write; the prose in it is kept."),
    ] = None,
) -> None:
    """Write what a card says of the spec: front matter, facts, factors."""
    from drbench.data.card import render_card_head, updated_card
    from drbench.data.opening import find_dataset
    from drbench.files import write_text

    spec = find_dataset(name).spec
    if out is None:
        print(render_card_head(spec), end="")
    else:
        write_text(out, updated_card(spec, out.read_text("utf-8") if out.exists() else ""))
        print(out)


def _extent(values: tuple[float, ...] | tuple[str, ...] | None) -> str | None:
    """Values in short: all of a few, the ends of many."""
    if values is None:
        return None
    shown = [value if isinstance(value, str) else f"{value:.4g}" for value in values]
    return ", ".join(shown) if len(shown) <= 4 else f"{shown[0]} ... {shown[-1]}"
