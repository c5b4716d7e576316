"""Working folders: gone afterwards, and those of the killed gone with the next."""

import os
import signal
import subprocess
import sys
from pathlib import Path

from assistant.library.scratch import scratch

HOLDS = """
import sys, time
from pathlib import Path
from assistant.library.scratch import scratch
with scratch(Path(sys.argv[1]), ".making-") as work:
    (work / "half").write_text("half")
    print("held", flush=True)
    time.sleep(60)
"""


def folders(parent: Path) -> list[str]:
    return sorted(path.name for path in parent.glob(".making-*"))


def test_gone_afterwards(tmp_path: Path) -> None:
    with scratch(tmp_path, ".making-") as work:
        assert list(work.iterdir()) == []
        assert len(folders(tmp_path)) == 1
    assert folders(tmp_path) == []


def test_one_in_use_stays_and_one_of_a_killed_process_goes(tmp_path: Path) -> None:
    (tmp_path / ".making-nothing").write_text("a file of the user's")
    with subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(tmp_path)], stdout=subprocess.PIPE
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        with scratch(tmp_path, ".making-"):
            assert len(folders(tmp_path)) == 3
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
    assert len(folders(tmp_path)) == 2
    with scratch(tmp_path, ".making-"):
        assert len(folders(tmp_path)) == 2
    assert folders(tmp_path) == [".making-nothing"]
