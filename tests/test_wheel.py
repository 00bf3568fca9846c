"""What is installed is whole: every file beside the code that the program reads is in the wheel."""

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("geo", "data", "layers", "web")
SOURCES = {".po", ".cfg"}  # of translations and their extraction; the wheel has what is made of them


def test_the_wheel_has_every_file_that_the_program_reads(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source / name)
    ignored = shutil.ignore_patterns("vendor", "__pycache__")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, source / name, ignore=ignored)
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
    options = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(tmp_path), "."]
    subprocess.run([*command, *options], cwd=source, check=True, timeout=300)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as packed:
        held = {name for name in packed.namelist() if not name.split("/")[0].endswith(".dist-info")}
    wanted = {
        path.relative_to(source).as_posix()
        for name in PACKAGES
        for path in (source / name).rglob("*")
        if path.is_file() and path.suffix not in SOURCES
    }
    assert {"web/guide/zh/start.md", "web/templates/board/base.html", "web/static/js/main.js"} <= wanted
    assert wanted - held == set()
