"""The store keeps what it is given, and says plainly when it can't."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from qmbench.domain.errors import InputError, StoreError
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Record
from qmbench.running import store as store_module
from qmbench.running.store import SCHEMA, Store


def record(key: str = "a", status: str = "ok", **fields: object) -> Record:
    failures = {"failed": Failure("timeout", "too long", "the log"), "unsupported": Failure("unsupported", "no", "")}
    defaults: dict = {
        "level": "hf/sto-3g",
        "system_name": "he",
        "system_hash": "0" * 24,
        "prop": "energy",
        "quantity": Quantity(-2.8, "hartree") if status == "ok" else None,
        "failure": failures.get(status),
        "provenance": {"versions": {"qmbench": "0.1"}, "options": {"basis": "sto-3g"}, "settings": {"nao": 1}},
        "cost": Cost(1.5, 1.25, 100.0, 2),
    }
    return Record(key=key, status=status, **(defaults | fields))  # type: ignore[arg-type]


def same(a: Record, b: Record) -> bool:
    return a.to_json() == b.to_json()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    with Store(tmp_path / "store.sqlite") as opened:
        yield opened


@pytest.mark.parametrize(
    "kept",
    [
        record(),
        record(status="failed"),
        record(status="unsupported", cost=None),
        record(quantity=Quantity(-1, "hartree", 0.25, "statistical")),
        record(quantity=Quantity(np.arange(9.0).reshape(3, 3), "bohr3", np.ones((3, 3)), "model")),
        record(quantity=Quantity({"S1": 0.1, "T1": 1 / 3}, "hartree", {"S1": 0.01, "T1": 0.02}, "estimate")),
        record(quantity=Quantity({"S1": 0.1}, "hartree")),
        record(quantity=Quantity({"S1": 0.1, "T1": 0.05}, "hartree", degeneracies={"S1": 1, "T1": 3})),
        record(
            quantity=Quantity({"E0": -1.0}, "hartree", {"E0": 1e-6}, "estimate", {"E0": 5}),
            provenance={"settings": {"degeneracies": {"kept": 1}}},
        ),
        record(provenance={}),
        record(provenance={"versions": {}, "nested": {"list": [1, 2.5, None, "ä"]}}),
    ],
)
def test_a_record_comes_back_as_it_was(store: Store, kept: Record) -> None:
    store.put([kept])
    (back,) = store.get([kept.key]).values()
    assert same(back, kept)
    assert [same(r, kept) for r in store.records()] == [True]
    if isinstance(kept.quantity and kept.quantity.value, np.ndarray):
        assert isinstance(back.quantity.value, np.ndarray)


@settings(max_examples=25, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_comes_back_exactly(tmp_path_factory: pytest.TempPathFactory, number: float) -> None:
    with Store(tmp_path_factory.mktemp("store") / "s") as store:
        store.put([record(quantity=Quantity(number, "hartree", abs(number), "model"))])
        quantity = store.get(["a"])["a"].quantity
        assert (quantity.value, quantity.uncertainty) == (number, abs(number))


@pytest.mark.parametrize(
    ("first", "second", "stays"),
    [
        ("ok", "failed", "first"),
        ("ok", "unsupported", "first"),
        ("ok", "ok", "first"),
        ("failed", "ok", "second"),
        ("failed", "failed", "second"),
        ("unsupported", "ok", "second"),
    ],
)
def test_what_was_computed_is_never_replaced(store: Store, first: str, second: str, stays: str) -> None:
    records = {
        "first": record(status=first, system_name="first"),
        "second": record(status=second, system_name="second"),
    }
    store.put([records["first"]])
    store.put([records["second"]])
    assert same(store.get(["a"])["a"], records[stays])
    assert len(list(store.records())) == 1


def test_putting_twice_changes_nothing(store: Store) -> None:
    both = [record("a"), record("b", "failed")]
    store.put(both)
    store.put(both)
    assert [same(x, y) for x, y in zip(store.records(), both, strict=True)] == [True, True]


def test_put_is_all_or_nothing(store: Store) -> None:
    with pytest.raises(InputError, match="not finite"):
        store.put([record("a"), record("b", quantity=Quantity(float("nan"), "hartree"))])
    broken = record("c", level=object())
    with pytest.raises(StoreError):
        store.put([record("a"), broken])
    assert not list(store.records())


def test_thousands_of_keys_at_once(store: Store) -> None:
    store.put(record(f"key{i}", quantity=Quantity(float(i), "hartree")) for i in range(25_000))
    found = store.get(f"key{i}" for i in range(0, 50_000, 2))
    assert len(found) == 12_500
    assert found["key24998"].quantity.value == 24_998.0


def test_filters(store: Store) -> None:
    store.put([record("a"), record("b", "failed"), record("c", level="pbe/sto-3g"), record("d", prop="dipole")])

    def keys(**filters: object) -> str:
        return "".join(r.key for r in store.records(**filters))

    assert keys() == "abcd"
    assert keys(status="failed") == keys(failure_kind="timeout") == "b"
    assert keys(level="pbe/sto-3g") == "c"
    assert keys(level=["pbe/sto-3g", "hf/sto-3g"], property="energy", status="ok") == "ac"
    assert keys(key=[]) == ""
    with pytest.raises(InputError, match="'level'"):
        list(store.records(levels="x"))


def test_runs(store: Store) -> None:
    with pytest.raises(InputError, match="no run yet"):
        store.run()
    first = {"id": "r1", "started": "2026-01-01T00:00:00+00:00", "finished": None, "suite": "quick", "entries": [["a"]]}
    second = {"id": "r2", "started": "2026-01-02T00:00:00+00:00", "suite": "quick"}
    store.save_run(second)
    store.save_run(first)
    assert store.runs() == [first, second]
    assert store.run() == second
    store.save_run(first | {"finished": "2026-01-01T01:00:00+00:00"})
    assert store.run("r1")["finished"] == "2026-01-01T01:00:00+00:00"
    with pytest.raises(InputError, match=r"no run 'r3'.*r2, r1"):
        store.run("r3")
    with pytest.raises(InputError, match="started"):
        store.save_run({"id": "r4"})


def test_it_is_on_the_disk_when_put_returns(store: Store) -> None:
    assert store._connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    store.put([record()])
    with Store(store.path, read_only=True) as other:
        assert same(other.get(["a"])["a"], record())


def test_the_ways_to_name_a_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, path in [
        ("deep/er/store.sqlite", "deep/er/store.sqlite"),
        ("sqlite:///here.sqlite", "here.sqlite"),
        (f"sqlite:///{tmp_path}/absolute.sqlite", "absolute.sqlite"),
        (tmp_path / "path.sqlite", "path.sqlite"),
    ]:
        with Store.open(name) as store:
            assert store.path == tmp_path / path
            assert (tmp_path / path).exists()
            assert store.artifacts_folder == (tmp_path / path).parent / f"{Path(path).stem}-artifacts"
    for wrong in ("postgresql://host/db", "sqlite://here", "sqlite:///", "http://x"):
        with pytest.raises(InputError, match="sqlite:///PATH"):
            Store.open(wrong)


def test_what_is_not_a_store(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="folder"):
        Store(tmp_path)
    with pytest.raises(StoreError, match="no store at"):
        Store(tmp_path / "missing", read_only=True)
    text = tmp_path / "text"
    text.write_text("no database at all, and long enough to be read as a header of one " * 20)
    with pytest.raises(StoreError, match="not a qmbench store"):
        Store(text)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE records (x)")
    connection.close()
    before = foreign.read_bytes()
    with pytest.raises(StoreError, match="not a qmbench store"):
        Store(foreign)
    assert foreign.read_bytes() == before
    inside_a_file = text / "store.sqlite"
    with pytest.raises(StoreError, match="can't be opened"):
        Store(inside_a_file)


def test_degeneracies_are_no_column_so_that_older_stores_keep_them(tmp_path: Path) -> None:
    """A store of before has the same columns and number of its format; what it kept without degeneracies has none."""
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put([record("new", quantity=Quantity({"T1": 0.05}, "hartree", degeneracies={"T1": 3}))])
        store.put([record("old", quantity=Quantity({"T1": 0.05}, "hartree"))])
    with Store(path, read_only=True) as store:
        found = store.get(["new", "old"])
    assert found["new"].quantity.degeneracies == {"T1": 3}  # type: ignore[union-attr]
    assert "degeneracies" not in found["new"].provenance
    assert found["old"].quantity.degeneracies is None  # type: ignore[union-attr]
    with sqlite3.connect(path) as connection:
        columns = [row[1] for row in connection.execute("PRAGMA table_info(records)")]
        version = connection.execute("PRAGMA user_version").fetchone()[0]
    assert (len(columns), version) == (19, 1)


def test_wrong_degeneracies_in_the_file_are_a_broken_record(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put([record(quantity=Quantity({"T1": 0.05}, "hartree", degeneracies={"T1": 3}))])
    with sqlite3.connect(path) as connection:
        connection.execute("UPDATE records SET provenance = replace(provenance, '\"T1\":3', '\"T1\":0')")
    with Store(path) as store:
        assert store.get(["a"])["a"].status == "failed"


def test_a_newer_schema_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"PRAGMA user_version = {SCHEMA + 1}")
    connection.close()
    for read_only in (True, False):
        with pytest.raises(StoreError, match="newer qmbench") as caught:
            Store(path, read_only)
        assert "\n" not in str(caught.value)


def test_read_only_does_not_write(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put([record()])
    with Store(path, read_only=True) as store:
        assert len(list(store.records())) == 1
        with pytest.raises(StoreError, match="read-only"):
            store.put([record("b")])
        with pytest.raises(StoreError, match="read-only"):
            store.save_run({"id": "r", "started": ""})


def test_a_lock_that_stays_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "store.sqlite"
    Store(path).close()
    monkeypatch.setattr(store_module, "BUSY_SECONDS", 0.2)
    with Store(path) as store:
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="another process"):
            store.put([record()])
        other.execute("ROLLBACK")
        other.close()
        store.put([record()])
        assert len(store.get(["a"])) == 1


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with Store(path) as store:
        store.put(record(f"{i}") for i in range(500))
    data = bytearray(path.read_bytes())
    data[4096 : len(data) // 2] = b"\xff" * (len(data) // 2 - 4096)
    path.write_bytes(data)
    with pytest.raises(StoreError, match="damaged"), Store(path) as store:
        list(store.records())


def test_records_by_the_start_of_their_key(store: Store) -> None:
    keys = ["0a", "0b1", "0b2", "0bf", "0c", "f0"]
    store.put([record(key) for key in keys])
    assert [r.key for r in store.starting_with("0b", 9)] == ["0b1", "0b2", "0bf"]
    assert [r.key for r in store.starting_with("0B", 2)] == ["0b1", "0b2"]
    assert same(store.starting_with("f", 1)[0], record("f0"))
    assert store.starting_with("1", 9) == []


def test_the_start_of_a_key_is_looked_up_in_the_index(store: Store) -> None:
    asked: list[str] = []
    store._connection.set_trace_callback(asked.append)
    store.starting_with("0b", 9)
    (plan,) = store._connection.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall()
    assert "USING INDEX" in plan[-1]
    assert "key>? AND key<?" in plan[-1]


def test_a_store_that_another_run_is_making_is_one(tmp_path, monkeypatch):
    """Made between two of the questions by which a store is told: all answers are of one moment."""
    path = tmp_path / "new.sqlite"
    other = threading.Thread(target=lambda: Store(path).close())
    connect = Store._connect

    def watched(self):
        connection = connect(self)

        def asked(statement):
            if statement == "PRAGMA user_version" and threading.current_thread() is threading.main_thread():
                connection.set_trace_callback(None)
                other.start()
                other.join(timeout=1.0)  # it may have to wait for the answers

        if threading.current_thread() is threading.main_thread():
            connection.set_trace_callback(asked)
        return connection

    monkeypatch.setattr(Store, "_connect", watched)
    with Store(path) as store:
        assert list(store.records()) == []
    other.join(timeout=60)
    assert not other.is_alive()


def test_what_many_records_have_alike_is_kept_once(store: Store) -> None:
    store.put([record(f"{letter}-key") for letter in "abc"])
    keys = [f"{letter}-key" for letter in "abc"]  # other objects than those before
    found = store.get(keys)
    assert all(found[key].key is key for key in keys)
    for name in ("level", "system_name", "system_hash", "prop", "status"):
        assert len({id(getattr(r, name)) for r in found.values()}) == 1
    assert len({id(r.provenance) for r in found.values()}) == 3


@pytest.mark.parametrize("text", ["größe ☃", "\x00\x7f\u2028", "\ud800"])
def test_a_run_document_reads_back_whatever_its_texts_are(store: Store, text: str) -> None:
    document = {"id": "r", "started": "2026-01-01", text: [text], "numbers": [1e-7, 1e16, 2**70, -0.0, float("inf")]}
    store.save_run(document)
    assert repr(store.run("r")) == repr(document)
