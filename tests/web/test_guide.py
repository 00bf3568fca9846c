"""The guide: every panel and page leads to its section, in both languages, from the server alone."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from markdown_it import MarkdownIt

from geo.errors import NotFound
from tests.web.conftest import browser
from web import guide_pages
from web.guide_pages import FOLDER, PAGES, PANELS, RULES, guide_page, section_of

LANGUAGES = ("zh", "en")


class Links(HTMLParser):
    """The addresses of a page by the attribute that has them, and its ids."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {"href": [], "src": [], "id": []}
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            self.found.setdefault(name, []).append(value or "")


def help_links(text: str) -> list[str]:
    """The links of a page to the guide that say what they are about."""
    return [match.group(1) for match in re.finditer(r'<a class="guide-link" href="([^"]+)"', text)]


def follows(client: FlaskClient, link: str, lang: str) -> bool:
    """Whether a link to the guide ends at a heading."""
    page, _, anchor = link.partition("#")
    answer = client.get(f"{page}?lang={lang}")
    text = answer.get_data(as_text=True)
    return answer.status_code == 200 and (not anchor or f'<h2 id="{anchor}">' in text)


def shown(app: Flask) -> list[str]:
    """The rules of the app that answer with a page for people on a board, of what-if or of accounts."""
    found = [
        rule.rule
        for rule in app.url_map.iter_rules()
        if "GET" in (rule.methods or ())
        and rule.rule.startswith(("/supplies", "/whatif", "/admin"))
        and not re.search(r"\.(xlsx|pdf|csv)$", rule.rule)
    ]
    assert len(found) > 25
    return found


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_panel_of_the_map_has_its_section(app: Flask, lang: str) -> None:
    client = browser(app)
    text = client.get(f"/?lang={lang}").get_data(as_text=True)
    panels = set(re.findall(r'role="tabpanel" id="panel-(\w+)"', text)) | {"layers", "workbench"}
    assert panels == set(PANELS)
    assert sorted(help_links(text)) == sorted(f"/help/{section}" for section in PANELS.values())
    assert [link for link in help_links(text) if not follows(client, link, lang)] == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_page_has_its_section(app: Flask, lang: str) -> None:
    client = browser(app)
    for rule in shown(app):
        assert follows(client, f"/help/{section_of(rule)}", lang), rule
    opened = 0
    for rule in shown(app):
        if "<" in rule:
            continue
        answer = client.get(f"{rule}?lang={lang}")
        if answer.status_code == 200:  # without the name of a result there is no page
            assert help_links(answer.get_data(as_text=True)) == [f"/help/{section_of(rule)}"], rule
            opened += 1
    assert opened > 15
    assert f'<a href="/help/{section_of("/field")}">' in client.get(f"/field?lang={lang}").get_data(as_text=True)
    for page in ("/login", "/password"):
        text = client.get(f"{page}?lang={lang}").get_data(as_text=True)
        assert help_links(text) == [f"/help/{section_of(page)}"]
    assert all(follows(client, f"/help/{section}", lang) for section in RULES.values())


def test_a_page_of_no_section_is_refused() -> None:
    with pytest.raises(NotFound, match="/elsewhere"):
        section_of("/elsewhere")
    with pytest.raises(NotFound, match="/suppliesx"):
        section_of("/suppliesx")
    assert section_of("/supplies/depots/<depot_id>/count") == "dispatch#count"
    assert section_of("/supplies/orders/<order_id>/issue") == "dispatch#order"


@pytest.mark.parametrize("name", PAGES)
def test_both_languages_have_the_same_sections_and_every_section_an_anchor(name: str) -> None:
    zh, en = (guide_page(name, lang) for lang in LANGUAGES)
    anchors = [anchor for anchor, _ in zh.sections]
    assert anchors == [anchor for anchor, _ in en.sections]
    assert "" not in anchors
    assert len(set(anchors)) == len(anchors)
    assert re.search(r"[\u4e00-\u9fff]", zh.title)
    assert not re.search(r"[\u4e00-\u9fff]", en.title)
    assert [Links(page.html).found["src"] for page in (zh, en)].count(Links(zh.html).found["src"]) == 2


def test_the_files_are_the_pages() -> None:
    for lang in LANGUAGES:
        assert {path.stem for path in (FOLDER / lang).iterdir()} == set(PAGES)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_link_and_picture_of_the_guide_is_there(app: Flask, lang: str) -> None:
    client = app.test_client()  # before the log-in too
    for name in PAGES:
        address = f"/help/{name}?lang={lang}"
        links = Links(client.get(address).get_data(as_text=True)).found
        assert len(links["href"]) > 8
        for link in links["href"] + links["src"]:
            if link.startswith("#"):
                assert link.removeprefix("#") in links["id"], (name, link)
            elif link.startswith("/help/"):
                with client.get(link) as answer:
                    assert answer.status_code == 200, (name, link)
            else:
                assert link.startswith(("/static/", "/", "?lang=")), (name, link)
                assert not link.startswith("//")
    used = {
        Path(source).name
        for name in PAGES
        for source in Links(client.get(f"/help/{name}?lang={lang}").get_data(as_text=True)).found["src"]
        if source.startswith("/help/images/")
    }
    assert used == {path.name for path in (FOLDER / "images").iterdir()}, "a picture that nobody sees"


def test_raw_html_is_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "start.md").write_text(
        "# <script>alert(1)</script>\n\n## [甲](staff.md#reach) 乙 {#a}\n\n<img src=x onerror=alert(1)> "
        "[bad](javascript:alert(1)) ![图](../images/p.png)\n\n|a|\n|-|\n|b|\n",
        encoding="utf-8",
    )
    monkeypatch.setattr(guide_pages, "FOLDER", tmp_path)
    guide_page.cache_clear()
    try:
        page = guide_page("start", "zh")
    finally:
        guide_page.cache_clear()
    assert "<script" not in page.html
    assert "<img src=x" not in page.html
    assert 'href="javascript' not in page.html
    assert page.sections == (("a", "甲 乙"),)
    assert '<h2 id="a"><a href="/help/staff#reach">甲</a> 乙</h2>' in page.html
    assert '<img src="/help/images/p.png" alt="图" />' in page.html
    assert "<table>" in page.html


def test_every_picture_says_what_it_shows() -> None:
    for path in FOLDER.glob("*/*.md"):
        tokens = MarkdownIt("commonmark").parse(path.read_text(encoding="utf-8"))
        pictures = [one for token in tokens for one in token.children or [] if one.type == "image"]
        assert all(one.content for one in pictures), path


def test_pages_and_pictures_that_are_not_there(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/help/nowhere").status_code == 404
    assert client.get("/help/images/..%2fzh%2fstart.md").status_code == 404
    with pytest.raises(NotFound, match="nowhere"):
        guide_page("nowhere", "zh")


def test_a_page_is_sent_once(app: Flask) -> None:
    client = app.test_client()
    first = client.get("/help/staff")
    again = client.get("/help/staff", headers={"If-None-Match": first.headers["ETag"]})
    assert (first.status_code, again.status_code) == (200, 304)
    assert client.get("/help/staff?lang=en", headers={"If-None-Match": first.headers["ETag"]}).status_code == 200
