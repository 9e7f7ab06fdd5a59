import json

import pytest
from PIL import Image

from drbench import registry
from drbench.cli import run
from drbench.data.card import render_card_head
from drbench.data.opening import find_dataset


def test_list_gives_name_distribution_and_summary_of_each(capsys) -> None:
    assert run(["datasets", "list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["name", "from", "summary"]
    assert [line.split()[0] for line in lines[1:]] == registry.names("dataset")
    assert all(" drbench " in line and line.endswith(".") for line in lines[1:])


def test_show_gives_the_whole_spec(capsys) -> None:
    spec = find_dataset("color_dsprites").spec
    assert run(["datasets", "show", "color_dsprites"]) == 0
    out = capsys.readouterr().out
    for text in (*spec.factor_names, spec.licence, spec.citation, spec.homepage, "5160960"):
        assert text in out
    assert run(["datasets", "show", "color_dsprites", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document.pop("from").startswith("drbench ")
    assert document == spec.model_dump(mode="json")


def test_fetch_hands_the_spec_and_the_root_to_data_fetch(tmp_path, monkeypatch, capsys) -> None:
    asked = []
    monkeypatch.setattr(
        "drbench.data.files.fetch.fetch", lambda *args: asked.append(args) or tmp_path
    )
    assert run(["datasets", "fetch", "dsprites", "--root", str(tmp_path)]) == 0
    assert asked == [(find_dataset("dsprites").spec, tmp_path)]
    assert capsys.readouterr().out == f"{tmp_path}\n"


def test_card_prints_the_head_and_updates_a_file(tmp_path, capsys) -> None:
    assert run(["datasets", "card", "dsprites"]) == 0
    head = capsys.readouterr().out
    assert head == render_card_head(find_dataset("dsprites").spec)
    file = tmp_path / "dsprites.md"
    file.write_text(head.replace("White sprites", "Black sprites") + "\nProse.\n")
    assert run(["datasets", "card", "dsprites", "--out", str(file)]) == 0
    assert file.read_text() == head + "\nProse.\n"


def test_preview_writes_a_picture(tmp_path, capsys) -> None:
    file = tmp_path / "sheet.png"
    command = ["datasets", "preview", "dsprites", "--origin", "rendered", "--resize", "32"]
    assert run([*command, "--out", str(file)]) == 0
    assert capsys.readouterr().out == f"{file}\n"
    with Image.open(file) as image:
        assert image.format == "PNG"
    assert run(["datasets", "preview", "coil100", "--origin", "rendered"]) == 2


def test_show_names_a_folder_and_says_its_content(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("DRBENCH_CACHE", str(tmp_path / "cache"))
    for name in ("obj1__0.png", "obj1__5.png", "obj2__0.png", "obj2__5.png"):
        (tmp_path / "photos").mkdir(exist_ok=True)
        Image.new("RGB", (4, 4)).save(tmp_path / "photos" / name)
    command = ["datasets", "show", f"folder:{tmp_path}/photos"]
    options = ["--pattern", "obj{object}__{angle}.png", "--name", "mine"]
    assert run([*command, *options, "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["name"], document["origins"]) == ("folder:mine", ["own"])
    assert [factor["name"] for factor in document["factors"]] == ["object", "angle"]
    assert len(find_dataset("folder:mine", content=document["content"]).spec.factors) == 2
    assert str(tmp_path) not in json.dumps(document)
    sheet = ["--out", str(tmp_path / "sheet.png")]
    assert run(["datasets", "preview", command[-1], *options[:2], *sheet]) == 0
    assert run(["datasets", "check", command[-1], *options[:2]]) == 0


def test_check_lists_what_it_finds_and_fails_on_a_problem(samples, monkeypatch, capsys) -> None:
    assert run(["datasets", "check", "coil100", "--root", str(samples)]) == 1
    printed = capsys.readouterr()
    assert "1,440 images were read" in printed.out
    assert "1 problem in the files" in printed.err
    assert run(["datasets", "check", "coil100"]) == 1
    assert "drbench datasets fetch coil100" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["show", "fetch", "check", "preview", "card"])
def test_an_unknown_data_set_is_a_wrong_request(command: str, capsys) -> None:
    assert run(["datasets", command, "coil10"]) == 2
    assert "did you mean 'coil100'?" in capsys.readouterr().err
