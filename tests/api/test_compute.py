"""`qmbench.compute`: one level on one system, with what can be given and what can go wrong."""

from __future__ import annotations

import signal
import subprocess
import sys
import textwrap
import time

import numpy as np
import psutil
import pytest

import qmbench
from qmbench.plugging.registry import plugins

HE = qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1, name="he")
HERE = {"engine": "here"}  # one process less to start; what needs a supervised child says so

pytestmark = pytest.mark.usefixtures("elsewhere")


def test_one_property():
    made = qmbench.compute("sabotage", HE)
    assert (made.value, made.unit, made.uncertainty, made.status, made.failure) == (-2.0, "hartree", None, "ok", None)
    assert made.properties == {"energy": qmbench.Quantity(-2.0, "hartree")}
    assert not made.cached
    assert made.provenance["versions"]["qmbench-sabotage"] == "0.1.0"
    (record,) = made.records
    assert (record.prop, record.system_name) == ("energy", "he")
    again = qmbench.compute("sabotage", HE, "energy")
    assert again.cached
    assert again.records[0].key == record.key
    assert "energy -2 hartree" in repr(again)
    html = again._repr_html_()
    assert "-2.0000000000" in html
    assert "from the store" in html


def test_several_properties_by_name():
    made = qmbench.compute("sabotage", HE, ["energy", "polarizability"], **HERE)
    assert list(made.properties) == ["energy", "polarizability"]
    assert np.array_equal(made.properties["polarizability"].value, 1.5 * np.eye(3))
    with pytest.raises(qmbench.InputError, match=r"take .properties\['energy'\]"):
        _ = made.value


def test_what_reading_a_system_had_to_say_is_a_warning_of_its_record(tmp_path):
    path = tmp_path / "hd.xyz"
    path.write_text("2\ncharge=0 multiplicity=1\nH 0 0 0\nD 0 0 0.74\n")
    note = "deuterium (D) is computed as hydrogen: the masses of nuclei are not used"
    assert qmbench.compute("sabotage", path, **HERE).warnings == (note,)
    assert qmbench.compute("sabotage", path, **HERE).warnings == (note,)  # from the store, too


def test_the_store_in_hand_stays_open(tmp_path):
    from qmbench.running.stores import open_store

    with open_store(tmp_path / "mine.sqlite") as store:
        assert not qmbench.compute("sabotage", HE, store=store, **HERE).cached
        assert qmbench.compute("sabotage", HE, store=store, **HERE).cached
    assert qmbench.compute("sabotage", HE, store=tmp_path / "mine.sqlite", **HERE).cached


FAILURES = [
    ("input", qmbench.InputError, "no such basis"),
    ("unsupported", qmbench.Unsupported, "not this one"),
    ("not_converged", qmbench.NotConverged, "after 50 cycles"),
    ("resource_error", qmbench.ResourceError, "needs 10 GiB"),
    ("raise", qmbench.QmbenchError, "the sky fell down"),
]


@pytest.mark.parametrize(("do", "kind", "message"), FAILURES, ids=[do for do, _, _ in FAILURES])
def test_a_failure_is_raised_or_returned(do, kind, message):
    with pytest.raises(qmbench.QmbenchError, match=f"sabotage.do={do} on he: .*{message}") as caught:
        qmbench.compute(f"sabotage?do={do}", HE, **HERE)
    assert type(caught.value) is kind
    made = qmbench.compute(f"sabotage?do={do}", HE, check=False, **HERE)
    assert made.status == ("unsupported" if do == "unsupported" else "failed")
    assert message in made.failure.message
    assert made.value is None
    assert made.properties == {}
    assert message in repr(made)
    assert message in made._repr_html_()


def test_a_task_that_takes_too_long_or_kills_its_process():
    with pytest.raises(qmbench.ResourceError, match=r"0\.5 s"):
        qmbench.compute("sabotage?do=hang", HE, task_timeout=0.5)
    made = qmbench.compute("sabotage?do=os_exit", HE, check=False)
    assert made.failure.kind == "crash"


@pytest.mark.parametrize(
    ("arguments", "more", "message"),
    [
        (("sabotage", HE, "enrgy"), {}, "unknown property 'enrgy'; did you mean 'energy'"),
        (("sabotag", HE), {}, "unknown method 'sabotag'; did you mean 'sabotage'"),
        (("sabotage", HE), {"charge": 1}, "given for atoms of ASE and for PDB"),
        (("sabotage", [HE, HE]), {}, "not list; one at a time"),
        (("sabotage", HE), {"bsse": "full"}, "bsse is none or cp or vmfc, not 'full'"),
        (("sabotage", HE, ["interaction_energy", "energy"]), {}, "ask for it alone"),
        (("sabotage", HE), {"engine": "slurm"}, "unknown engine 'slurm'; there is dask, here, local"),
        (("sabotage", HE), {"store": "mysql://x"}, "there is a path, sqlite://…, lines://…"),
        (("sabotage", "nowhere.xyz"), {}, "can't read nowhere.xyz"),
    ],
)
def test_a_request_that_makes_no_sense_is_an_input_error(arguments, more, message):
    with pytest.raises(qmbench.InputError) as caught:
        qmbench.compute(*arguments, check=False, **more)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_observable_of_a_molecule_with_fragments():
    parts = (qmbench.Fragment((0,), 0, 1), qmbench.Fragment((1,), 0, 1))
    pair = qmbench.Molecule(("He", "Ne"), ((0, 0, 0), (0, 0, 6)), 0, 1, parts)
    made = qmbench.compute("sabotage", pair, "interaction_energy", **HERE)
    assert (made.value, made.unit) == (0.0, "kcal/mol")
    assert sorted(made.coefficients.values()) == [-1.0, -1.0, 1.0]
    assert len(made.records) == 3
    assert "-1 × HeNe@1" in made._repr_html_()


def test_an_observable_of_one_system_needs_no_entry(monkeypatch):
    half = qmbench.Observable("half", "energy", lambda value: value / 2, "half of it", unit="hartree")
    monkeypatch.setitem(plugins().observables, "half", half)
    assert qmbench.compute("sabotage", HE, "half", **HERE).value == -1.0
    with pytest.raises(qmbench.InputError, match="dissociation_energy needs an entry"):
        qmbench.compute("sabotage", HE, "dissociation_energy", **HERE)


def test_an_engine_in_hand_stays_open_and_keeps_its_own_limits():
    with qmbench.LocalEngine(1, qmbench.Resources(time_s=60.0)) as engine:
        pids = {
            qmbench.compute("sabotage", HE, prop, engine=engine).provenance["settings"]["pid"]
            for prop in ("energy", "dipole")
        }
        assert len(pids) == 1  # the same warm child
        with pytest.raises(qmbench.InputError, match="its own workers and limits; leave task_timeout out"):
            qmbench.compute("sabotage", HE, engine=engine, task_timeout=1.0)


def script(tmp_path, text, **more):
    path = tmp_path / "script.py"
    path.write_text(textwrap.dedent(text))
    return subprocess.Popen(
        [sys.executable, str(path)], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more
    )


def test_a_plain_script_a_thread_and_streams_without_a_file(tmp_path):
    """No guard for the main module, no main thread, and standard streams as a notebook has them."""
    driver = script(
        tmp_path,
        """
        import io, sys, threading
        import qmbench
        he = qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
        real, sys.stdout, sys.stderr = sys.stdout, io.StringIO(), io.StringIO()
        found = []
        thread = threading.Thread(target=lambda: found.append(qmbench.compute("sabotage", he, progress=True).value))
        thread.start()
        thread.join()
        sys.stdout = None
        progress, sys.stderr = sys.stderr.getvalue(), None
        found.append(qmbench.compute("sabotage?n=1", he, progress=True).value)
        print(found, progress.splitlines(), file=real)
        """,
    )
    output, errors = driver.communicate(timeout=60)
    assert output == "[-2.0, -2.0] ['0 of 1 tasks done', '1 of 1 tasks done']\n", errors


def test_ctrl_c_says_what_is_kept_and_is_no_ordinary_error(tmp_path):
    started = tmp_path / "started"
    driver = script(
        tmp_path,
        f"""
        import qmbench
        he = qmbench.Molecule(("He",), ((0.0, 0.0, 0.0),), 0, 1)
        try:
            try:
                qmbench.compute("sabotage?do=orphan_and_hang&file={started}", he)
            except qmbench.QmbenchError:
                print("a loop would go on")
        except qmbench.Interrupted as error:
            print(error)
        """,
    )
    end = time.monotonic() + 60
    while not (started.exists() and started.read_text()) and time.monotonic() < end:
        time.sleep(0.05)
    driver.send_signal(signal.SIGINT)
    output, errors = driver.communicate(timeout=30)
    assert output.startswith("stopped after 0 of 1 tasks; what was finished is kept in "), errors
    assert str(tmp_path / "qmbench-data" / "store.sqlite") in output
    assert not psutil.pid_exists(int(started.read_text()))


def test_importing_is_cheap():
    code = (
        "import sys, qmbench; qmbench.compute, qmbench.run; print([m for m in ('pandas', 'ase') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
