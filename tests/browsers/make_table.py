"""Write table.json from a checkout of mdn/browser-compat-data: `python -m tests.browsers.make_table FOLDER`."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.browsers import OLDEST, TABLE_FILE

_PREFIX = re.compile(r"\b-(moz|webkit|ms)-|^(moz|webkit)[A-Z]")


def main(folder: Path) -> None:
    found = {
        "properties": _kind(folder, "css/properties", depth=1),
        "values": _kind(folder, "css/properties", depth=2),
        "functions": _leaves(folder, "css/types"),
        "selectors": _kind(folder, "css/selectors", depth=1),
        "at_rules": _kind(folder, "css/at-rules", depth=1),
        "media": _kind(folder, "css/at-rules/media.json", depth=1),
        "elements": _kind(folder, "html/elements", depth=1),
        "attributes": _attributes(folder),
        "members": _members(folder),
    }
    # Of these the names are known to be complete, so that a test can refuse an unknown one.
    for kind in found.keys() - {"properties", "selectors", "at_rules"}:
        del found[kind]["has"]
    TABLE_FILE.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n")


def _kind(folder: Path, path: str, *, depth: int) -> dict[str, Any]:
    return _sorted({".".join(names): c for names, c in _compat(folder, path) if len(names) == depth})


def _leaves(folder: Path, path: str) -> dict[str, Any]:
    """Return the functions and units of CSS by their own names."""
    leaves = list(_compat(folder, path))
    # Some names are there twice: what one of them lacks, the other may have.
    has = {names[-1] for names, compat in leaves if not _lacks(compat)}
    return _sorted({names[-1]: compat for names, compat in leaves if names[-1] not in has})


def _attributes(folder: Path) -> dict[str, Any]:
    """Return HTML attributes as `element.attribute`, those of every element as `*.attribute`."""
    found = {".".join(names): c for names, c in _compat(folder, "html/elements") if len(names) == 2}
    for names, compat in _compat(folder, "html/global_attributes.json"):
        if len(names) == 1:
            found[f"*.{names[0]}"] = compat
    return _sorted(found)


def _members(folder: Path) -> dict[str, Any]:
    """Return the methods and properties of JavaScript that no object of an old browser has."""
    found: dict[str, list[Any]] = {}
    for path in ("javascript/builtins", "api"):
        for names, compat in _compat(folder, path):
            found.setdefault(names[-1].removesuffix("_static"), []).append(compat)
    return _sorted(
        {name: all_[0] for name, all_ in found.items() if name.isidentifier() and all(map(_lacks, all_))}
    )


def _compat(folder: Path, path: str) -> Iterator[tuple[list[str], dict[str, Any]]]:
    """Walk the features below that path: their names from there on, and their `__compat`."""
    start = folder / path
    skip = len(Path(path.removesuffix(".json")).parts)
    for file in sorted(start.rglob("*.json")) if start.is_dir() else [start]:
        for names, compat in _walk(json.loads(file.read_text()), []):
            # With an underscore it is the name of an aspect, which nobody can write.
            if len(names) > skip and "_" not in names[-1].removesuffix("_static"):
                yield names[skip:], compat


def _walk(node: dict[str, Any], names: list[str]) -> Iterator[tuple[list[str], dict[str, Any]]]:
    for key, value in node.items():
        if key == "__compat":
            yield names, value
        elif isinstance(value, dict):
            yield from _walk(value, [*names, key])


def _sorted(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Sort features into what the oldest browsers have and lack. Those with a prefix or in no browser stay away."""
    lacks = {name: _versions(compat) for name, compat in sorted(found.items()) if _lacks(compat)}
    return {
        "has": " ".join(sorted(name for name, compat in found.items() if not _lacks(compat))),
        "lacks": {name: said for name, said in lacks.items() if said != "- - -" and not _PREFIX.search(name)},
    }


def _versions(compat: dict[str, Any]) -> str:
    """Return the first version of each browser, in the order of OLDEST: "114 125 17", or "-" where there is none."""
    return " ".join(first[0] if (first := _first(compat, browser)) else "-" for browser in OLDEST)


def _lacks(compat: dict[str, Any]) -> bool:
    return any(not (first := _first(compat, name)) or first[1] > oldest for name, oldest in OLDEST.items())


def _first(compat: dict[str, Any], browser: str) -> tuple[str, tuple[int, ...]] | None:
    """Return the first version that has it without a prefix or a flag, for good."""
    said = compat["support"].get(browser) or []
    found = []
    for entry in said if isinstance(said, list) else [said]:
        version = entry.get("version_added")
        if (
            not version
            or version == "preview"
            or {"flags", "prefix", "alternative_name", "version_removed"} & set(entry)
        ):
            continue
        plain = str(version).lstrip("≤")
        found.append((plain, tuple(int(part) for part in plain.split("."))))
    return min(found, key=lambda pair: pair[1], default=None)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
