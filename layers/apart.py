"""Heavy work in a process of its own: it neither holds this one's interpreter nor keeps its memory."""

import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from geo.errors import Unavailable

T = TypeVar("T")

_CHILD = """
import os, pickle, sys
answers = sys.stdout.buffer
sys.stdout = sys.stderr
function, arguments = pickle.load(sys.stdin.buffer)
answer = pickle.dumps(function(*arguments), protocol=5)
try:
    answers.write(answer)
    answers.flush()
except BrokenPipeError:  # nobody waits any more
    os._exit(1)
"""


def run_apart(function: Callable[..., T], *arguments: object) -> T:
    """Call an importable function in a new process and wait for its answer.

    The parent's main module is not imported again there, as multiprocessing would; both ends of the
    pipe are ours, so pickle is safe.
    """
    root = str(Path(__file__).resolve().parents[1])
    paths = os.pathsep.join([root, *filter(None, [os.environ.get("PYTHONPATH")])])
    ended = subprocess.run(
        [sys.executable, "-P", "-c", _CHILD],
        input=pickle.dumps((function, arguments), protocol=5),
        stdout=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": paths},
        check=False,
        start_new_session=True,  # Ctrl-C is for the parent; the child then ends by itself, without a word
    )
    if ended.returncode != 0:
        raise Unavailable(f"{function.__name__} ended with code {ended.returncode} in its own process; see the log")
    answer: T = pickle.loads(ended.stdout)
    return answer
