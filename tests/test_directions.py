"""One direction of imports, through the whole of drbench."""

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in (ROOT / "drbench").rglob("*.py")
}


def imported(path: Path) -> Iterator[str]:
    """Modules of drbench that a file imports when it runs, wherever in it."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and id(node) not in typing_only:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def test_no_module_and_no_room_imports_back():
    for depth, what in ((9, "module"), (2, "room")):
        arrows: dict[str, set[str]] = {}
        for module, path in MODULES.items():
            start = ".".join(module.split(".")[:depth])
            ends = {".".join(m.split(".")[:depth]) for m in imported(path) if m in MODULES}
            arrows.setdefault(start, set()).update(ends - {start, "drbench"})
        while leaves := {name for name, ends in arrows.items() if not ends & arrows.keys()}:
            arrows = {name: ends for name, ends in arrows.items() if name not in leaves}
        assert not arrows, f"these import each other, or what does, {what} by {what}: {[*arrows]}"
