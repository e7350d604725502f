"""The files of docs/deploy/, each as far as one machine can try it.

Slurm and Kubernetes are stood in for by scheduler.py, which runs arrays out of order and every task twice.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).resolve().parents[2]
DEPLOY = PROJECT / "docs" / "deploy"
sys.path.insert(0, str(PROJECT / "tests" / "engines"))
import jobs  # noqa: E402


@pytest.fixture
def lake(tmp_path):
    """Inputs of several units, the stand-in under both names, and the output of one process."""
    shutil.copytree(jobs.small_files(PROJECT / "target" / "tpch" / "small-files"), tmp_path / "in")
    (tmp_path / "bin").mkdir()
    (tmp_path / "state").mkdir()
    for name in ("sbatch", "kubectl"):
        (tmp_path / "bin" / name).symlink_to(PROJECT / "tests" / "deploy" / "scheduler.py")
    jobs.local(tmp_path / "in", tmp_path / "local")
    return tmp_path


def run(lake, command, **variables):
    path = os.pathsep.join([str(lake / "bin"), str(pathlib.Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "STANDIN": str(lake / "state"), "PLAN": str(lake / "plan.json"), **variables}
    return subprocess.run(command, env=environment, capture_output=True, text=True, cwd=lake)


def job(lake):
    return ["--in", lake / "in", "--out", lake / "out"]


def test_slurm_arrays_out_of_order_and_twice_give_the_same_bytes(lake):
    done = run(lake, [DEPLOY / "slurm" / "submit.sh", *job(lake)], UNITS_PER_TASK="3", SLURM_MEM_PER_NODE="600", SLURM_CPUS_PER_TASK="1")
    ran = (lake / "state" / "ran").read_text()
    assert done.returncode == 0, done.stderr + ran
    arrays = re.findall(r"^(prep-\w+): (\d+) runs of", ran, re.M)
    assert [name for name, _ in arrays] == ["prep-split", "prep-fit", "prep-write"]
    assert all(int(runs) >= 8 for _, runs in arrays), ran
    assert jobs.digests(lake / "out") == jobs.digests(lake / "local")


def test_a_slurm_array_that_fails_stops_those_that_depend_on_it(lake):
    (lake / "bin" / "prep").symlink_to(jobs.poison(lake, "fit", 4))
    done = run(lake, [DEPLOY / "slurm" / "submit.sh", *job(lake)], UNITS_PER_TASK="3", SLURM_MEM_PER_NODE="600")
    assert done.returncode != 0 and "prep-write: never" in done.stderr
    assert not (lake / "out").exists()
    (lake / "bin" / "prep").unlink()
    done = run(lake, [DEPLOY / "slurm" / "submit.sh", *job(lake)], UNITS_PER_TASK="5", SLURM_MEM_PER_NODE="600")
    assert done.returncode == 0, done.stderr
    assert jobs.digests(lake / "out") == jobs.digests(lake / "local")


def test_kubernetes_jobs_out_of_order_and_twice_give_the_same_bytes(lake):
    # The pods' paths are those of this machine, and its memory isn't 8 GiB a pod.
    text = (DEPLOY / "kubernetes" / "pass.yaml").read_text().replace("--memory 7GiB", "--memory 512MiB")
    (lake / "kubernetes").mkdir()
    (lake / "kubernetes" / "pass.yaml").write_text(text)
    shutil.copy(DEPLOY / "kubernetes" / "run.sh", lake / "kubernetes")
    done = run(lake, [lake / "kubernetes" / "run.sh", *job(lake)], UNITS_PER_POD="3", LOOK="0.1")
    assert done.returncode == 0, done.stderr
    assert jobs.digests(lake / "out") == jobs.digests(lake / "local")
    assert (lake / "state" / "ran").read_text().count("exit codes [0]") == 3


def test_the_kubernetes_job_fits_the_schema():
    yaml, validate = pytest.importorskip("yaml"), pytest.importorskip("kubernetes_validate")
    text = (DEPLOY / "kubernetes" / "pass.yaml").read_text()
    for name, value in {"NAME": "sales", "PASS": "fit", "PLAN": "/lake/plan.json", "PODS": 4, "UNITS": 30, "PER": 8}.items():
        text = text.replace(f"@{name}@", str(value))
    assert not re.search(r"@[A-Z]+@", text)
    validate.validate(yaml.safe_load(text), validate.latest_version(), strict=True)


def test_systemd_takes_the_units(tmp_path):
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze")
    for name in ("prep.service", "prep.timer"):
        # The program is elsewhere here.
        text = (DEPLOY / "systemd" / name).read_text().replace("/usr/bin/prep", jobs.PREP)
        (tmp_path / name).write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", tmp_path / "prep.service", tmp_path / "prep.timer"], capture_output=True, text=True)
    about = [line for line in done.stderr.splitlines() if "prep." in line]
    assert not about, about


@pytest.mark.parametrize("file", ["systemd/prep.service", "cron/prep.crontab"])
def test_every_command_that_runs_by_the_clock_is_one_that_prep_takes(lake, file):
    commands = re.findall(r"(?:^|/|\s)(prep (?:stream|verify) [^>\n]*)", (DEPLOY / file).read_text())
    commands = [command for command in commands if "--" in command and "," not in command]
    assert commands
    for command in commands:
        here = command.replace("/lake", str(lake)).replace("6GiB", "1GiB").replace("--settle 60s", "")
        done = run(lake, ["sh", "-c", here])
        assert done.returncode == 0, (here, done.stderr)
    assert jobs.digests(lake / "out") == jobs.digests(lake / "local")
    # Times and names as cron reads them.
    if file.endswith("crontab"):
        lines = [line for line in (DEPLOY / file).read_text().splitlines() if line and not re.match(r"#|\w+=", line)]
        assert all(re.match(r"(\S+ +){4}\S+ +prep ", line) for line in lines), lines


def test_the_airflow_dag_is_python():
    compile((DEPLOY / "airflow" / "prep_dag.py").read_text(), "prep_dag.py", "exec")
