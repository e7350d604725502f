"""Inputs, drivers as processes, and stand-ins for the program on the workers."""

import datetime
import hashlib
import os
import pathlib
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time

PROJECT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(PROJECT / "tests" / "faults"))
import clusters  # noqa: E402
import faults  # noqa: E402

PREP = str(pathlib.Path(sys.executable).with_name("prep"))
# Small enough for six attempts at once beside an engine.
MEMORY = "512MiB"
# What may differ between two runs: times and machine.
OWN = ("run.json", "report.html", "report.json")


def lineitem(data, scale):
    """TPC-H's largest table, as tests/tpch/check.py keeps it."""
    folder = data / f"sf{scale}" / "parquet"
    if not (folder / "lineitem.parquet").exists():
        unfinished = folder.with_name("parquet.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        tool = pathlib.Path(sys.executable).with_name("tpchgen-cli")
        subprocess.run([tool, "parquet", "-s", str(scale), "--tables=lineitem", f"--output-dir={unfinished}"], check=True, stdout=subprocess.DEVNULL)
        unfinished.rename(folder)
    return folder


def small_files(folder, files=2000, distinct=10):
    """Many small files; the split tells them apart by their names."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        faults.numbers_parquet(unfinished, 300, distinct, seed=5)
        for number in range(distinct, files):
            shutil.copy(unfinished / f"part-{number % distinct}.parquet", unfinished / f"part-{number}.parquet")
        unfinished.rename(folder)
    return folder


def text_files(folder, files=300, rows=2000):
    """CSV whose types only all files tell: one column ends in text."""
    if not folder.exists():
        unfinished = folder.with_name(f"{folder.name}.part")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir(parents=True)
        for number in range(files):
            code = "{row}a" if number == files - 1 else "{row}"
            lines = (f"{row * number % 97}.5,{row % 13}," + code.format(row=row) for row in range(rows))
            (unfinished / f"{number:03}.csv").write_text("x,user,code\n" + "\n".join(lines) + "\n")
        unfinished.rename(folder)
    return folder


def digests(out):
    """SHA-256 of every file of an output, but for those that may differ."""
    if not out.exists():
        return None
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and path.name not in OWN)
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def local(inputs, out, *flags):
    """The output of one process; seconds."""
    shutil.rmtree(out, ignore_errors=True)
    began = time.monotonic()
    done = subprocess.run([PREP, "stream", "--in", inputs, "--out", out, "--quiet", *flags], env=faults.ENVIRONMENT, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.monotonic() - began


def as_module(cluster, inputs, out, *options):
    """How a driver with options is started."""
    return [sys.executable, "-m", f"prep_stream.{cluster.name}", "--address", cluster.address, "--plan", out.with_name("plan.json"),
            "--memory", MEMORY, *options, "--", "--in", inputs, "--out", out]


def as_program(cluster, inputs, out):
    """As most users start it."""
    return [PREP, "stream", "--engine", cluster.name, "--address", cluster.address, "--memory", MEMORY, "--in", inputs, "--out", out]


def as_submitted(cluster, inputs, out):
    """By spark-submit, which says where the cluster is."""
    script = subprocess.run([sys.executable, "-m", "prep_stream.spark", "--script"], capture_output=True, text=True, check=True)
    return [pathlib.Path(sys.executable).with_name("spark-submit"), "--master", cluster.address, script.stdout.strip(),
            "--plan", out.with_name("plan.json"), "--memory", MEMORY, "--", "--in", inputs, "--out", out]


class Driver:
    """A driver as a process of its own."""

    def __init__(self, command, out):
        self.out = out
        environment = {**faults.ENVIRONMENT, "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable}
        self.process = subprocess.Popen([str(word) for word in command], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)
        self.began = time.monotonic()

    @property
    def is_running(self):
        return self.process.poll() is None

    def wait(self, seconds=300):
        """Exit code, or None if it doesn't end; what it said."""
        try:
            self.said = self.process.communicate(timeout=seconds)[1]
        except subprocess.TimeoutExpired:
            self.stop(signal.SIGKILL)
            return None
        self.seconds = time.monotonic() - self.began
        return self.process.returncode

    def stop(self, number):
        """Sends a signal and waits; the driver, and the JVM that Spark starts for it."""
        below = clusters.descendants(self.process.pid) if number == signal.SIGKILL else []
        clusters.send([self.process.pid, *below], number)
        self.said = self.process.communicate(timeout=60)[1]
        return self.process.returncode


class Inside:
    """A driver in a thread of this process, over a connection that all rounds share."""

    def __init__(self, cluster, inputs, out, **options):
        import prep_stream.driver

        self.out, self.failure, self.said, self.began = out, None, "", time.monotonic()
        # Seconds of each; since when the one is under way.
        self.passes, self.since = {}, None
        options = prep_stream.driver.Options(memory=MEMORY, **options)

        def work():
            try:
                cluster.stream(inputs, out, options=options, on_progress=self.note)
            except prep_stream.PrepError as error:
                self.failure = error
            self.seconds = time.monotonic() - self.began

        self.thread = threading.Thread(target=work, daemon=True)
        self.thread.start()

    def note(self, progress):
        self.said += f"{progress.warning}\n" if progress.warning else ""
        if progress.event == "started":
            self.since = time.monotonic()
        if progress.event == "finished":
            self.passes[progress.pass_name] = time.monotonic() - self.since

    @property
    def is_running(self):
        return self.thread.is_alive()

    def wait(self, seconds=300):
        self.thread.join(seconds)
        if self.is_running:
            raise SystemExit("the job does not end")
        self.said += str(self.failure or "")
        return self.failure.exit_code if self.failure else 0


def reaches(driver, pass_name, seconds=300):
    """Waits until units of a pass are done by some process."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and driver.is_running:
        if any(f" unit {pass_name} " in command for _, command in units()):
            return True
        time.sleep(0.01)
    return False


def units():
    """Processes that do units of this script's plans: their ids and command lines."""
    mine = os.environ.get("PREP_FAULTS_DIR", "")
    return [(pid, command) for pid, _, command in clusters.processes() if " unit " in command and "--plan" in command and mine in command]


def no_units(seconds=10):
    """Whether none is left, soon."""
    until = time.monotonic() + seconds
    while left := units():
        if time.monotonic() > until:
            return left
        time.sleep(0.1)
    return []


def script(path, text):
    """An executable that stands in for prep on the workers."""
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def slow(work):
    """Takes its time, so that there is something to interrupt."""
    return script(work / "slow", f'[ "$1" = unit ] && sleep 0.3\nexec {PREP} "$@"')


def poison(work, pass_name, unit):
    """Aborts for one unit of one pass."""
    # After --unit= or as an argument of its own.
    inside = f'r=${{a#--unit=}}; s=${{r%..*}}; e=${{r#*..}}; case "$r" in [0-9]*..[0-9]*) [ "$s" -le {unit} ] && [ "$e" -gt {unit} ] && kill -ABRT $$;; esac'
    return script(work / "poison", f'[ "$1 $2" = "unit {pass_name}" ] && for a in "$@"; do {inside}; done\nexec {PREP} "$@"')


def failing_on_bad_nodes(work):
    """Fails at once where the environment says so."""
    return script(work / "failing", f'[ "$1" = unit ] && [ -n "$BAD_NODE" ] && exit 4\n[ "$1" = unit ] && sleep 0.2\nexec {PREP} "$@"')


def sleeping(work, units, seconds):
    """Does nothing but wait for so long a unit; its plan has so many."""
    plan = f'for a in "$@"; do case "$a" in --plan=*) p=${{a#--plan=}};; esac; [ "$last" = --plan ] && p=$a; last=$a; done; echo \'{{"units": {units}}}\' > "$p"; exit 0'
    nap = f'for a in "$@"; do case "$a" in --unit=*) r=${{a#--unit=}}; exec sleep $(( (${{r#*..}} - ${{r%..*}}) * {round(seconds * 1000)} ))e-3;; esac; done'
    return script(work / "sleeping", f'[ "$1" = plan ] && {{ {plan}; }}\n[ "$1" = unit ] && {{ {nap}; }}\nexit 0')


def record(options, verdict, lines):
    """Writes results into the marked section of a file."""
    if options.write is None:
        return
    result = "nothing wrong" if not verdict.wrong else f"{len(verdict.wrong)} WRONG"
    typed = " ".join(["python", str(pathlib.Path(sys.argv[0]).resolve().relative_to(PROJECT)), *sys.argv[1:]])
    body = [*lines, "", f"{verdict.checked:,} checks, {result}. Run on {datetime.date.today().isoformat()} at commit {options.commit} by `{typed}`."]
    begin, end = f"<!-- {verdict.name} -->", f"<!-- end of {verdict.name} -->"
    text = options.write.read_text()
    if begin not in text:
        raise SystemExit(f"{options.write} has no section {begin}")
    before, after = text.split(begin)[0], text.split(end)[1]
    options.write.write_text("\n".join([before + begin, *body, end]) + after)
