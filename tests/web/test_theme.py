"""Light and dark: what a visitor chooses is kept, and every colour of the pages has its name in one file."""

import re
from pathlib import Path

import pytest
from flask import Flask

from tests.web.conftest import browser

ROOT = Path(__file__).resolve().parents[2]
STATIC, TEMPLATES = ROOT / "web" / "static", ROOT / "web" / "templates"
COLOURS = STATIC / "colours.css"
LITERAL = re.compile(
    r"#[0-9a-fA-F]{3,8}\b|\b(?:rgba?|hsla?|hwb|lab|lch|oklab|oklch|color)\("
    r"|(?<![\w-])(?:white|black|red|green|blue|gr[ae]y|orange|yellow|purple|navy|silver)(?![\w-])"
)
DECLARED = re.compile(r"^\s*(--[\w-]+): var\(--light, (.+?)\) var\(--dark, (.+?)\);$", re.MULTILINE)
USED = re.compile(r"var\((--[\w-]+)[,)]")
STYLES = sorted(path for path in STATIC.glob("*.css") if path != COLOURS)
SCRIPTS = sorted((STATIC / "js").rglob("*.js"))


def literals(style: str) -> list[str]:
    """The colours that a style sheet names by value, anywhere in what it declares."""
    bare = re.sub(r"/\*.*?\*/|url\([^)]*\)", "", style, flags=re.DOTALL)
    return [found for value in re.findall(r":([^;{}]+)[;}]", bare) for found in LITERAL.findall(value)]


def test_a_colour_by_value_is_found() -> None:
    assert literals("a { color: #fff; }") == ["#fff"]
    assert literals("a { color: #fff }") == ["#fff"]
    assert literals("#add:hover { color: var(--ink); }") == []
    assert literals("a { border: 1px solid red; }") == ["red"]
    assert literals("a { background: rgb(0 0 0 / 5%); }") == ["rgb("]
    assert literals("a { background: linear-gradient(#123456, transparent); } /* #fff */") == ["#123456"]


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_no_style_sheet_has_a_colour_of_its_own(path: Path) -> None:
    assert literals(path.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_script_has_a_colour_of_its_own(path: Path) -> None:
    text = re.sub(r"//.*|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    assert re.findall(r"[\"'`]#[0-9a-fA-F]{3,8}[\"'`]|rgba?\(|hsla?\(|[\"'](?:white|black|red)[\"']", text) == []


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_no_template_has_a_colour_of_its_own(path: Path) -> None:
    assert re.findall(r"(?:fill|stroke|color|style)=\"", path.read_text(encoding="utf-8")) == []


def test_every_colour_is_declared_for_both_and_used() -> None:
    text = COLOURS.read_text(encoding="utf-8")
    declared = DECLARED.findall(text)
    names = [name for name, _light, _dark in declared]
    assert len(names) == len(set(names)) > 60
    # A declaration that is not of both would slip through the pattern above.
    assert sorted(names) == sorted(re.findall(r"^\s*(--[\w-]+):", text, re.MULTILINE))
    assert "light-dark(" not in text, "browsers of before 2024 do not know it"
    others = "".join(path.read_text(encoding="utf-8") for path in (*STYLES, *SCRIPTS))
    used = set(USED.findall(others))
    own = set(re.findall(r"(--[\w-]+):", "".join(path.read_text(encoding="utf-8") for path in STYLES)))
    assert used - own - set(names) == set()
    # Those of a series are asked for by number: `chart-${k}`.
    assert {name for name in names if name not in used and f"{name[2:].rpartition('-')[0]}-${{" not in others} == set()


def test_the_risk_colours_are_the_same_in_both() -> None:
    declared = DECLARED.findall(COLOURS.read_text(encoding="utf-8"))
    risks = [(light, dark) for name, light, dark in declared if "--risk-" in name]
    assert len(risks) == 5
    assert all(light == dark for light, dark in risks)


@pytest.mark.parametrize("path", ["/", "/login", "/supplies", "/whatif", "/nowhere"])
def test_the_choice_is_kept_across_pages(app: Flask, path: str) -> None:
    client = browser(app)

    def page(address: str) -> str:
        return client.get(address, headers={"Accept": "text/html"}, follow_redirects=True).get_data(as_text=True)

    assert "data-theme=" not in page(path)
    assert '<meta name="color-scheme" content="light dark">' in page(path)
    assert 'data-theme="dark"' in page("/login?theme=dark")
    assert 'data-theme="dark"' in page(path)
    assert '<meta name="color-scheme" content="dark">' in page(path)
    assert 'data-choose-theme="dark" rel="nofollow" aria-current="true"' in page(path)
    assert 'data-theme="dark"' in page("/login?theme=pink"), "an unknown word changes nothing"
    assert "data-theme=" not in page("/login?theme=auto")
    assert "data-theme=" not in page(path)


def test_what_is_written_into_the_page_is_one_of_three_words(app: Flask) -> None:
    client = browser(app)
    client.set_cookie("theme", '"><script>')
    text = client.get("/login").get_data(as_text=True)
    assert "data-theme=" not in text
    assert '"><script>' not in text


def test_the_switch_keeps_the_rest_of_the_address(app: Flask) -> None:
    text = browser(app).get("/?layers=hospitals&theme=light").get_data(as_text=True)
    assert 'href="/?layers=hospitals&amp;theme=dark"' in text
