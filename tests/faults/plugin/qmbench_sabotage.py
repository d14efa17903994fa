"""A plugin that misbehaves on request: `sabotage?do=segfault`. Its energies are exact functions of its input."""

import ctypes
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

import qmbench
from qmbench import hookimpl


class Sabotage(qmbench.Method):
    """Energy = minus the number of electrons, after doing what the option `do` says."""

    name = "sabotage"
    systems = (qmbench.Molecule, qmbench.LatticeModel)
    properties = frozenset({"energy", "dipole", "polarizability", "excitation_energies"})
    distributions = ()

    class Options(qmbench.Options):
        do: str = "nothing"
        n: int = 0
        seconds: float = 0.0
        file: str = ""

    def estimate(self, system, properties):
        if self.options.do == "no_estimate":
            raise RuntimeError("this estimate is broken")
        return self.options.seconds or None

    def estimate_memory(self, system, properties):
        return 10.0 * self.options.n if self.options.do == "known_memory" else None

    def families(self):
        return {"reference": self.options.file} if self.options.file and self.options.do != "share" else {}

    def shared_seconds(self, system, properties):
        return {self.options.file: self.options.seconds / 2} if self.options.do == "share" else {}

    def compute(self, system, properties, resources):
        unit = "t" if system.kind == "lattice" else "hartree"
        good = {
            "energy": qmbench.Quantity(-float(system.n_electrons), unit),
            "dipole": qmbench.Quantity(np.zeros(3), "e bohr"),
            "polarizability": qmbench.Quantity(np.eye(3) * 1.5, "bohr3"),
            "excitation_energies": qmbench.Quantity({"S1": 0.25, "T1": 0.125}, unit),
        }
        special = getattr(self, "do_" + self.options.do)(good, system, properties, resources)
        if special is not None:
            return special
        return qmbench.Result({name: good[name] for name in properties}, {"pid": os.getpid()})

    def do_nothing(self, good, system, properties, resources):
        pass

    do_no_estimate = do_known_memory = do_share = do_nothing

    def do_sleep(self, good, system, properties, resources):
        time.sleep(self.options.seconds)

    def do_sign_in_and_out(self, good, system, properties, resources):
        with open(self.options.file, "a") as book:
            print(self.options.n, "in", file=book, flush=True)
            time.sleep(self.options.seconds)
            print(self.options.n, "out", file=book, flush=True)

    def do_raise(self, good, system, properties, resources):
        raise ValueError("the sky\nfell down")

    def do_unreadable(self, good, system, properties, resources):
        class Unreadable(Exception):
            def __str__(self):
                raise RuntimeError("no")

        raise Unreadable

    def do_input(self, good, system, properties, resources):
        raise qmbench.InputError("no such basis")

    def do_unsupported(self, good, system, properties, resources):
        raise qmbench.Unsupported("not this one")

    def do_not_converged(self, good, system, properties, resources):
        raise qmbench.NotConverged("after 50 cycles")

    def do_only_energy(self, good, system, properties, resources):
        if properties != {"energy"}:
            raise qmbench.NotConverged("the dipole did not converge")

    def do_resource_error(self, good, system, properties, resources):
        raise qmbench.ResourceError("needs 10 GiB")

    def do_nan(self, good, system, properties, resources):
        return qmbench.Result({"energy": qmbench.Quantity(float("nan"), "hartree")})

    def do_wrong_unit(self, good, system, properties, resources):
        return qmbench.Result({"energy": qmbench.Quantity(-1.0, "eV")})

    def do_wrong_shape(self, good, system, properties, resources):
        return qmbench.Result({"energy": qmbench.Quantity(np.zeros(2), "hartree")})

    def do_missing(self, good, system, properties, resources):
        return qmbench.Result({"dipole": good["dipole"]})

    def do_float(self, good, system, properties, resources):
        return -1.0

    def do_float_property(self, good, system, properties, resources):
        return qmbench.Result({"energy": -1.0})

    def do_complex(self, good, system, properties, resources):
        return qmbench.Result({"energy": qmbench.Quantity(1j, "hartree")})

    def do_odd_settings(self, good, system, properties, resources):
        return qmbench.Result({"energy": good["energy"]}, {"object": object()})

    def do_numpy_settings(self, good, system, properties, resources):
        settings = {"n": np.int64(3), "x": np.array([1.0, np.inf])}
        return qmbench.Result({"energy": good["energy"]}, settings, ["look out"])

    def do_system_exit(self, good, system, properties, resources):
        sys.exit(3)

    def do_os_exit(self, good, system, properties, resources):
        os._exit(0)

    def do_keyboard_interrupt(self, good, system, properties, resources):
        raise KeyboardInterrupt

    def do_segfault(self, good, system, properties, resources):
        ctypes.string_at(0)

    def do_abort(self, good, system, properties, resources):
        os.abort()

    def do_kill_self(self, good, system, properties, resources):
        os.kill(os.getpid(), signal.SIGKILL)

    def do_kill_cluster_worker(self, good, system, properties, resources):
        import psutil

        psutil.Process().parent().parent().kill()  # only for the Dask engine: elsewhere that is the driver
        time.sleep(3600)

    def do_hang(self, good, system, properties, resources):
        time.sleep(3600)

    def do_hang_in_c(self, good, system, properties, resources):
        ctypes.PyDLL(None).usleep(3_600_000_000)  # holds the interpreter lock: no handler, no thread can run

    def do_ignore_sigterm(self, good, system, properties, resources):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        time.sleep(3600)

    def do_eat_memory(self, good, system, properties, resources):
        hoard = []
        while True:
            hoard.append(np.ones(2**20))

    def do_eat_memory_together(self, good, system, properties, resources):
        # No process passes the limit on its own.
        def eat():
            hoard = np.ones(20 * 2**20)
            time.sleep(3600 * hoard[0])

        parts = [multiprocessing.get_context("fork").Process(target=eat) for _ in range(4)]
        for part in parts:
            part.start()
        for part in parts:
            part.join()

    def do_eat_memory_in_pieces(self, good, system, properties, resources):
        # Many small ones, so that looking at all of them takes long.
        for _ in range(self.options.n):
            if os.fork() == 0:
                hoard = np.ones(2**17 * 5)
                time.sleep(3600 * hoard[0])
        os.wait()

    def do_eat_memory_in_passing(self, good, system, properties, resources):
        # Always new ones, of which each lives for a moment.
        while True:
            for _ in range(self.options.n):
                if os.fork() == 0:
                    hoard = np.ones(2**17 * 20)
                    time.sleep(0.3 * hoard[0])
                    os._exit(0)
            for _ in range(self.options.n):
                os.wait()

    def do_share_memory(self, good, system, properties, resources):
        # Counted by resident size this is four times what it is.
        hoard = np.ones(20 * 2**20)

        def look():
            time.sleep(0.8 * hoard[::512].max())

        parts = [multiprocessing.get_context("fork").Process(target=look) for _ in range(4)]
        for part in parts:
            part.start()
        for part in parts:
            part.join()

    def do_one_big_array(self, good, system, properties, resources):
        np.ones(2**31)

    def do_grandchild(self, good, system, properties, resources):
        # Detached, ignores signals, and keeps everything that it inherited open.
        script = "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(3600)"
        child = subprocess.Popen([sys.executable, "-c", script], start_new_session=True, close_fds=False)
        Path(self.options.file).write_text(str(child.pid))

    def do_orphan(self, good, system, properties, resources):
        # A daemon, by double fork, that holds every file open.
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                Path(self.options.file).write_text(str(os.getpid()))
                time.sleep(3600)
            os._exit(0)
        os.wait()
        while not Path(self.options.file).exists():
            time.sleep(0.01)

    def do_orphan_and_hang(self, good, system, properties, resources):
        self.do_orphan(good, system, properties, resources)
        time.sleep(3600)

    def do_orphan_and_segfault(self, good, system, properties, resources):
        self.do_orphan(good, system, properties, resources)
        ctypes.string_at(0)

    def do_fork_and_return(self, good, system, properties, resources):
        # The copy comes back first.
        copy = os.fork() == 0
        if not copy:
            time.sleep(0.5)
        return qmbench.Result({"energy": good["energy"]}, {"copy": copy})

    def do_print(self, good, system, properties, resources):
        for _ in range(5):
            print("x" * 2**20)
        print("the end")

    def do_print_and_fail(self, good, system, properties, resources):
        self.do_print(good, system, properties, resources)
        sys.stdout.flush()
        raise ValueError("after much talk")

    def do_close_output(self, good, system, properties, resources):
        os.close(1)
        os.close(2)

    def do_leave_files(self, good, system, properties, resources):
        (resources.scratch / "folder").mkdir()
        (resources.scratch / "folder" / "file").write_text("x")
        Path("here").write_text("x")

    def do_see_files(self, good, system, properties, resources):
        found = sorted(p.name for p in resources.scratch.iterdir())
        return qmbench.Result({"energy": good["energy"]}, {"found": found, "cwd": os.getcwd()})

    def do_threads(self, good, system, properties, resources):
        seen = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
        return qmbench.Result({"energy": good["energy"]}, seen | {"cores": resources.cores})

    def do_count(self, good, system, properties, resources):
        """Append a line to `file`, so that a test sees how often it was really computed."""
        time.sleep(self.options.seconds)
        with open(self.options.file, "a") as handle:
            handle.write(f"{self.options.n}\n")

    def do_artifact(self, good, system, properties, resources):
        def make(path):
            with open(self.options.file, "a") as handle:
                handle.write("made\n")
            time.sleep(0.3)
            path.write_text("42")

        path = resources.artifact("shared", make)
        return qmbench.Result({"energy": good["energy"]}, {"content": path.read_text()})

    # --- what it leaves to whoever started the process ---

    def do_outcome(self, good, system, properties, resources):
        """Write what is in `file` where the outcome belongs, and end the process."""
        work = resources.scratch.parent
        (work / "left").write_bytes(Path(self.options.file).read_bytes())
        for number in range(1, 100):  # whichever task of the process this is
            os.link(work / "left", work / f"outcome-{number}.json")
        os._exit(0)

    def do_outcome_folder(self, good, system, properties, resources):
        (resources.scratch.parent / "outcome-1.json").mkdir()
        time.sleep(3600)

    def do_outcome_fifo(self, good, system, properties, resources):
        os.mkfifo(resources.scratch.parent / "outcome-1.json")
        time.sleep(3600)

    def do_outcome_link(self, good, system, properties, resources):
        os.symlink("/dev/zero", resources.scratch.parent / "outcome-1.json")
        time.sleep(3600)

    def do_outcome_sparse(self, good, system, properties, resources):
        work = resources.scratch.parent
        with open(work / "part", "wb") as file:
            file.truncate(2**40)
        os.replace(work / "part", work / "outcome-1.json")
        time.sleep(3600)

    def do_next_outcome(self, good, system, properties, resources):
        (resources.scratch.parent / "outcome-2.json").write_text("{}")

    def do_part_fifo(self, good, system, properties, resources):
        os.mkfifo(resources.scratch.parent / "outcome-1.part")

    def do_log_fifo(self, good, system, properties, resources):
        log = resources.scratch.parent / "log"
        print("the last words", flush=True)
        log.unlink()
        os.mkfifo(log)
        raise ValueError("after the log")

    def do_delete_work(self, good, system, properties, resources):
        print("the last words", flush=True)
        shutil.rmtree(resources.scratch.parent)

    def do_delete_work_and_hang(self, good, system, properties, resources):
        shutil.rmtree(resources.scratch.parent)
        time.sleep(3600)

    def do_delete_scratch(self, good, system, properties, resources):
        resources.scratch.rmdir()

    def do_scratch_file(self, good, system, properties, resources):
        resources.scratch.rmdir()
        resources.scratch.write_text("x")

    def do_scratch_link(self, good, system, properties, resources):
        resources.scratch.rmdir()
        resources.scratch.symlink_to(self.options.file)

    def do_scratch_shut(self, good, system, properties, resources):
        (resources.scratch / "x").mkdir()
        (resources.scratch / "x").chmod(0)
        resources.scratch.chmod(0)

    def do_close_all(self, good, system, properties, resources):
        time.sleep(0.1)
        os.closerange(3, 1000)
        time.sleep(self.options.seconds)

    def do_late_death(self, good, system, properties, resources):
        def die():
            while list(resources.scratch.parent.glob("outcome-*.json")) == []:
                time.sleep(0)
            os._exit(7)

        threading.Thread(target=die, daemon=True).start()

    def do_huge_integer(self, good, system, properties, resources):
        return qmbench.Result({"energy": good["energy"]}, {"seed": 10**5000})

    def do_deep_settings(self, good, system, properties, resources):
        deep = []
        for _ in range(20_000):
            deep = [deep]
        return qmbench.Result({"energy": good["energy"]}, {"deep": deep})

    def do_surrogates(self, good, system, properties, resources):
        raise OSError("no file " + os.fsdecode(b"caf\xe9"))

    def do_many_warnings(self, good, system, properties, resources):
        return qmbench.Result({"energy": good["energy"]}, {}, ["w" * 1000] * 100_000)

    def do_daemon_thread(self, good, system, properties, resources):
        threading.Thread(target=time.sleep, args=(3600,), daemon=True).start()


QMBENCH_API = 2


@hookimpl
def qmbench_methods():
    return [Sabotage]
