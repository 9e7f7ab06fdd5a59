"""Cards of data sets: the part that follows from the spec, in Hugging Face's format."""

import json

from drbench.data.spec import DatasetSpec, Factor
from drbench.errors import RequestError

END = "<!-- Up to here made from the spec by drbench.data.card.render_card_head. -->"
"""Last line of what is generated; prose by hand follows."""

_HUB_LICENCES = {"Apache-2.0": "apache-2.0", "CC BY 4.0": "cc-by-4.0", "MIT": "mit"}
_SIZE_CATEGORIES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)


def render_card_head(spec: DatasetSpec) -> str:
    """Front matter, facts and factor table of a card, as Markdown.

    The card is this text followed by prose; a card that does not start with it is out of date.
    """
    licence = _HUB_LICENCES.get(spec.licence)
    tags = ["disentanglement", "factors-of-variation", "real" if spec.real else "synthetic"]
    tags += ["3d"] if spec.three_d else []
    lines = [
        "---",
        f"license: {licence or 'other'}",
        *([] if licence else [f"license_name: {json.dumps(spec.licence)}"]),
        f"pretty_name: {json.dumps(f'{spec.name}: {spec.summary}')}",
        "tags:",
        *[f"- {tag}" for tag in tags],
        *(["size_categories:", f"- {_size_category(spec.grid_size)}"] if spec.independent else []),
        "---",
        "",
        f"# {spec.name}",
        "",
        f"{spec.summary}. Version {spec.version} of drbench's reading.",
        "",
        # Of factors that depend on each other the product of the classes is no number of images.
        f"- Images: {f'{spec.grid_size:,} of ' if spec.independent else ''}"
        f"{'x'.join(map(str, spec.image_shape))}, uint8",
        f"- Origins: {', '.join(spec.origins)}",
        f"- Real: {_yes(spec.real)}; 3D: {_yes(spec.three_d)}; occlusions: "
        f"{_yes(spec.occlusions)}; independent factors: {_yes(spec.independent)}; fully annotated: "
        f"{_yes(spec.fully_annotated)}",
        f"- Licence: {spec.licence}",
        f"- Cite: {spec.citation}",
        f"- Homepage: {spec.homepage or 'none'}",
        *[f"- File: [{file.name}]({file.url}), {file.hash or 'no hash'}" for file in spec.files],
        "",
        "| column | factor | classes | kind | values |",
        "|---|---|---|---|---|",
        *[_factor_row(column, factor) for column, factor in enumerate(spec.factors)],
        "",
        END,
    ]
    return "\n".join(lines) + "\n"


def updated_card(spec: DatasetSpec, card: str) -> str:
    """A card with its head made anew and its prose kept.

    Raises
    ------
    RequestError
        If the text is not empty and has no such head.
    """
    _, mark, prose = card.partition(END)
    if card.strip() and not mark:
        raise RequestError(
            f"This is no card of drbench: it has no line {END!r}. Choose another file."
        )
    return render_card_head(spec) + prose.removeprefix("\n")


def _size_category(count: int) -> str:
    return next((name for limit, name in _SIZE_CATEGORIES if count < limit), "n>1T")


def _factor_row(column: int, factor: Factor) -> str:
    values = [v if isinstance(v, str) else f"{v:g}" for v in factor.values or ()]
    shown = [*values[:3], "...", values[-1]] if len(values) > 10 else values
    size = factor.size or "-"
    return f"| {column} | {factor.name} | {size} | {factor.kind} | {', '.join(shown) or '-'} |"


def _yes(flag: bool) -> str:
    return "yes" if flag else "no"
