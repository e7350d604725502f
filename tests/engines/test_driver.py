"""What the engines share, without one: cuts, further attempts, giving up."""

import pytest
from prep_stream import driver, terminal
from prep_stream.attempt import Outcome, Task, attempt
from prep_stream.driver import Ledger, Options, Range
from prep_stream.errors import PrepError
from prep_stream.program import Progress

import jobs

DONE = Outcome("a", 0)


def ledger(units, told=None, **options):
    return Ledger("fit", units, Options(**options), "plan.json", told)


@pytest.mark.parametrize("units, length, ranges", [(1, 1, 1), (100, 1, 100), (1000, 15, 67), (1_000_000, 64, 15_625)])
def test_cuts_follow_from_the_number_of_units_and_cover_all(units, length, ranges):
    cuts = ledger(units).cuts()
    assert len(cuts) == ranges and len(cuts[0]) == length
    assert [cut.start for cut in cuts[1:]] == [cut.end for cut in cuts[:-1]]
    assert (cuts[0].start, cuts[-1].end) == (0, units)


def test_a_unit_that_kills_its_process_is_found_and_named_after_bounded_attempts():
    for poison in range(8):
        book, waiting, attempts = ledger(8), [Range(0, 8)], 0
        with pytest.raises(PrepError) as caught:
            while waiting:
                piece = waiting.pop(0)
                attempts += 1
                dies = piece.start <= poison < piece.end
                waiting += book.settle(piece, Outcome("a", -6) if dies else DONE)
        assert f"unit {poison} of pass fit failed 3 times" in caught.value.message
        assert f"--unit {poison}" in caught.value.hint
        assert (caught.value.kind, caught.value.exit_code) == ("unit-failed", 70)
        assert attempts <= 3 * 2 + 3 + 3
        assert book.done == 7


def test_an_error_with_a_message_is_that_of_the_job():
    book, piece = ledger(4), Range(0, 4)
    error = PrepError("damaged page", "data", "in/a.parquet", "leave it out", 3)
    assert book.settle(piece, Outcome("a", 3, error)) == [piece]
    assert book.settle(piece, Outcome("b", 3, error)) == [piece]
    assert piece.failed_on == {"a", "b"}
    with pytest.raises(PrepError) as caught:
        book.settle(piece, Outcome("c", 3, error))
    assert caught.value.exit_code == 3 and caught.value.place == "in/a.parquet"
    assert caught.value.message == "units 0..4 of pass fit failed 3 times, at last on c: damaged page"


def test_of_two_attempts_at_a_range_the_first_counts():
    told = []
    book, piece = ledger(2, told.append), Range(0, 2)
    assert book.settle(piece, DONE) == [] and book.settle(piece, DONE) == []
    assert book.settle(piece, Outcome("b", -9)) == []
    assert [(progress.event, progress.units) for progress in told] == [("started", 0), ("finished", 2)]


def test_an_attempt_ends_at_its_deadline_or_when_the_plan_is_gone(tmp_path):
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    sleeper = str(jobs.script(tmp_path / "sleeper", "exec sleep 100"))
    late = attempt(Task(str(plan), sleeper, 1, "1GiB", 0.6), "fit", 0, 1, "here")
    assert "stopped after 1 seconds" in str(late.error) and late.is_crash
    plan.unlink()
    gone = attempt(Task(str(plan), sleeper, 1, "1GiB", 60), "fit", 0, 1, "here")
    assert "plan is gone" in str(gone.error) and gone.seconds < 30


def test_nothing_an_attempt_meets_is_raised(tmp_path):
    (tmp_path / "plan.json").write_text("{}")
    plan = str(tmp_path / "plan.json")
    absent = attempt(Task(plan, str(tmp_path / "absent"), 1, None, 9), "fit", 0, 1, "here")
    assert absent.error.kind == "missing" and not absent.is_crash
    damaged = attempt(Task(plan, jobs.PREP, 1, None, 9), "fit", 0, 1, "here")
    assert damaged.error.kind == "published" and damaged.code == 3


def test_a_plan_elsewhere_is_found_by_its_root():
    task = Task("/lake/plan.json", None, 1, None, 1, ("/other=/x", "/lake=/mnt/lake"))
    assert task.here(task.plan) == "/mnt/lake/plan.json"
    assert task.here("/lakes/plan.json") == "/lakes/plan.json"


def test_the_process_that_plans_is_told_of_as_pass_plan(capsys):
    told = []
    tell = driver.planning(told.append)
    begun = Progress("started", "split", bytes_total=24_000_000)
    parsed = Progress("advanced", "split", rows=0, bytes=8_000_000)
    of_footers = Progress("advanced", "plan", rows=0, bytes=0)
    warning = Progress("warning", warning="a class of one row")
    for progress in (of_footers, begun, parsed, warning, Progress("finished", "split", seconds=1.0)):
        tell(progress)
    assert told == [Progress("advanced", "plan", rows=0, bytes=8_000_000, bytes_total=24_000_000), warning]
    printer = terminal.Printer(is_json=False, is_quiet=False)
    printer(told[0])
    assert "prep: plan: 8 of 24 MB" in capsys.readouterr().err
