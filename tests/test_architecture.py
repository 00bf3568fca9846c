"""The house rules that a program can check."""

import ast
import importlib
import inspect
import pkgutil
from pathlib import Path
from types import FunctionType

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("geo", "data", "layers", "web")


def geo_functions() -> list[tuple[str, FunctionType]]:
    """Every public function of the spatial core."""
    geo = importlib.import_module("geo")
    found = []
    for info in pkgutil.walk_packages(geo.__path__, "geo."):
        module = importlib.import_module(info.name)
        for name, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == info.name and not name.startswith("_"):
                found.append((f"{info.name}.{name}", value))
    return found


FUNCTIONS = geo_functions()


def test_the_core_has_functions_to_check() -> None:
    assert len(FUNCTIONS) > 20


@pytest.mark.parametrize("function", [f for _, f in FUNCTIONS], ids=[n for n, _ in FUNCTIONS])
def test_public_geo_function_says_what_it_promises(function: FunctionType) -> None:
    text = inspect.getdoc(function) or ""
    missing = [
        clause for clause in ("Returns", "Notes", "CRS:", "Cost:", "Invariant:", "Source:") if clause not in text
    ]
    if inspect.signature(function).parameters:
        missing += [] if "Parameters" in text else ["Parameters"]
    if "raise " in inspect.getsource(function) and "Raises" not in text:
        missing.append("Raises")
    assert not missing, f"docstring lacks {missing}"


def python_files() -> list[Path]:
    return sorted(p for package in PACKAGES for p in (ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", python_files(), ids=lambda p: str(p.relative_to(ROOT)))
def test_module_and_public_definitions_have_docstrings(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    bare = [] if ast.get_docstring(tree) else ["the module"]
    for node in tree.body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
            bare += [] if ast.get_docstring(node) else [node.name]
    assert not bare


def test_no_module_is_called_by_what_it_is_not() -> None:
    names = {p.stem for p in python_files()}
    assert not names & {"utils", "util", "helpers", "helper", "common", "base", "core", "misc", "managers"}


def test_only_the_index_uses_rtree_and_only_the_atlas_uses_folium() -> None:
    users: dict[str, set[str]] = {"rtree": set(), "folium": set(), "routingkit_cch": set()}
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            modules = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            for module in modules:
                if module.split(".")[0] in users:
                    users[module.split(".")[0]].add(str(path.relative_to(ROOT)))
    assert users == {
        "rtree": {"geo/index.py"},
        "folium": {"layers/html.py"},
        "routingkit_cch": {"geo/times.py"},
    }


def test_pages_and_scripts_name_no_outside_address() -> None:
    bad = []
    for folder in ("web/templates", "web/static"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in (".html", ".js", ".css") and "vendor" not in path.parts:
                text = path.read_text(encoding="utf-8").replace("http://www.w3.org/", "")
                bad += [str(path)] if "http://" in text or "https://" in text else []
    assert not bad
