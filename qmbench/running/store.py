"""The store: records by key, and what each run planned. One embedded SQLite file, written by the driver alone.

Write-ahead log with full synchronisation, one transaction per call of `put`: what was put is on the disk, and
two runs may use one store at once.
"""

from __future__ import annotations

import contextlib
import json
import re
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import pydantic_core

from qmbench.domain.collector import collector_paused
from qmbench.domain.errors import InputError, StoreError, did_you_mean
from qmbench.domain.quantity import Quantity
from qmbench.domain.record import Cost, Failure, Record

SCHEMA = 1
APPLICATION_ID = 0x716D6265  # "qmbe": how an SQLite file says whose it is
BUSY_SECONDS = 60.0
CHUNK = 10_000

# Numbers have columns of their own, and what many records share (versions, options) is one text that is
# decoded once: 100,000 records have to load in seconds.
_COLUMNS = (
    *("key", "level", "system_name", "system_hash", "property", "status"),
    *("value", "unit", "uncertainty", "uncertainty_kind", "failure_kind", "failure_message", "log_tail"),
    *("shared", "provenance", "wall_s", "cpu_s", "peak_memory_mib", "cores"),
)
_SHARED = ("plugin", "versions", "code", "options")
# In the text of a record's own provenance, where stores of before have a place for it, and no column more is needed.
_DEGENERACIES = "degeneracies"
_FILTERS = ("key", "level", "system_name", "system_hash", "property", "status", "failure_kind")

_CREATE = f"""
CREATE TABLE records (
  key TEXT NOT NULL UNIQUE, level TEXT NOT NULL, system_name TEXT NOT NULL, system_hash TEXT NOT NULL,
  property TEXT NOT NULL, status TEXT NOT NULL,
  value, unit TEXT, uncertainty, uncertainty_kind TEXT,
  failure_kind TEXT, failure_message TEXT, log_tail TEXT,
  shared TEXT NOT NULL, provenance TEXT NOT NULL,
  wall_s REAL, cpu_s REAL, peak_memory_mib REAL, cores INTEGER
);
CREATE INDEX records_by_level ON records (level);
CREATE TABLE runs (id TEXT NOT NULL UNIQUE, started TEXT NOT NULL, document TEXT NOT NULL);
PRAGMA application_id = {APPLICATION_ID};
PRAGMA user_version = {SCHEMA};
"""

# What was computed stays: the first `ok` stands, and a failure gives way to whatever comes later.
_PUT = (
    f"INSERT INTO records ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))}) "
    f"ON CONFLICT (key) DO UPDATE SET {', '.join(f'{c} = excluded.{c}' for c in _COLUMNS[1:])} "
    "WHERE records.status <> 'ok'"
)
# What was asked for anew is replaced, but by no failure.
_PUT_ANEW = f"{_PUT} OR excluded.status = 'ok'"

_NUMBER = (int, float)
T = TypeVar("T")
STATUSES = ("ok", "failed", "unsupported")


class Store:
    """Records and runs in one file. Use it as a context manager, or `close` it."""

    def __init__(self, path: Path | str, read_only: bool = False) -> None:
        """Open the store at `path`; make it, with its folder, unless `read_only`.

        StoreError when that can't be done, when the file is not a qmbench store, or when a newer qmbench made it.
        """
        self.path = Path(path).expanduser().absolute()
        self.place = str(self.path)
        # Where shared intermediates of this store's tasks are kept; free to be deleted.
        self.artifacts_folder: Path | None = self.path.with_name(f"{self.path.stem}-artifacts")
        self.read_only = read_only
        self._broken: set[str] = set()  # keys of records that could not be read
        if self.path.is_dir():
            raise StoreError(f"{self.path} is a folder, not a store")
        if self.path.exists() and not self.path.is_file():  # SQLite would wait for whoever writes to a pipe
            raise StoreError(f"{self.path} is a pipe or a device, not a store")
        if read_only and not self.path.exists():
            raise StoreError(f"there is no store at {self.path}")
        with self._said_plainly("opened"):
            if not read_only:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = self._connect()
            self._connection.text_factory = _text
            try:
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    @classmethod
    def open(cls, path_or_url: Path | str, read_only: bool = False) -> Store:
        """Open a store named by a path or by `sqlite:///PATH` (`sqlite:////PATH` for an absolute one)."""
        text = str(path_or_url)
        scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
        if scheme is None or isinstance(path_or_url, Path):
            return cls(path_or_url, read_only)
        if scheme[1] != "sqlite" or not text.startswith("sqlite:///") or text == "sqlite:///":
            raise InputError(f"'{text}' does not name a store; write a path or sqlite:///PATH")
        return cls(text.removeprefix("sqlite:///"), read_only)

    @collector_paused()
    def get(self, keys: Iterable[str]) -> dict[str, Record]:
        """{key: record} of those of `keys` that the store has."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, Record] = {}
        read = _reader(self._broken, wanted)
        with self._said_plainly("read"):
            for start in range(0, len(wanted), CHUNK):
                chunk = wanted[start : start + CHUNK]
                query = f"SELECT {', '.join(_COLUMNS)} FROM records WHERE key IN ({', '.join('?' * len(chunk))})"
                found.update({record.key: record for record in read(self._fetched(query, chunk))})
        return found

    def _fetched(self, query: str, values: Sequence[str]) -> list[tuple[Any, ...]]:
        """All rows of a query; their texts are decoded by SQLite's own module, which is faster, if they are UTF-8."""
        self._connection.text_factory = str
        try:
            return self._connection.execute(query, values).fetchall()
        except sqlite3.OperationalError as error:
            if "decode" not in str(error):
                raise
        finally:
            self._connection.text_factory = _text
        return self._connection.execute(query, values).fetchall()

    def starting_with(self, prefix: str, most: int) -> list[Record]:
        """At most `most` of the records whose key starts with the hex digits `prefix`, by key."""
        prefix = prefix.lower()
        # A range and not LIKE, which would look at every record: 'g' comes right after the last hex digit.
        query = f"SELECT {', '.join(_COLUMNS)} FROM records WHERE key >= ? AND key < ? ORDER BY key LIMIT ?"
        with self._said_plainly("read"):
            return _reader(self._broken)(self._connection.execute(query, (prefix, prefix + "g", most)).fetchall())

    def records(self, **filters: str | Iterable[str]) -> Iterator[Record]:
        """The records in the order in which they came.

        filters: level, system_name, system_hash, property, status, failure_kind or key, each a text or several.
        """
        conditions, values = [], []
        for name, given in filters.items():
            if name not in _FILTERS:
                raise InputError(f"records have no '{name}'{did_you_mean(name, _FILTERS)}")
            allowed = [given] if isinstance(given, str) else list(given)
            conditions.append(f"{name} IN (SELECT value FROM json_each(?))")
            values.append(json.dumps(allowed))
        where = f" WHERE {' AND '.join(conditions)}" if conditions else ""
        read = _reader(self._broken)
        with self._said_plainly("read"):
            cursor = self._connection.execute(
                f"SELECT {', '.join(_COLUMNS)} FROM records{where} ORDER BY rowid", values
            )
            while rows := cursor.fetchmany(CHUNK):
                yield from read(rows)

    def put(self, records: Iterable[Record], anew: bool = False) -> None:
        """Keep `records`, all or none. A record that is `ok` already is replaced only if `anew`, and by an `ok` one."""
        rows = [_row(record) for record in records]
        unreadable = [(row[0],) for row in rows if row[0] in self._broken]

        def put() -> None:
            # What can't be read is no result that stands, whatever its status says.
            self._connection.executemany("DELETE FROM records WHERE key = ?", unreadable)
            self._connection.executemany(_PUT_ANEW if anew else _PUT, rows)

        if rows:
            self._write(put)
            self._broken -= {key for (key,) in unreadable}

    def remove(self, keys: Iterable[str], runs: Iterable[str] = ()) -> None:
        """Remove the records with these keys and the documents of these runs, all or none, and give the space back."""
        gone, ids = [(key,) for key in keys], [(run_id,) for run_id in runs]

        def remove() -> None:
            self._connection.executemany("DELETE FROM records WHERE key = ?", gone)
            self._connection.executemany("DELETE FROM runs WHERE id = ?", ids)

        if gone or ids:
            self._write(remove)
            with contextlib.suppress(sqlite3.OperationalError):  # another run reads it: the space is used again anyway
                self._connection.execute("VACUUM")

    def save_run(self, run_document: Mapping[str, Any]) -> None:
        """Keep what a run planned and did; a later document with the same `id` replaces the earlier one.

        The document is JSON with `id`, `started` (UTC, ISO 8601) and whatever its caller needs.
        """
        missing = {"id", "started"} - run_document.keys()
        if missing:
            raise InputError(f"a run document needs {' and '.join(sorted(missing))}")
        row = (run_document["id"], run_document["started"], _encode(run_document))
        query = (
            "INSERT INTO runs (id, started, document) VALUES (?, ?, ?) "
            "ON CONFLICT (id) DO UPDATE SET started = excluded.started, document = excluded.document"
        )
        self._write(lambda: self._connection.execute(query, row))

    def runs(self) -> list[dict[str, Any]]:
        """All run documents, the earliest first; of one that can't be read its `id`, `started`, and why (`broken`)."""
        with self._said_plainly("read"):
            rows = self._connection.execute("SELECT id, started, document FROM runs ORDER BY started, rowid").fetchall()
        return [_document(*row) for row in rows]

    def run(self, run_id: str | None = None) -> dict[str, Any]:
        """The document of one run, the latest when `run_id` is None; InputError names the runs there are."""
        with self._said_plainly("read"):
            names = [name for (name,) in self._connection.execute("SELECT id FROM runs ORDER BY started, rowid")]
            if not names:
                raise InputError(f"{self.path} holds no run yet; 'qmbench run suite' makes one")
            wanted = names[-1] if run_id is None else run_id
            if wanted not in names:
                latest = ", ".join(reversed(names[-10:])) + (", …" if len(names) > 10 else "")
                raise InputError(f"there is no run '{run_id}' in {self.path}; there is {latest}")
            query = "SELECT id, started, document FROM runs WHERE id = ?"
            row = self._connection.execute(query, (wanted,)).fetchone()
        return _document(*row)

    def close(self) -> None:
        """Close the file; the last one to do so folds the write-ahead log in."""
        with self._said_plainly("closed"):
            self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _connect(self) -> sqlite3.Connection:
        if not self.read_only:
            return sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        uri = self.path.as_uri()
        connection = sqlite3.connect(f"{uri}?mode=ro", uri=True, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master")
        except sqlite3.OperationalError:
            # On a medium where nothing can be written SQLite can't share a log that isn't there yet. With no
            # log there is also no writer, and the file can be read as it stands.
            if self.path.with_name(self.path.name + "-wal").exists():
                raise
            connection.close()
            connection = sqlite3.connect(f"{uri}?immutable=1", uri=True, isolation_level=None)
        return connection

    def _prepare(self) -> None:
        application, version, tables = self._read_header()
        if application == 0 and version == 0 and tables == 0 and not self.read_only:
            self._create()
            application, version, tables = self._read_header()
        if application != APPLICATION_ID:
            raise StoreError(f"{self.path} is not a qmbench store")
        if version > SCHEMA:
            raise StoreError(
                f"{self.path} was made by a newer qmbench (its format is {version}, this qmbench knows {SCHEMA}); "
                "update qmbench or name another store"
            )
        if not self.read_only:
            self._connection.execute("PRAGMA synchronous = FULL")
            self._retry(lambda: self._connection.execute("PRAGMA journal_mode = WAL"))
            # Say now that it can't be written, not after the first hour of computing.
            self._write(lambda: self._connection.execute(f"PRAGMA user_version = {SCHEMA}"))

    def _header(self) -> tuple[int, int, int]:
        """What the file says it is, within a transaction: all of one moment, since another run may be making it."""
        queries = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
        application, version, tables = (self._connection.execute(query).fetchone()[0] for query in queries)
        return application, version, tables

    def _read_header(self) -> tuple[int, int, int]:
        self._connection.execute("BEGIN")
        try:
            return self._header()
        finally:
            self._connection.execute("COMMIT")

    def _create(self) -> None:
        def create() -> None:
            if self._header() == (0, 0, 0):  # or another run was faster
                for statement in _CREATE.split(";"):
                    self._connection.execute(statement)

        self._retry(lambda: self._connection.execute("PRAGMA journal_mode = WAL"))
        self._write(create)

    def _write(self, action: Callable[[], object]) -> None:
        """One transaction around `action`, all or nothing."""
        with self._said_plainly("written"):
            self._retry(lambda: self._connection.execute("BEGIN IMMEDIATE"))
            try:
                action()
                self._connection.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    if self._connection.in_transaction:
                        self._connection.execute("ROLLBACK")
                raise

    def _retry(self, action: Callable[[], T]) -> T:
        """Some locks answer at once instead of waiting (switching to the log, recovering it): wait for those."""
        end = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                return action()
            except sqlite3.OperationalError as error:
                if not _busy(error) or time.monotonic() > end:
                    raise
                time.sleep(0.02)

    @contextlib.contextmanager
    def _said_plainly(self, what: str) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(f"the store {self.path} can't be {what}: {_reason(error)}") from None
        except OSError as error:
            raise StoreError(f"the store {self.path} can't be {what}: {error.strerror or error}") from None


def _busy(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorname", "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _reason(error: sqlite3.Error) -> str:
    name = getattr(error, "sqlite_errorname", "")
    reasons = {
        "SQLITE_FULL": "the disk is full",
        "SQLITE_READONLY": "it is read-only",
        "SQLITE_BUSY": f"another process kept it locked for {BUSY_SECONDS:.0f} s",
        "SQLITE_LOCKED": "it is locked",
        "SQLITE_CANTOPEN": "the file, or its log beside it, can't be opened (permissions, or a read-only disk?)",
        "SQLITE_NOTADB": "it is not a qmbench store",
        "SQLITE_CORRUPT": "the file is damaged",
        "SQLITE_IOERR": "input or output failed (disk full, a limit on file sizes, or a broken disk?)",
        "SQLITE_PERM": "permission denied",
    }
    for start, reason in reasons.items():
        if name.startswith(start):
            return reason
    return str(error)


def _row(record: Record) -> tuple[Any, ...]:
    quantity, failure, cost = record.quantity, record.failure, record.cost
    if quantity is not None and not quantity.is_finite():
        raise InputError(f"{record.prop} of {record.system_name} by {record.level} is not finite; it can't be stored")
    shared = {name: record.provenance[name] for name in _SHARED if name in record.provenance}
    own = {name: value for name, value in record.provenance.items() if name not in _SHARED}
    if quantity is not None and quantity.degeneracies is not None:
        own[_DEGENERACIES] = dict(quantity.degeneracies)
    data = quantity.to_json() if quantity else {"value": None, "unit": None, "uncertainty": None}
    return (
        record.key,
        record.level,
        record.system_name,
        record.system_hash,
        record.prop,
        record.status,
        _number_or_text(data["value"]),
        data["unit"],
        _number_or_text(data["uncertainty"]),
        quantity.uncertainty_kind if quantity else None,
        *((failure.kind, failure.message, failure.log_tail) if failure else (None, None, None)),
        json.dumps(shared, sort_keys=True, separators=(",", ":")),
        json.dumps(own, separators=(",", ":")),
        *((cost.wall_s, cost.cpu_s, cost.peak_memory_mib, cost.cores) if cost else (None,) * 4),
    )


def _number_or_text(value: Any) -> float | str | None:
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list | dict) else value


def _text(data: bytes) -> str:
    """Text of the file. It is UTF-8, unless something else than qmbench wrote it: then what it says is not lost."""
    return data.decode("utf-8", "replace")


@collector_paused()
def _document(run_id: Any, started: Any, text: Any) -> dict[str, Any]:
    """A run's document; of a broken one what the table says of it."""
    why = "it is not JSON"
    with contextlib.suppress(ValueError, TypeError, RecursionError):
        found = json.loads(text if isinstance(text, str) else "")
        if isinstance(found, dict) and found.get("id") == run_id:
            return found
        why = "it is of no run, or of another one"
    return {"id": str(run_id), "started": str(started), "broken": why}


def _reader(broken: set[str], keys: Iterable[str] = ()) -> Callable[[list[tuple[Any, ...]]], list[Record]]:
    """Turns rows into records, decoding each text that is common to many rows once, and keeping it once, those of
    `keys` as they are given.

    A row that is none, which something else than qmbench wrote, is a failed record; its key is added to `broken`.
    """
    shared: dict[str, dict[str, Any]] = {}
    texts: dict[Any, Any] = {key: key for key in keys}

    def one(row: tuple[Any, ...]) -> Record:
        try:
            return _record(row, shared, texts.setdefault)
        except Exception as error:  # any, since the row may hold anything
            key = str(row[0])
            broken.add(key)
            why = f"{type(error).__name__}: {' '.join(str(error).split())}"[:200]
            failure = Failure("error", f"the record {key} of the store can't be read ({why}); compute it again")
            return Record(key, str(row[1]), str(row[2]), str(row[3]), str(row[4]), "failed", failure=failure)

    def read(rows: list[tuple[Any, ...]]) -> list[Record]:
        with collector_paused():
            return [one(row) for row in rows]

    return read


def _record(row: tuple[Any, ...], known: dict[str, dict[str, Any]], once: Callable[[Any, Any], Any]) -> Record:
    """once: called with a text twice, gives the first that was equal to it."""
    key, level, name, system_hash, prop, status, value, unit, uncertainty, kind, *rest = row
    failure_kind, message, tail, shared_text, own, wall, cpu, peak, cores = rest
    key, level, name, system_hash = once(key, key), once(level, level), once(name, name), once(system_hash, system_hash)
    prop, status, unit = once(prop, prop), once(status, status), once(unit, unit)
    shared = known.get(shared_text)
    if shared is None:
        shared = known[shared_text] = _object(shared_text)
    about = _object(own)
    quantity = None
    if isinstance(value, float) and (uncertainty is None or isinstance(uncertainty, float)):
        quantity = Quantity(value, unit, uncertainty, kind)
    elif value is not None:
        data = {"value": _decode(value), "unit": unit, "uncertainty_kind": kind}
        data["uncertainty"] = _decode(uncertainty) if isinstance(uncertainty, str) else uncertainty
        data["degeneracies"] = about.pop(_DEGENERACIES, None)
        quantity = Quantity.from_json(data)
    if (status == "ok") is not (quantity is not None and failure_kind is None) or status not in STATUSES:
        raise ValueError(f"its status is {status!r:.40}")
    if quantity is not None and not (isinstance(unit, str) and quantity.is_finite()):
        raise ValueError("its value is no quantity")
    cost = None
    if wall is not None:
        for x in (wall, cpu, peak, cores):
            if not isinstance(x, _NUMBER):
                raise ValueError("its cost is not of numbers")
        cost = Cost(wall, cpu, peak, cores)
    failure = None if failure_kind is None else Failure(str(failure_kind), str(message or ""), str(tail or ""))
    return Record(key, level, name, system_hash, prop, status, quantity, failure, {**shared, **about}, cost)


def _object(text: Any) -> dict[str, Any]:
    found = _decode(text)
    if not isinstance(found, dict):
        raise ValueError("its provenance is no object")
    warnings, settings = found.get("warnings"), found.get("settings")
    if (warnings and not isinstance(warnings, list)) or (settings and not isinstance(settings, dict)):
        raise ValueError("its warnings are no list, or its settings no object")
    return found


def _encode(document: Mapping[str, Any]) -> str:
    """The document as JSON, by the encoder that takes a quarter of the time on documents of 100,000 entries."""
    try:
        return pydantic_core.to_json(document, inf_nan_mode="constants").decode()
    except pydantic_core.PydanticSerializationError:  # half of a pair of surrogates, which can only be escaped
        return json.dumps(document, separators=(",", ":"))


def _decode(text: str) -> Any:
    # What json.loads does around this costs as much as the decoding, and the text is the store's own.
    return _decoder(text)[0]


_decoder = json.JSONDecoder().raw_decode
