"""Answers kept as bytes: made once, compressed once, told apart by ETag."""

import gzip
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from functools import cached_property

from flask import Response, request

_WORTH_COMPRESSING = 1_000


@dataclass(frozen=True)
class Answer:
    """The bytes of one answer, its media type, and further headers."""

    body: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200

    @cached_property
    def tag(self) -> str:
        """A text that changes when the bytes do."""
        return hashlib.blake2b(self.body, digest_size=12).hexdigest()

    @cached_property
    def packed(self) -> bytes:
        """The bytes, compressed."""
        return gzip.compress(self.body, compresslevel=5, mtime=0)

    @property
    def is_packable(self) -> bool:
        """Whether compressing saves anything."""
        loose = self.media_type.startswith("text/") or any(kind in self.media_type for kind in ("json", "vector-tile"))
        return loose and len(self.body) >= _WORTH_COMPRESSING


def accepts_gzip() -> bool:
    """Whether the client can unpack gzip."""
    return request.accept_encodings["gzip"] > 0


def respond(answer: Answer) -> Response:
    """The answer for this request: packed where the client can unpack it, 304 where it has it already."""
    packed = answer.is_packable and accepts_gzip()
    response = Response(answer.packed if packed else answer.body, content_type=answer.media_type, status=answer.status)
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Cookie, Authorization"
    for name, value in answer.headers.items():
        response.headers[name] = value
    if packed:
        response.headers["Content-Encoding"] = "gzip"
    response.set_etag(answer.tag, weak=True)
    response.make_conditional(request)
    return response


class Kept:
    """A bounded shelf of answers; of several requests for one answer only the first makes it."""

    def __init__(self, max_bytes: int = 128 * 2**20) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._found: OrderedDict[Hashable, Answer] = OrderedDict()
        self._making: dict[Hashable, threading.Lock] = {}
        self._bytes = 0

    def answer(self, key: Hashable, make: Callable[[], Answer]) -> Answer:
        """The answer kept for `key`, made when there is none."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._found:
                    return self._found[key]
            try:
                answer = make()
                if answer.is_packable:
                    _ = answer.packed
                self._keep(key, answer)
            finally:
                with self._lock:
                    self._making.pop(key, None)
        return answer

    def _keep(self, key: Hashable, answer: Answer) -> None:
        with self._lock:
            self._found[key] = answer
            self._bytes += _weight(answer)
            while self._bytes > self._max_bytes and self._found:
                _, old = self._found.popitem(last=False)
                self._bytes -= _weight(old)


def _weight(answer: Answer) -> int:
    return len(answer.body) + (len(answer.packed) if answer.is_packable else 0)
