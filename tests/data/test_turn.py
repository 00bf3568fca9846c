"""The turn to write is handed on in the order in which threads came."""

import threading
import time

from data.turn import Turn


def test_the_turn_is_handed_on_in_order() -> None:
    turn, served, threads = Turn(), [], []
    assert turn.take(0)

    def writer(k: int) -> None:
        assert turn.take(30)
        assert turn.is_mine()
        served.append(k)
        turn.give()

    for k in range(20):
        thread = threading.Thread(target=writer, args=(k,))
        thread.start()
        threads.append(thread)
        while len(turn._waiting) <= k:  # this one waits before the next comes
            time.sleep(0.001)
    turn.give()
    for thread in threads:
        thread.join(30)
    assert served == list(range(20))


def test_who_does_not_get_the_turn_in_time_leaves_the_queue() -> None:
    turn = Turn()
    assert turn.take(0)
    late: list[bool] = []
    thread = threading.Thread(target=lambda: late.append(turn.take(0.01)))
    thread.start()
    thread.join(30)
    assert late == [False]
    assert turn.is_mine()
    turn.give()
    assert not turn.is_mine()
    assert turn.take(0)


def test_nobody_is_inside_together_with_another() -> None:
    turn, inside, most = Turn(), 0, 0

    def writer() -> None:
        nonlocal inside, most
        for _ in range(200):
            if turn.take(30):
                inside += 1
                most = max(most, inside)
                inside -= 1
                turn.give()

    threads = [threading.Thread(target=writer) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert (inside, most) == (0, 1)
