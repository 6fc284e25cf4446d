"""A scheduler and two workers of one thread, each under its nanny, as processes started from the command line; and what each
process spends while something is measured."""
import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import psutil

HERE = os.path.dirname(os.path.abspath(__file__))
WORKERS = 2
# Dask's best configuration for many tiny tasks, seven times faster than its default: no queue in the scheduler.
CONFIGURATION = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_SATURATION": "inf"}


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def environment():
    path = HERE + (os.pathsep + os.environ["PYTHONPATH"] if os.environ.get("PYTHONPATH") else "")
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    return {**os.environ, **CONFIGURATION, **one_thread, "PYTHONPATH": path}


class Cluster:
    def __init__(self):
        self.folder = tempfile.mkdtemp(prefix="bench-dask-")
        self.address = "tcp://127.0.0.1:%d" % free_port()
        host = ["--host", "127.0.0.1"]
        self.scheduler = self.start("scheduler", host + ["--port", self.address.rpartition(":")[2], "--no-dashboard"])
        self.workers = []
        for i in range(WORKERS):
            local = ["--local-directory", os.path.join(self.folder, "w%d" % i)]
            name = ["--nthreads", "1", "--name", "w%d" % i, "--no-dashboard"]
            self.workers.append(self.start("worker", [self.address] + host + name + local))

    def start(self, role, args):
        with open(os.path.join(self.folder, role + ".log"), "ab") as log:
            command = [sys.executable, "-m", "distributed.cli.dask_" + role] + args
            return subprocess.Popen(command, stdout=log, stderr=log, env=environment(), cwd=self.folder)

    def connect(self):
        from distributed import Client

        self.client = Client(self.address, timeout=60)
        self.client.wait_for_workers(WORKERS, timeout=60)
        self.refresh()
        return self.client

    def refresh(self):
        """Which workers there are now."""
        info = self.client.scheduler_info()["workers"]
        pids = self.client.run(os.getpid)
        self.by_name = {v["name"]: a for a, v in info.items() if a in pids}
        self.pids = {v["name"]: pids[a] for a, v in info.items() if a in pids}

    def roles(self):
        return {"client": [os.getpid()], "scheduler": [self.scheduler.pid], "workers": list(self.pids.values())}

    def close(self):
        with contextlib.suppress(Exception):
            self.client.close(timeout=2)
        children = []
        for process in self.workers + [self.scheduler]:
            with contextlib.suppress(psutil.Error):
                children += psutil.Process(process.pid).children(recursive=True)
            process.send_signal(signal.SIGKILL)
            process.wait()
        for child in children:
            with contextlib.suppress(psutil.Error):
                child.kill()
        shutil.rmtree(self.folder, ignore_errors=True)


def cpu_us(pid):
    """What Linux's scheduler has counted for each thread; elsewhere the usual figures, in steps of 10 ms."""
    with contextlib.suppress(OSError):
        us = 0
        for thread in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
                us += int(f.read().split()[0]) / 1000
        return us
    times = psutil.Process(pid).cpu_times()
    return (times.user + times.system) * 1e6


def memory(pid, field):
    """Bytes: VmRSS now, VmHWM at most so far."""
    with contextlib.suppress(OSError):
        with open("/proc/%d/status" % pid) as f:
            for line in f:
                if line.startswith(field + ":"):
                    return int(line.split()[1]) * 1024
    return psutil.Process(pid).memory_info().rss


class Meter:
    """with Meter(cluster, n) as m: ...   then m.seconds, m.cpu (µs per task by role)"""

    def __init__(self, cluster, tasks):
        self.cluster = cluster
        self.tasks = tasks

    def spent(self):
        return {role: sum(cpu_us(pid) for pid in pids) for role, pids in self.cluster.roles().items()}

    def __enter__(self):
        self.before = self.spent()
        self.started = time.perf_counter()
        return self

    def __exit__(self, *exc):
        self.seconds = time.perf_counter() - self.started
        if exc[0] is None:
            after = self.spent()
            self.cpu = {role: (after[role] - self.before[role]) / self.tasks for role in after}
