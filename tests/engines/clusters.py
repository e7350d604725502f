"""Test clusters on this machine: Ray of three nodes, Spark of two workers, in a namespace with only loopback.

Both have two slots a node, and one node more can be had whose environment says BAD_NODE=1. Every cluster can
name the processes that do units, and kill, freeze and replace a node.
"""

import os
import pathlib
import signal
import subprocess
import sys
import time

# Set before anything of Ray is imported: a node that is gone is noticed in seconds.
FAST_HEALTH_CHECKS = {
    "RAY_health_check_initial_delay_ms": "1000",
    "RAY_health_check_period_ms": "1000",
    "RAY_health_check_timeout_ms": "5000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_USAGE_STATS_ENABLED": "0",
}
INSIDE = "ENGINES_INSIDE"


def only_loopback():
    """Starts this script again in a network namespace that has nothing but loopback."""
    if os.environ.pop(INSIDE, None) or sys.platform != "linux":
        return
    os.environ.update(FAST_HEALTH_CHECKS, **{INSIDE: "1"})
    again = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", sys.executable, *sys.argv]
    os.execvp(again[0], again)


def processes():
    """Process id, parent and command line of all processes."""
    for folder in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        yield int(folder.name), parent, command.strip()


def descendants(root):
    """All that a process has started, directly or not."""
    children = {}
    for pid, parent, _ in processes():
        children.setdefault(parent, []).append(pid)
    found, left = [], [root]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def send(pids, number):
    for pid in pids:
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            pass


class Cluster:
    """What the cases need of either engine; `nodes` are the first process of each node that may be hurt."""

    def __init__(self):
        self.nodes = []

    def kill_node(self, node):
        send([node, *descendants(node)], signal.SIGKILL)

    def freeze(self, node):
        """Stops a node; returns what lets it go on."""
        pids = [node, *descendants(node)]
        send(pids, signal.SIGSTOP)
        return lambda: send(pids, signal.SIGCONT)

    def release(self):
        """Makes room for the drivers of other processes."""

    def workers(self):
        """Processes that do units, or may be about to."""
        below = {pid for node in self.nodes for pid in descendants(node)}
        return [pid for pid, _, command in processes() if pid in below and self.is_worker(command)]


class Ray(Cluster):
    name = "ray"
    overhead_seconds = 5

    def __init__(self, workers=2):
        super().__init__()
        self.workers_wanted = workers

    def __enter__(self):
        from ray.cluster_utils import Cluster as Nodes

        self.cluster = Nodes(initialize_head=True, head_node_args={"num_cpus": 2, "include_dashboard": False})
        self.handles = {}
        for _ in range(self.workers_wanted):
            self.add()
        self.address = self.cluster.address
        return self

    def __exit__(self, *_):
        import ray

        ray.shutdown()
        self.cluster.shutdown()

    def stream(self, inputs, out, **options):
        import prep_stream.ray
        import ray

        if not ray.is_initialized():
            ray.init(self.address, log_to_driver=False, logging_level="ERROR")
        return prep_stream.ray.stream(inputs, out, **options)

    def add(self, bad=False):
        handle = self.cluster.add_node(num_cpus=2, env_vars={"BAD_NODE": "1"} if bad else None)
        node = handle.all_processes["raylet"][0].process.pid
        self.handles[node] = handle
        self.nodes.append(node)
        return node

    def remove(self, node):
        self.nodes.remove(node)
        self.cluster.remove_node(self.handles.pop(node), allow_graceful=False)

    def is_worker(self, command):
        return command.startswith("ray::do_units")


class Spark(Cluster):
    name = "spark"
    overhead_seconds = 25

    def __enter__(self):
        import pyspark

        self.home = pathlib.Path(pyspark.__file__).parent
        self.work = pathlib.Path(os.environ["PREP_FAULTS_DIR"]) / "spark"
        self.port, self.started, self.session = 7077, [], None
        self.address = f"spark://127.0.0.1:{self.port}"
        self.master = self._start("master", ["org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(self.port), "--webui-port", "0"])
        for _ in range(2):
            self.add()
        return self

    def release(self):
        # A session holds all slots for as long as it lives.
        if self.session:
            self.session.stop()
            self.session = None

    def __exit__(self, *_):
        self.release()
        for process in self.started:
            self.kill_node(process.pid)
            process.wait()

    def stream(self, inputs, out, **options):
        import prep_stream.spark
        from pyspark.sql import SparkSession

        if self.session is None:
            os.environ.update(SPARK_LOCAL_IP="127.0.0.1", PYSPARK_PYTHON=sys.executable)
            builder = SparkSession.builder.master(self.address).appName("rounds")
            for name, value in prep_stream.spark.SETTINGS.items():
                builder = builder.config(name, value)
            self.session = builder.getOrCreate()
            self.session.sparkContext.setLogLevel("OFF")
        return prep_stream.spark.stream(self.session, inputs, out, **options)

    def _start(self, name, arguments, **variables):
        self.work.mkdir(parents=True, exist_ok=True)
        log = open(self.work / f"{name}-{len(self.started)}.log", "w")
        # spark-class hands over to java by exec.
        process = subprocess.Popen([self.home / "bin" / "spark-class", *arguments], stdout=log, stderr=log,
                                   env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_HOME": str(self.home), "PYSPARK_PYTHON": sys.executable, **variables})
        self.started.append(process)
        return process

    def add(self, bad=False):
        variables = {"BAD_NODE": "1"} if bad else {}
        # Addresses of their own: Spark leaves out nodes by their host.
        host = f"127.0.0.{len(self.started) + 1}"
        arguments = ["org.apache.spark.deploy.worker.Worker", "--host", host, "--cores", "2", "--memory", "1g", "--webui-port", "0", "--work-dir", str(self.work / "work"), self.address]
        node = self._start("worker", arguments, SPARK_LOCAL_IP=host, **variables).pid
        self.nodes.append(node)
        log = self.work / f"worker-{len(self.started) - 1}.log"
        until = time.monotonic() + 60
        while "Successfully registered with master" not in log.read_text():
            if time.monotonic() > until:
                raise SystemExit(f"no Spark worker: {log.read_text()[-2000:]}")
            time.sleep(0.2)
        return node

    def remove(self, node):
        self.nodes.remove(node)
        self.kill_node(node)

    def is_worker(self, command):
        return "CoarseGrainedExecutorBackend" in command or "pyspark.daemon" in command
