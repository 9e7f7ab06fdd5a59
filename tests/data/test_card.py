from pathlib import Path

import pytest

from drbench import DatasetSpec, Factor, RequestError, registry
from drbench.data.card import END, render_card_head, updated_card
from drbench.data.opening import find_dataset

CARDS = Path(__file__).resolve().parents[2] / "datasets_cards"
OWN = sorted(name for name, p in registry.plugins("dataset").items() if p.distribution == "drbench")


@pytest.mark.parametrize("name", OWN)
def test_every_registered_set_has_a_card_equal_to_its_spec(name):
    text = (CARDS / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(render_card_head(find_dataset(name).spec)), (
        f"datasets_cards/{name}.md: replace all up to {END!r} by what render_card_head gives"
    )


@pytest.mark.parametrize("name", OWN)
def test_every_card_says_in_prose_what_is_known_to_be_wrong(name):
    prose = (CARDS / f"{name}.md").read_text(encoding="utf-8").partition(END)[2]
    assert "## How it was made" in prose
    assert "## Known to be wrong" in prose


@pytest.mark.parametrize("name", OWN)
def test_every_card_of_a_rendered_set_compares_it_with_real_frames(name):
    if "rendered" in find_dataset(name).spec.origins:
        assert "real frames" in (CARDS / f"{name}.md").read_text(encoding="utf-8")


def test_no_card_is_of_a_set_that_does_not_exist():
    assert {path.stem for path in CARDS.glob("*.md")} <= set(OWN)


def spec(**changed):
    fields = {
        "name": "toy",
        "summary": "Toy",
        "factors": (
            Factor(name="shape", kind="categorical", values=("a", "b")),
            Factor(name="x", kind="ordinal", values=tuple(i / 10 for i in range(40))),
            Factor(name="angle", kind="continuous"),
        ),
        "image_shape": (8, 8, 1),
        "licence": "CC BY 4.0",
        "citation": "Someone",
    }
    return DatasetSpec(**(fields | changed))


def test_front_matter_is_what_the_hub_reads():
    front = render_card_head(spec()).split("---\n")[1].splitlines()
    assert front == [
        "license: cc-by-4.0",
        'pretty_name: "toy: Toy"',
        "tags:",
        "- disentanglement",
        "- factors-of-variation",
        "- synthetic",
        "size_categories:",
        "- n<1K",
    ]


def test_licence_that_the_hub_does_not_know_is_other_by_name():
    front = render_card_head(spec(licence="None: ask")).split("---\n")[1]
    assert 'license: other\nlicense_name: "None: ask"\n' in front


def test_factor_table_has_a_row_a_factor_and_shortens_long_values():
    rows = [line for line in render_card_head(spec()).splitlines() if line.startswith("| ")][1:]
    assert rows == [
        "| 0 | shape | 2 | categorical | a, b |",
        "| 1 | x | 40 | ordinal | 0, 0.1, 0.2, ..., 3.9 |",
        "| 2 | angle | - | continuous | - |",
    ]


@pytest.mark.parametrize(
    ("size", "category"), [(999, "n<1K"), (1000, "1K<n<10K"), (5_160_960, "1M<n<10M")]
)
def test_size_category_is_that_of_the_grid(size, category):
    factors = (Factor(name="x", kind="ordinal", size=size),)
    assert f"- {category}\n" in render_card_head(spec(factors=factors))


def test_dependent_factors_do_not_tell_the_number_of_images():
    head = render_card_head(spec(independent=False))
    assert "size_categories" not in head
    assert "- Images: 8x8x1, uint8\n" in head


def test_updating_a_card_keeps_its_prose():
    old, new = spec(), spec(summary="Something else")
    card = render_card_head(old) + "\n## How it was made\nBy hand.\n"
    assert updated_card(new, card) == render_card_head(new) + "\n## How it was made\nBy hand.\n"
    assert updated_card(new, "") == render_card_head(new)


def test_a_file_that_is_no_card_is_not_overwritten():
    with pytest.raises(RequestError, match="no card"):
        updated_card(spec(), "# My notes\n")
