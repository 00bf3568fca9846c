"""The clients of the bench send whole requests and read whole answers, however they come; no answer counts twice."""

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from geo.errors import Unavailable
from web import bench_supplies
from web.bench_supplies import Job


class Answers(BaseHTTPRequestHandler):
    """A server that answers in two pieces and refuses every third request of a client."""

    protocol_version = "HTTP/1.1"
    keys: Counter[str]
    lots: Counter[str]
    length_said = True

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        key = self.headers["Idempotency-Key"]
        self.keys[key] += 1
        self.lots[body["lines"][0]["lot"]] += 1
        answer = b"x" * 3_000
        self.send_response(409 if key.endswith("-3") else 200)
        if self.length_said:
            self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer[:10])
        time.sleep(0.002)
        self.wfile.write(answer[10:])

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def job() -> Iterator[Job]:
    Answers.keys, Answers.lots, Answers.length_said = Counter(), Counter(), True
    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], "a=b", "X-Token", "t", "d1", "quilt", [120.8, 32.0]
        server.shutdown()
        thread.join(30)


def test_every_client_sends_its_requests_once_and_reads_each_answer_whole(job: Job) -> None:
    load = bench_supplies._clients(job, 5, 23)  # four each
    assert set(Answers.keys.values()) == {1}
    assert len(Answers.keys) == 20
    assert set(Answers.lots.values()) == {4}
    assert len(Answers.lots) == 5
    assert (len(load.times_ms), load.refused) == (15, 5)
    assert load.times_ms == sorted(load.times_ms)


def test_fewer_requests_than_clients_are_one_each(job: Job) -> None:
    load = bench_supplies._clients(job, 3, 1)
    assert len(load.times_ms) == len(Answers.keys) == 3


def test_an_answer_without_a_length_is_no_answer(job: Job) -> None:
    Answers.length_said = False
    with pytest.raises(Unavailable, match="length"):
        bench_supplies._clients(job, 1, 1)
