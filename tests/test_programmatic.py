"""Asking from code: in an event loop, many at once, several libraries, and cancelled."""

import asyncio
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path

import pytest

from assistant import Assistant, Outcome, Question
from assistant.cancellation import Cancellation
from assistant.errors import CancelledError, QuestionError
from assistant.lazy import Once
from assistant.types import AnswerEvent, TextEvent
from tests import fakes
from tests.fakes import FakeServer
from tests.samples import HIVE, TWIGNET

Library = Callable[..., Assistant]
QUESTION = "How many of the weights of a ResNet-50 does TwigNet remove?"
BEES = "What did honeybees follow in fog?"
REMOVES = "TwigNet removes 92% of the weights of a ResNet-50 [1]."


# --- in an event loop -----------------------------------------------------------------------


def test_a_loop_asks_and_streams_the_same(quoting: Library) -> None:
    async def main() -> None:
        async with quoting(answerable_at=0.0) as assistant:
            answer = await assistant.aask(QUESTION)
            assert answer.citations[0].evidence.paper == TWIGNET
            assert answer.text == assistant.ask(QUESTION).text
            events = [event async for event in assistant.astream(QUESTION)]
            assert isinstance(events[-1], AnswerEvent)
            text = "".join(one.text for one in events if isinstance(one, TextEvent))
            assert text == answer.text
            found = await assistant.asearch("pruning at initialization", 2)
            assert found[0].paper == TWIGNET

    asyncio.run(main())


def test_many_questions_of_a_loop_run_together(quoting: Library) -> None:
    async def main() -> list[str]:
        async with quoting(answerable_at=0.0) as assistant:
            answers = await asyncio.gather(*[assistant.aask(one) for one in (QUESTION, BEES)])
            return [answer.citations[0].evidence.paper.id for answer in answers]

    assert asyncio.run(main()) == [TWIGNET.id, HIVE.id]


def test_an_error_reaches_whoever_awaits(quoting: Library) -> None:
    async def main() -> None:
        async with quoting() as assistant:
            await assistant.aask("  ")

    with pytest.raises(QuestionError, match="empty"):
        asyncio.run(main())


def test_the_loop_stays_free_while_a_model_is_waited_for(
    online: Library, server: FakeServer
) -> None:
    server.will(fakes.hangs)

    async def main() -> int:
        async with online() as assistant:
            asking = asyncio.create_task(assistant.aask(QUESTION))
            turns = 0
            while not server.bodies:
                await asyncio.sleep(0.01)
                turns += 1
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            return turns

    assert asyncio.run(main()) > 2


# --- cancelled ------------------------------------------------------------------------------


@pytest.fixture
def watching(server: FakeServer) -> FakeServer:
    """Return a server that never ends a reply, and notices that the client has left."""
    server.will(fakes.waits_until_left)
    return server


def test_another_thread_stops_the_model_at_once(online: Library, watching: FakeServer) -> None:
    cancellation = Cancellation()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(list, online().stream(QUESTION, cancellation=cancellation))
        assert watching.asked.wait(10)
        since = time.monotonic()
        cancellation.cancel()
        with pytest.raises(CancelledError, match="cancelled"):
            asking.result(5)
    assert watching.left.wait(5)
    assert time.monotonic() - since < 3
    assert len(watching.bodies) == 1


def test_a_cancelled_task_stops_the_model(online: Library, watching: FakeServer) -> None:
    async def main() -> None:
        assistant = online()
        task = asyncio.create_task(assistant.aask(QUESTION))
        await asyncio.to_thread(watching.asked.wait, 10)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(watching.left.wait, 5)

    asyncio.run(main())


def test_closing_stops_what_is_being_asked(online: Library, watching: FakeServer) -> None:
    assistant = online()
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(assistant.ask, QUESTION)
        assert watching.asked.wait(10)
        assistant.close()
        with pytest.raises(CancelledError):
            asking.result(5)
    assert watching.left.wait(5)


def test_a_reader_that_leaves_stops_the_model(online: Library, server: FakeServer) -> None:
    def behave(handler: fakes.Handler, body: fakes.Body) -> None:
        handler.begin_stream()
        handler.send_line(fakes._chunk(f"{REMOVES} It "))
        fakes.waits_until_left(handler, {})

    server.will(behave)
    events = online().stream(QUESTION)
    assert any(isinstance(event, TextEvent) for event in events)
    events.close()
    assert server.left.wait(5)


def test_one_word_replies_are_cancelled_too(quoting: Library, watching: FakeServer) -> None:
    from collections import Counter

    from assistant.adapters.openai_chat import OpenAIChat
    from assistant.types import Message

    model = OpenAIChat(model="m", api_key="", base_url=watching.address, timeout=20)
    cancellation = Cancellation()
    ours = model.metered(Counter(), cancellation)
    with ThreadPoolExecutor(1) as pool:
        asking = pool.submit(ours.yes_probability, [Message(role="user", content="yes?")])
        assert watching.asked.wait(10)
        cancellation.cancel()
        with pytest.raises(CancelledError):
            asking.result(5)
    assert watching.left.wait(5)


def test_a_cancellation_is_heard_by_who_listens_later_too() -> None:
    heard: list[int] = []
    cancellation = Cancellation()
    cancellation.check()
    with cancellation.telling(lambda: heard.append(1)):
        pass
    cancellation.cancel()
    cancellation.cancel()
    assert heard == []
    with cancellation.telling(lambda: heard.append(2)):
        assert heard == [2]
    assert cancellation.is_wished
    with pytest.raises(CancelledError):
        cancellation.check()


# --- many at once ---------------------------------------------------------------------------


def test_a_batch_keeps_the_order_and_its_faults(quoting: Library) -> None:
    assistant = quoting(answerable_at=0.0)
    asked = [QUESTION, " ", Question(text=BEES), Question(text=BEES, where="author:birch")]
    found = list(assistant.batch(asked, at_once=3))
    assert all(isinstance(one, Outcome) for one in found)
    assert [one.question.text for one in found] == [QUESTION, " ", BEES, BEES]
    assert isinstance(found[1].error, QuestionError)
    assert found[1].answer is None
    papers = [one.answer.evidence[0].paper for one in found if one.answer]
    assert papers == [TWIGNET, HIVE, TWIGNET]


def test_a_batch_asks_no_more_than_so_many_at_a_time(online: Library, server: FakeServer) -> None:
    now, most, lock = [0], [0], threading.Lock()

    def behave(handler: fakes.Handler, body: fakes.Body) -> None:
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        fakes.says(REMOVES)(handler, body)

    server.will(behave)
    found = list(online().batch([QUESTION] * 6, at_once=2))
    assert [one.answer is not None for one in found] == [True] * 6
    assert most[0] == 2


def test_a_batch_takes_questions_as_places_come_free(quoting: Library) -> None:
    taken: list[int] = []

    def endless() -> Iterator[str]:
        while True:
            taken.append(1)
            yield QUESTION

    outcomes = quoting(answerable_at=0.0).batch(endless(), at_once=2)
    assert next(outcomes).answer is not None
    outcomes.close()
    assert len(taken) <= 4


def test_a_batch_in_a_loop(quoting: Library) -> None:
    async def main() -> list[str]:
        assistant = quoting(answerable_at=0.0)
        async with assistant, aclosing(assistant.abatch([QUESTION, BEES])) as outcomes:
            return [one.answer.status async for one in outcomes if one.answer]

    assert asyncio.run(main()) == ["answered", "answered"]


# --- side by side ---------------------------------------------------------------------------


def test_several_libraries_in_one_process_do_not_mix(library: Library) -> None:
    weights, bees = library([TWIGNET], answerable_at=0.0), library([HIVE], answerable_at=0.0)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda one: one.ask(BEES).evidence, [weights, bees] * 4))
    assert [{one.paper.id for one in evidence} for evidence in found] == [
        {TWIGNET.id},
        {HIVE.id},
    ] * 4


def test_a_part_is_made_once_however_many_threads_ask() -> None:
    made: list[int] = []

    class Holder:
        def __init__(self) -> None:
            self._lock = threading.RLock()

        @Once
        def part(self) -> object:
            """Be slow to make."""
            made.append(1)
            time.sleep(0.05)
            return object()

    holder = Holder()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: holder.part, range(8)))
    assert len({id(one) for one in found}) == 1
    assert made == [1]
    assert Holder.part.__doc__ == "Be slow to make."
    del vars(holder)["part"]
    assert holder.part is not found[0]


# --- what the package costs -----------------------------------------------------------------


def test_import_takes_no_time() -> None:
    code = "import time; s = time.perf_counter(); import assistant; print(time.perf_counter() - s)"

    def seconds() -> float:
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return float(done.stdout)

    assert min(seconds() for _ in range(5)) <= 0.15


def test_no_event_loop_is_loaded_before_it_is_needed() -> None:
    code = "import sys; from assistant import Assistant; print('asyncio' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == "False"


@pytest.mark.slow
def test_a_checker_sees_the_types(tmp_path: Path) -> None:
    """`py.typed` counts: a wrong use is found where the package is imported from."""
    use = tmp_path / "use.py"
    use.write_text(
        "from assistant import Answer, Assistant\n"
        "async def main(assistant: Assistant) -> Answer:\n"
        "    for outcome in assistant.batch(['a']):\n"
        "        print(outcome.answer.text if outcome.answer else outcome.error)\n"
        "    return await assistant.aask(1)\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--no-incremental", use],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).resolve().parents[1],
    )
    assert 'use.py:5: error: Argument 1 to "aask"' in done.stdout
    assert "Found 1 error" in done.stdout
