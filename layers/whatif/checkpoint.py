"""Pieces of a long run, kept as they are finished, so that a run that was stopped goes on where it was."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from geo.errors import Conflict

_PIECE = "piece-{:06d}.npz"


class Checkpoint:
    """The finished pieces of one run in a folder of its own; each is there whole or not at all.

    A piece is arrays by name. Pieces are numbered without gaps, in the order in which they were finished.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @property
    def asked(self) -> dict[str, Any] | None:
        """What the run was asked, None where there is no such run."""
        try:
            found: dict[str, Any] = json.loads((self.folder / "asked.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else works on this run meanwhile; Conflict where somebody does."""
        self.folder.parent.mkdir(parents=True, exist_ok=True)
        with self.folder.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict("this run is under way in another process; wait for it or stop it") from None
            yield

    def begin(self, asked: Mapping[str, Any]) -> None:
        """Throw away what is left of an earlier run."""
        self.end()
        self.folder.mkdir(parents=True)
        self._write("asked.json", json.dumps(asked, ensure_ascii=False).encode())

    def pieces(self) -> list[dict[str, np.ndarray[Any, Any]]]:
        """The finished pieces in order."""
        found: list[dict[str, np.ndarray[Any, Any]]] = []
        while (path := self.folder / _PIECE.format(len(found))).is_file():
            with np.load(path, allow_pickle=False) as piece:
                found.append({name: piece[name] for name in piece.files})
        return found

    def keep(self, number: int, arrays: Mapping[str, Any]) -> None:
        """Keep one more piece."""
        part = self.folder / f".{number}.part"
        with part.open("wb") as file:
            np.savez(file, **arrays)
            file.flush()
            os.fsync(file.fileno())
        part.replace(self.folder / _PIECE.format(number))

    def end(self) -> None:
        """The run is over: nothing of it is left."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _write(self, name: str, content: bytes) -> None:
        part = self.folder / f".{name}.part"
        part.write_bytes(content)
        part.replace(self.folder / name)
