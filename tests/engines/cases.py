"""What must hold of either engine; every case gets a cluster, a folder and a verdict."""

import random
import re
import shutil
import signal
import time

import jobs

PASSES = ("split", "fit", "write")


class Case:
    """A cluster, an input with its wanted output, and where to work."""

    def __init__(self, cluster, inputs, work, verdict, seed):
        self.cluster, self.inputs, self.work, self.verdict = cluster, inputs, work, verdict
        self.out, self.random = work / "out", random.Random(seed)
        jobs.local(inputs, work / "wanted")
        self.wanted = jobs.digests(work / "wanted")
        self.slow = jobs.slow(work)

    def start(self, **options):
        """Over the connection that the rounds share."""
        return jobs.Inside(self.cluster, self.inputs, self.out, **options)

    def start_process(self, *options, how=jobs.as_module):
        """As a command of its own."""
        self.cluster.release()
        return jobs.Driver(how(self.cluster, self.inputs, self.out, *options), self.out)

    def clear(self):
        shutil.rmtree(self.out, ignore_errors=True)
        shutil.rmtree(self.work / ".out.prep", ignore_errors=True)

    def ends_well(self, driver, what):
        """The same bytes, no litter, no process."""
        code = driver.wait()
        self.verdict.check(code == 0, f"{what}: exit code {code}: {driver.said[-1500:]}")
        self.verdict.check(jobs.digests(self.out) == self.wanted, f"{what}: other bytes")
        left = [path.name for path in self.work.iterdir() if path.name.startswith(".out") or path.name == "plan.json"]
        self.verdict.check(not left, f"{what}: left behind: {left}")
        left = jobs.no_units()
        self.verdict.check(not left, f"{what}: processes left: {left}")
        shutil.rmtree(self.out, ignore_errors=True)


def same_bytes(case, how=jobs.as_module):
    driver = case.start_process(how=how)
    case.ends_well(driver, f"undisturbed, {how.__name__}")
    return f"same SHA-256 of {len(case.wanted)} files as `prep stream`"


def killed_workers(case, rounds):
    """kill -9 of a process that does units, at a random moment, in so many runs that were hit."""
    killed = runs = 0
    while killed < rounds and runs < 5 * rounds:
        driver, runs = case.start(prep=str(case.slow), units_per_task=1), runs + 1
        at_random(case, driver)
        workers = case.cluster.workers()
        if workers and driver.is_running:
            jobs.clusters.send([case.random.choice(workers)], signal.SIGKILL)
            killed += 1
        case.ends_well(driver, f"killed worker, run {runs}")
    case.verdict.check(killed == rounds, f"{killed} workers killed")
    return f"{killed} workers killed in {runs} runs"


def killed_nodes(case, rounds):
    """kill -9 of a whole node, which is replaced for the next run."""
    killed = runs = 0
    while killed < rounds and runs < 5 * rounds:
        driver, runs = case.start(prep=str(case.slow), units_per_task=1), runs + 1
        at_random(case, driver)
        node = case.random.choice(case.cluster.nodes)
        was_running = driver.is_running
        if was_running:
            case.cluster.kill_node(node)
            killed += 1
        case.ends_well(driver, f"killed node, run {runs}")
        if was_running:
            case.cluster.remove(node)
            case.cluster.add()
    case.verdict.check(killed == rounds, f"{killed} nodes killed")
    return f"{killed} nodes killed in {runs} runs"


def at_random(case, driver):
    """Waits for a random moment of a random pass."""
    jobs.reaches(driver, case.random.choice(PASSES))
    time.sleep(case.random.uniform(0, 0.5))


def poison_unit(case):
    """A unit whose process always aborts: the job fails and names it, the rest is kept."""
    case.clear()
    driver = case.start(prep=str(jobs.poison(case.work, "fit", 2)), units_per_task=4)
    code = driver.wait()
    named = re.search(r"unit 2 of pass fit failed 3 times", driver.said)
    case.verdict.check(code == 70 and named, f"poison: exit code {code}: {driver.said[-1500:]}")
    case.verdict.check(jobs.no_units() == [], "poison: processes left")
    partials = [path for path in (case.work / ".out.prep").rglob("*") if path.is_file()]
    case.ends_well(case.start(), "after poison")
    return f"unit 2 named after {driver.seconds:.1f} s, {len(partials)} files of the others kept and taken up"


def frozen_node(case):
    """A node that is stopped and never answers again."""
    driver = case.start(prep=str(case.slow), units_per_task=1)
    jobs.reaches(driver, "split")
    node = case.random.choice(case.cluster.nodes)
    thaw = case.cluster.freeze(node)
    try:
        code = driver.wait()
        case.verdict.check(code == 0, f"frozen node: exit code {code}: {driver.said[-1500:]}")
        case.verdict.check(jobs.digests(case.out) == case.wanted, "frozen node: other bytes")
    finally:
        thaw()
    case.verdict.check(jobs.no_units(30) == [], "frozen node: processes left")
    case.clear()
    seconds = driver.seconds
    case.cluster.remove(node)
    case.cluster.add()
    return f"the job ended after {seconds:.1f} s"


def failing_node(case):
    """A node on which every unit fails at once."""
    bad = case.cluster.add(bad=True)
    driver = case.start(prep=str(jobs.failing_on_bad_nodes(case.work)), units_per_task=1)
    case.ends_well(driver, "failing node")
    case.cluster.remove(bad)
    return f"the job ended after {driver.seconds:.1f} s" + (", the node left out" if "left out" in driver.said else "")


def killed_drivers(case, rounds):
    """kill -9 of the driver; the same command again goes on."""
    taken_up = 0
    for number in range(rounds):
        driver = case.start_process("--prep", case.slow, "--units-per-task", 1)
        jobs.reaches(driver, case.random.choice(PASSES[1:]))
        time.sleep(case.random.uniform(0, 0.5))
        driver.stop(signal.SIGKILL)
        left = jobs.no_units(30)
        case.verdict.check(not left, f"killed driver, round {number}: processes left: {left}")
        taken_up += any((case.work / ".out.prep" / "partials").rglob("*"))
        case.ends_well(case.start_process(), f"killed driver, round {number}")
    case.verdict.check(taken_up > 0, "no results were there to go on with")
    return f"{rounds} drivers killed, {taken_up} left results that the next went on with"


def cancelled(case, rounds):
    """Ctrl-C ends the job, all its processes, and keeps what is done."""
    for number in range(rounds):
        driver = case.start_process("--prep", case.slow, "--units-per-task", 1)
        jobs.reaches(driver, case.random.choice(PASSES))
        code = driver.stop(signal.SIGINT)
        case.verdict.check(code == 130, f"cancel, round {number}: exit code {code}: {driver.said[-1500:]}")
        left = jobs.no_units(10)
        case.verdict.check(not left, f"cancel, round {number}: processes left: {left}")
        case.verdict.check(not case.out.exists() and not (case.work / "plan.json").exists(), f"cancel, round {number}: an output or a plan")
        case.ends_well(case.start_process(), f"after cancel, round {number}")
    return f"{rounds} runs cancelled: exit code 130, no process left, the next run went on"


def overhead(case, is_judged, units=1000, seconds=0.01):
    """What the engine and the driver add to units that only wait, a pass, once the engine's workers run."""
    prep, lines = jobs.sleeping(case.work, units, seconds), []
    slots = 2 * (len(case.cluster.nodes) + (case.cluster.name == "ray"))
    own = units * seconds / slots
    case.cluster.release()
    for length, what in [(None, "a first job, which connects and starts the workers"), (None, "up to 64 a task"), (1, "one a task")]:
        driver = case.start(prep=str(prep), units_per_task=length)
        code = driver.wait()
        case.verdict.check(code == 0 and len(driver.passes) == 3, f"overhead: exit code {code}: {driver.said[-1500:]}")
        over = [each - own for each in driver.passes.values()]
        if lines:
            case.verdict.check(not is_judged or max(over) < case.cluster.overhead_seconds, f"overhead, {what}: {over}")
            lines.append(f"{what} {', '.join(f'{each:.1f}' for each in over)} s a pass")
        else:
            lines.append(f"the engine's start apart ({what}: {driver.seconds:.1f} s)")
    return f"{units:,} units of {seconds * 1000:.0f} ms, {own:.1f} s on {slots} slots by themselves; what is added, {'; '.join(lines)}"
