"""Stores by place: a path or `sqlite:///PATH` for the core's own, and the URL schemes that plugins bring."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from qmbench.domain.errors import InputError, QmbenchError, StoreError
from qmbench.domain.record import Record
from qmbench.plugging.registry import plugins

DEFAULT_STORE = "qmbench-data/store.sqlite"


class StoreProtocol(Protocol):
    """Where records and runs are kept. Subclass it for a store of your own: the methods with a body can stay.

    place: how people name it, for messages. artifacts_folder: where shared intermediates of its tasks may be kept, on
    this machine; None for a folder that goes when the engine ends. Only the process that drives a run uses a store,
    never the workers, and it uses it from one thread. Every method raises StoreError, in one line, for what can't be
    read or written.
    """

    place: str
    artifacts_folder: Path | None = None

    @abstractmethod
    def get(self, keys: Iterable[str]) -> dict[str, Record]:
        """{key: record} of those of `keys` that the store has."""

    @abstractmethod
    def put(self, records: Iterable[Record], anew: bool = False) -> None:
        """Keep `records`, all or none, durably. A record that is `ok` already is not replaced, any other is.

        With `anew` (asked for by --fresh) an `ok` record is replaced as well, if the new one is `ok`.
        """

    @abstractmethod
    def records(self, **filters: str | Iterable[str]) -> Iterator[Record]:
        """The records in the order in which they came.

        filters: level, system_name, system_hash, property, status, failure_kind or key, each a text or several.
        """

    @abstractmethod
    def save_run(self, run_document: Mapping[str, Any]) -> None:
        """Keep a JSON document with `id` and `started`; a later one with the same `id` replaces the earlier one."""

    @abstractmethod
    def runs(self) -> list[dict[str, Any]]:
        """All run documents, the earliest (by `started`) first."""

    def run(self, run_id: str | None = None) -> dict[str, Any]:
        """The document of one run, the latest when `run_id` is None; InputError names the runs there are."""
        known = {str(document["id"]): document for document in self.runs()}
        if not known:
            raise InputError(f"{self.place} holds no run yet; 'qmbench run suite' makes one")
        if run_id is None:
            return list(known.values())[-1]
        if run_id not in known:
            latest = ", ".join(list(known)[:-11:-1]) + (", …" if len(known) > 10 else "")
            raise InputError(f"there is no run '{run_id}' in {self.place}; there is {latest}")
        return known[run_id]

    def starting_with(self, prefix: str, most: int) -> list[Record]:
        """At most `most` of the records whose key starts with the hex digits `prefix`, by key."""
        found = sorted((r for r in self.records() if r.key.startswith(prefix.lower())), key=lambda r: r.key)
        return found[:most]

    def remove(self, keys: Iterable[str], runs: Iterable[str] = ()) -> None:
        """Remove the records with these keys and the documents of these runs, all or none (`qmbench store prune`)."""
        raise InputError(f"records can't be removed from {self.place}: its store does not do that")

    def close(self) -> None:  # most have something to close, but not all
        """Let go of what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


_MEMBERS = (
    *("place", "artifacts_folder", "get", "put", "records", "save_run", "runs", "run", "starting_with", "close"),
    *("__enter__", "__exit__"),
)


def store_place(given: str | Path | None) -> str:
    """The place that was given, or else that of the variable QMBENCH_STORE, or `qmbench-data/store.sqlite` here."""
    return str(given or os.environ.get("QMBENCH_STORE") or DEFAULT_STORE)


def is_there(place: str | Path) -> bool:
    """Whether there may be a store at a place: a URL is for its store to say."""
    return _scheme(place) is not None or Path(place).exists()


def open_store(place: str | Path, read_only: bool = False) -> StoreProtocol:
    """The store at a path or URL, made where it is not there yet (unless `read_only`); use it as a context manager.

    InputError, with the schemes there are, for a URL of another scheme; StoreError when it can't be opened.
    """
    from qmbench.running.store import Store

    scheme = _scheme(place)
    if scheme is None or scheme == "sqlite":
        return Store.open(place, read_only)
    openers: Mapping[str, Callable[[str, bool], StoreProtocol]] = plugins().stores
    if scheme not in openers:
        raise InputError(f"'{place}' does not name a store; there is a path{_urls(['sqlite', *openers])}")
    try:
        store = openers[scheme](str(place), read_only)
    except QmbenchError:
        raise
    except Exception as error:
        raise StoreError(f"the store {place} can't be opened: {type(error).__name__}: {error}") from error
    lacking = [name for name in _MEMBERS if not hasattr(store, name)]
    if lacking:
        raise StoreError(f"the store {place} has no '{lacking[0]}': it is to be a qmbench.StoreProtocol")
    return store


def _scheme(place: str | Path) -> str | None:
    found = None if isinstance(place, Path) else re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", place)
    return found[1].lower() if found else None


def _urls(schemes: list[str]) -> str:
    return "".join(f", {scheme}://…" for scheme in schemes)
