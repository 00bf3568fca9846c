"""The documents say what the code does."""

import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest

from web.cli import cli

ROOT = Path(__file__).resolve().parents[1]


def docs_script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("onemap_docs", ROOT / "scripts" / "docs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


PAGES = docs_script().PAGES


@pytest.mark.parametrize("name", sorted(PAGES))
def test_generated_page_is_current(name: str) -> None:
    assert (ROOT / "docs" / name).read_text(encoding="utf-8") == PAGES[name](), "run scripts/docs.py"


@pytest.mark.parametrize("readme", ["README.md", "README.zh-CN.md"])
def test_readme_names_real_commands_and_files(readme: str) -> None:
    text = (ROOT / readme).read_text(encoding="utf-8")
    named = set(re.findall(r"onemap ([a-z][a-z-]+)", text))
    assert named
    assert named <= set(cli.commands), named - set(cli.commands)
    links = re.findall(r"\]\(([^)#]+)\)", text)
    assert links
    assert [link for link in links if "://" not in link and not (ROOT / link).exists()] == []


def test_dependencies_page_names_every_direct_dependency() -> None:
    import configparser

    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg", encoding="utf-8")
    wanted = re.findall(r"^[A-Za-z-]+", config["options"]["install_requires"].strip(), re.M)
    text = (ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8").lower()
    assert [name for name in wanted if name.lower() not in text] == []


def test_the_page_of_the_ledger_says_what_may_follow_what() -> None:
    from data.orders import TRANSITIONS

    rows = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8").splitlines()
    said = {tuple(cell.strip() for cell in row.strip("|").split("|")) for row in rows if row.startswith("|")}
    for step in TRANSITIONS.values():
        needed = "needed" if step.needs_reason else ""
        assert (step.action, ", ".join(step.from_states) or "-", ", ".join(step.to_states), needed) in said
