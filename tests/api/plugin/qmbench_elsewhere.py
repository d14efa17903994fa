"""A foreign plugin: an engine that runs tasks in the process that asks, and a store that is a file of lines of JSON."""

import json
from pathlib import Path

import qmbench

QMBENCH_API = 2


class Here:
    """One task after the other, in this process."""

    workers = 1

    def __init__(self, address, workers, resources):
        if address not in ("", "there"):
            raise qmbench.InputError(f"the engine 'here' knows no address '{address}'")
        self.resources, self.asked, self.closed = resources, workers, False

    def run(self, tasks):
        for task in tasks:
            yield task, qmbench.run_task(task, self.resources)

    def close(self):
        self.closed = True


class Lines(qmbench.StoreProtocol):
    """Appends a line per record and per run; what comes later counts."""

    def __init__(self, url, read_only):
        self.place, self.path, self.read_only = url, Path(url.removeprefix("lines://")), read_only
        self.artifacts_folder = None
        if read_only and not self.path.exists():
            raise qmbench.StoreError(f"there is no store at {url}")
        self._records, self._runs = {}, {}
        for line in self.path.read_text().splitlines() if self.path.exists() else ():
            self._take(json.loads(line))

    def _take(self, row):
        if "run" in row:
            self._runs[row["run"]["id"]] = row["run"]
        else:
            record = qmbench.Record.from_json(row["record"])
            self._records[record.key] = record

    def _append(self, rows):
        if self.read_only:
            raise qmbench.StoreError(f"the store {self.place} is read-only")
        with open(self.path, "a") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        for row in rows:
            self._take(row)

    def get(self, keys):
        return {key: self._records[key] for key in keys if key in self._records}

    def put(self, records, anew=False):
        old = {key for key, record in self._records.items() if record.status == "ok"}
        kept = [r for r in records if r.key not in old or (anew and r.status == "ok")]
        self._append([{"record": r.to_json()} for r in kept])

    def records(self, **filters):
        wanted = {name: {given} if isinstance(given, str) else set(given) for name, given in filters.items()}
        for record in self._records.values():
            if all(record.to_json()[name] in values for name, values in wanted.items()):
                yield record

    def save_run(self, run_document):
        self._append([{"run": dict(run_document)}])

    def runs(self):
        return sorted(self._runs.values(), key=lambda run: run["started"])


@qmbench.hookimpl
def qmbench_engines():
    return {"here": Here}


@qmbench.hookimpl
def qmbench_stores():
    return {"lines": Lines}
