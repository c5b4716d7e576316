"""The faults themselves: each is felt, and what survives it is judged rightly."""

import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from assistant.doctor import REBUILD, SPARE_BYTES
from assistant.settings import Settings
from evals.torture import damage, disks, full_disk, power, surroundings
from evals.torture.commands import Commands
from evals.torture.compare import compare_at_the_end
from evals.torture.load import LoadReport, run_load, stations, wrong_in
from evals.torture.made import made_up, write_overlapping
from evals.torture.outcome import Outcome, table
from evals.torture.plan import Plan

MOUNTS = pytest.mark.skipif(not disks.can_mount(), reason="needs the right to mount")


@pytest.fixture
def plan(tmp_path: Path, models_folder: Path) -> Plan:
    settings = Settings(
        home=tmp_path / "home", models=models_folder, model="extractive", offline=True
    )
    return Plan(settings=settings, trials=2, papers=20, seed=1, say=lambda _: None)


def judged(outcomes: list[Outcome], trials: int) -> None:
    assert all(one.is_clean for one in outcomes), table(outcomes)
    assert sum(one.trials for one in outcomes) >= trials


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_power_cut_loses_nothing_that_was_reported(plan: Plan) -> None:
    judged(power.run_power_cuts(plan), 4)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_full_disk_is_said_and_loses_nothing(plan: Plan) -> None:
    judged(full_disk.run_full_disks(plan), 2)


@MOUNTS
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_read_only_file_system_is_said(plan: Plan) -> None:
    judged(surroundings.run_read_only(plan), 10)


@pytest.mark.skipif(not surroundings.clock_library(), reason="needs the package libfaketime")
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_clock_set_back_confuses_nothing(plan: Plan) -> None:
    judged(surroundings.run_clock_back(plan), 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_damage_is_seen_and_repaired(plan: Plan) -> None:
    judged(damage.run_damage(plan), 2)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_askers_get_their_own_answers(plan: Plan) -> None:
    report = run_load(plan, 15, 12, 1)
    # In a quarter of a minute, memory says nothing yet.
    wrong = [one for one in report.outcome.wrong if not one.startswith("memory")]
    assert wrong == []
    assert report.outcome.trials > 0  # How many says the machine.
    assert report.written


def test_a_plan_ends_in_time(plan: Plan) -> None:
    assert not plan.is_over
    late = Plan(
        settings=plan.settings, trials=9, papers=20, seed=1, say=plan.say,
        until=time.monotonic() - 1,
    )  # fmt: skip
    assert late.is_over
    assert [one.trials for one in power.run_power_cuts(late)] == [0, 0]


@pytest.mark.parametrize("way", damage.WAYS)
def test_each_way_changes_a_file(tmp_path: Path, way) -> None:
    path = tmp_path / "file"
    path.write_bytes(bytes(range(200)))
    way(path, random.Random(1))
    assert not path.exists() or path.read_bytes() != bytes(range(200))


def test_tracebacks_are_seen() -> None:
    outcome = Outcome(fault="kill")
    outcome.heard("Error: no such file")
    assert outcome.is_clean
    outcome.heard("some lines\nTraceback (most recent call last):\n  File …")
    assert outcome.tracebacks == 1
    assert not outcome.is_clean
    assert "Traceback" in table([outcome])


def test_what_was_not_tried_is_no_clean_row() -> None:
    lines = table([Outcome(fault="kill", trials=1), Outcome(fault="flood")]).splitlines()
    assert lines[1].startswith("kill")
    assert lines[2:] == ["not tried: flood"]


def test_a_command_that_outlives_its_limit_is_killed(tmp_path: Path, models_folder: Path) -> None:
    outcome = Outcome()
    run = Commands(home=tmp_path, models=models_folder, outcome=outcome)
    assert run.run("list", limit=0.01).code is None
    assert outcome.is_clean
    run.must("show", "nothing-of-this-name")
    assert "There is no paper" in outcome.wrong[0]


@MOUNTS
def test_a_copy_of_the_drive_lacks_what_was_not_synced(tmp_path: Path) -> None:
    drive = disks.Drive(tmp_path / "drive", 16 * 2**20)
    with disks.mounted(drive.image, tmp_path / "at") as at:
        with (at / "synced").open("wb") as file:
            file.write(b"x" * 10_000)
            file.flush()
            os.fsync(file.fileno())
        (at / "unsynced").write_bytes(b"x" * 10_000)
        drive.after_power_cut(tmp_path / "copy")
    with disks.mounted(tmp_path / "copy", tmp_path / "again") as again:
        assert (again / "synced").read_bytes() == b"x" * 10_000
        unsynced = again / "unsynced"
        assert not unsynced.exists() or unsynced.stat().st_size == 0


@MOUNTS
def test_a_drive_is_copied_quickly_whatever_its_size(tmp_path: Path) -> None:
    drive = disks.Drive(tmp_path / "drive")
    copy = tmp_path / "copy"
    copy.write_bytes(b"what an earlier copy held")
    with disks.mounted(drive.image, tmp_path / "at") as at:
        assert shutil.disk_usage(at).free > SPARE_BYTES
        drive.after_power_cut(copy)
    assert copy.stat().st_size == disks.ROOMY
    assert copy.stat().st_blocks * 512 < disks.ROOMY / 20
    with disks.mounted(copy, tmp_path / "again") as again:
        assert shutil.disk_usage(again).free > SPARE_BYTES


@pytest.mark.parametrize(
    "blocks", [b"", b"x", b"0x0", b"00000x", b"x00000", b"000x00x0", b"0000"], ids=repr
)
def test_holes_are_skipped_and_nothing_else(tmp_path: Path, blocks: bytes) -> None:
    path = tmp_path / "image"
    with path.open("wb") as file:
        for place, block in enumerate(blocks.decode()):
            if block == "x":
                file.seek(place * disks.BLOCK + 5)
                file.write(b"x")
        file.truncate(len(blocks) * disks.BLOCK)
    read = bytearray(len(blocks) * disks.BLOCK)
    places = []
    for start, block in disks.written(path):
        places.append(start // disks.BLOCK)
        read[start : start + len(block)] = block
    assert bytes(read) == path.read_bytes()
    assert places == [place for place, block in enumerate(blocks.decode()) if block == "x"]


@MOUNTS
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_doctor_names_mends_a_library_on_a_drive(plan: Plan, tmp_path: Path) -> None:
    outcome, papers = Outcome(), made_up(plan.papers, random.Random(1))
    write_overlapping(tmp_path / "papers", papers)
    drive = disks.Drive(tmp_path / "drive")
    with disks.mounted(drive.image, tmp_path / "at") as at:
        run = Commands(home=at / "home", models=plan.settings.models, outcome=outcome)
        run.must("add", str(tmp_path / "papers"))
        largest = damage.Part(name="the words", pattern="library/words/*").files(run.home)[0]
        damage.empty(largest, random.Random(1))
        # It fails where any fault is left, one of the disk, too.
        assert REBUILD in [check["repair"] for check in run.repair()]
        compare_at_the_end(run.home, plan.settings, papers, outcome, "on a drive")
    assert outcome.is_clean, outcome


@MOUNTS
def test_a_small_disk_fills_and_a_fixed_one_refuses(tmp_path: Path) -> None:
    with disks.tmpfs(tmp_path, disks.PAGE * 4):
        with pytest.raises(OSError, match="No space"):
            (tmp_path / "large").write_bytes(b"x" * disks.PAGE * 8)
        disks.resize(tmp_path, disks.PAGE * 40)
        (tmp_path / "large").write_bytes(b"x" * disks.PAGE * 8)
        with disks.read_only(tmp_path), pytest.raises(OSError, match="Read-only"):
            (tmp_path / "more").write_bytes(b"x")


def test_wrong_and_mixed_up_answers_are_seen() -> None:
    one, other = stations(2, 5)
    sentence = one.abstract.split(". ")[1] + "."
    start = one.abstract.index(sentence)
    citation = {"paper": {"id": one.id}, "sentence": sentence, "start": start,
                "end": start + len(sentence)}  # fmt: skip
    answer = {"question": "q", "text": sentence, "citations": [citation]}
    assert wrong_in(answer, "q", one) == ""
    assert "got the answer to" in wrong_in(answer, "another", one)
    assert "isn't answered" in wrong_in(answer, "q", other)
    assert "own words" in wrong_in(answer | {"citations": [citation | {"start": 0}]}, "q", one)
    assert "no citation" in wrong_in(answer | {"citations": []}, "q", one)


def test_figures_of_the_load_are_stated() -> None:
    report = LoadReport(Outcome(fault="load"), 60.0, 50, 2)
    assert "too few" in str(report)
    report.waits = [0.1] * 99 + [2.0]
    report.memory = [2**30] * 4 + [2**31] * 4
    assert "p95 0.10 s" in str(report)
    assert report.early_and_late == (1024, 2048)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_command_prints_its_table(tmp_path: Path, models_folder: Path) -> None:
    environ = {**os.environ, "ASSISTANT_MODELS": str(models_folder)}
    made = subprocess.run(
        [sys.executable, "-m", "evals", "torture", "--only", "damage", "--count", "3",
         "--papers", "12"],
        env=environ, capture_output=True, text=True, timeout=580,
    )  # fmt: skip
    assert made.returncode == 0, made.stdout + made.stderr
    assert made.stdout.splitlines()[0].split() == ["fault", "trials", "lost", "doubled",
                                                   "tracebacks", "other"]  # fmt: skip
    assert "damage to the catalog" in made.stdout
