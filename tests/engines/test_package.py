"""The package as its users have it: functions, progress, errors."""

import pathlib

import jobs
import prep_stream
import pytest
from prep_stream import PrepError

WEATHER = jobs.PROJECT / "fixtures" / "weather"


def test_a_job_returns_its_report_and_tells_its_progress(tmp_path):
    told = []
    report = prep_stream.stream(WEATHER, tmp_path / "out", on_progress=told.append, label=["temp", "dewp"], test_size="0.1", no_report=True)
    assert report["output"] == str(tmp_path / "out")
    finished = [progress.pass_name for progress in told if progress.event == "finished"]
    assert finished == ["plan", "split", "fit", "write", "commit"]
    jobs.local(WEATHER, tmp_path / "typed", "--label=temp,dewp", "--test-size=0.1", "--no-report")
    assert jobs.digests(tmp_path / "out") == jobs.digests(tmp_path / "typed")


def test_units_by_hand_give_the_same_bytes(tmp_path):
    plan = tmp_path / "plan.json"
    planned = prep_stream.plan(WEATHER, tmp_path / "out", plan)
    assert planned["output"] == str(tmp_path / "out")
    for pass_name in ("split", "fit", "write"):
        prep_stream.run_unit(pass_name, plan, range(0, 1), threads=1)
        prep_stream.run_unit(pass_name, plan, 0)
    prep_stream.commit(plan)
    jobs.local(WEATHER, tmp_path / "local")
    assert jobs.digests(tmp_path / "out") == jobs.digests(tmp_path / "local")


@pytest.mark.parametrize(
    "inputs, flags, kind, code, place, hint",
    [
        ("nowhere", {}, "input", 3, "nowhere", "check --in"),
        (WEATHER, {"label": ["tempo"]}, "usage", 2, None, "temp"),
        (WEATHER, {"nonsense": True}, "usage", 2, None, "--help"),
        (WEATHER, {"memory": "1MiB"}, "budget", 6, None, ""),
    ],
)
def test_errors_are_exceptions_with_kind_place_hint_and_exit_code(tmp_path, inputs, flags, kind, code, place, hint):
    with pytest.raises(PrepError) as caught:
        prep_stream.stream(inputs, tmp_path / "out", **flags)
    error = caught.value
    assert (error.kind, error.exit_code) == (kind, code), repr(error)
    assert place is None or place in error.place
    assert hint in f"{error.hint} {error.message}"
    assert str(error).startswith(error.message)


def test_a_callback_that_raises_stops_the_job(tmp_path):
    def stop(progress):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        prep_stream.stream(WEATHER, tmp_path / "out", on_progress=stop)
    assert not (tmp_path / "out").exists()
    assert not [command for _, _, command in jobs.clusters.processes() if str(tmp_path) in command]


def test_a_process_that_is_killed_is_an_error_of_its_own(tmp_path):
    killed = jobs.script(tmp_path / "killed", "kill -KILL $$")
    with pytest.raises(PrepError) as caught:
        prep_stream.stream(WEATHER, tmp_path / "out", prep=killed)
    assert (caught.value.kind, caught.value.exit_code) == ("killed", 137)


def test_the_program_is_that_of_this_environment():
    assert pathlib.Path(prep_stream.program()).samefile(jobs.PREP)
