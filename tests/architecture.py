"""Draws the layers in docs/architecture.md from pyproject.toml and the real imports, as a part of `make format`."""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterable, Iterator
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "architecture.md"
BEGIN = "<!-- drawn by `make format` from {} -->"
END = "<!-- end of {} -->"

# Each child of a package with the children that it imports.
Imports = dict[str, set[str]]


def layers() -> list[list[str]]:
    """Return the layers of `savings`, the highest first, as the contract of import-linter lists them."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    [listed] = [contract["layers"] for contract in contracts if contract.get("containers") == ["savings"]]
    return [[name.strip() for name in layer.split("|")] for layer in listed]


def imports_within(package: str) -> Imports:
    """Return the modules and packages directly in a package, and which of the others each one imports."""
    graph = grimp.build_graph(package, cache_dir=None)
    found: Imports = {module.rpartition(".")[2]: set() for module in graph.find_children(package)}
    for importer in graph.modules - {package}:
        for imported in graph.find_modules_directly_imported_by(importer) - {package}:
            upper, lower = importer.split(".")[1], imported.split(".")[1]
            if upper != lower:
                found[upper].add(lower)
    return found


def drawing_of_savings() -> str:
    """Return the layers of `savings` as a Mermaid graph, and a table of its modules with every import."""
    imports = imports_within("savings")
    imports.pop("migrations", None)
    lines = ["```mermaid", "flowchart TD"]
    for number, layer in enumerate(layers(), 1):
        nodes = "; ".join(layer)
        lines += [
            f'    subgraph layer{number}["layer {number}"]',
            "        direction LR",
            f"        {nodes}",
            "    end",
        ]
    lines += [f"    {upper} --> {lower}" for upper, lower in _without_implied(imports)]
    lines += ["```", "", "| Layer | Module | Its first sentence | Imports |", "|--:|---|---|---|"]
    for number, layer in enumerate(layers(), 1):
        lines += [
            f"| {number} | `{name}` | {_first_sentence('savings', name)} | {_listed(imports[name])} |"
            for name in layer
        ]
    return "\n".join(lines)


def drawing_of_web() -> str:
    """Return a table of the layers and modules of `web`, with every import between them."""
    imports = imports_within("web")
    lines = ["| Module | Its first sentence | Imports |", "|---|---|---|"]
    lines += [
        f"| `{name}` | {_first_sentence('web', name)} | {_listed(imports[name])} |"
        for name in sorted(imports)
    ]
    return "\n".join(lines)


def drawn(text: str) -> str:
    """Return the text of the page with its two drawings as the code is now."""
    for package, drawing in (("savings", drawing_of_savings()), ("web", drawing_of_web())):
        before, _, rest = text.partition(BEGIN.format(package))
        _, _, after = rest.partition(END.format(package))
        text = f"{before}{BEGIN.format(package)}\n\n{drawing}\n\n{END.format(package)}{after}"
    return text


def _first_sentence(package: str, name: str) -> str:
    path = ROOT / package / f"{name}.py"
    source = (path if path.exists() else ROOT / package / name / "__init__.py").read_text()
    return (ast.get_docstring(ast.parse(source)) or "").partition("\n\n")[0].replace("\n", " ")


def _without_implied(imports: Imports) -> Iterator[tuple[str, str]]:
    """Yield the imports that no longer path implies. With all of them the picture would be unreadable."""
    for upper in sorted(imports):
        below = {name for lower in imports[upper] for name in _everything_below(lower, imports)}
        for lower in sorted(imports[upper] - below):
            yield upper, lower


def _everything_below(module: str, imports: Imports) -> set[str]:
    found: set[str] = set()
    waiting = list(imports[module])
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += imports[name]
    return found


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in sorted(names)) or "–"


if __name__ == "__main__":
    PAGE.write_text(drawn(PAGE.read_text()))
