"""The program as users start it, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def program(*arguments: str) -> list[str]:
    return [sys.executable, "-c", "from web.cli import main; main()", *arguments]


def clean_environment() -> dict[str, str]:
    return {k: v for k, v in os.environ.items() if not k.startswith("ONEMAP_")}


def serve(
    database: Path, *arguments: str, port: int = 0, settings: dict[str, str] | None = None
) -> tuple[subprocess.Popen[str], str, str]:
    """A server over a district, its address (no slash at the end) and what it said; `end` ends it."""
    process = subprocess.Popen(
        program("serve", "--db", str(database), "--port", str(port), *arguments),
        cwd=ROOT,
        env={**clean_environment(), **(settings or {})},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert process.stderr is not None
    said = ""
    for line in process.stderr:
        said += line
        if "the map is at " in line:
            break
    assert "the map is at " in said, said
    return process, said.split("the map is at ")[1].split()[0].rstrip("/"), said


def end(process: subprocess.Popen[str]) -> None:
    """Stop a server."""
    process.terminate()
    process.wait(60)
    assert process.stderr is not None
    process.stderr.close()
