"""The environment of a run as values, and its transaction."""

import contextlib
import dataclasses
import io
import itertools
import json
import os
import sys
from typing import Dict, Iterable, Mapping, Optional, Sequence, Union

from .copy_text import copy_line

_PIECE = 4 << 20  # characters

SNAPSHOT_STATUS = 75  # EX_TEMPFAIL: the run is tried again at once, and not counted


class SnapshotGone(SystemExit):
    """The session that kept the run's snapshot has ended. It ends the program with exit status 75."""

    def __init__(self, why):
        super().__init__(SNAPSHOT_STATUS)
        self.why = str(why).strip()

    def __str__(self):
        return f"the snapshot could not be imported: {self.why}"


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A table, ready for SQL: `table` is qualified and quoted."""

    name: str
    table: str
    key: Sequence[str]
    columns: Mapping[str, str]  # name to type, in order


@dataclasses.dataclass(frozen=True)
class Input(Dataset):
    """`from_batch` was the last one counted before; up to `to_batch` this run counts."""

    from_batch: int = 0
    to_batch: int = 0
    history: Optional[str] = None  # every version of every row, where the model asks for it
    changes: Optional[str] = None  # what changed in the claimed batches, in mode incremental


@dataclasses.dataclass(frozen=True)
class Output(Dataset):
    """Empty at the start of the run."""


@dataclasses.dataclass(frozen=True)
class Credential:
    user: Optional[str] = None
    password: Optional[str] = dataclasses.field(default=None, repr=False)
    token: Optional[str] = dataclasses.field(default=None, repr=False)


def _columns(described):
    return {column["name"]: column["type"] for column in described["columns"]}


class _ByName(dict):
    def __init__(self, what, items):
        super().__init__(items)
        self._what = what

    def __missing__(self, name):
        raise KeyError(f"there is no {self._what} {name}; there is {', '.join(sorted(self)) or 'none'}")


class Run:
    """What this run was given. `environment` is os.environ unless a test says otherwise."""

    def __init__(self, environment: Optional[Mapping[str, str]] = None):
        self._environment = os.environ if environment is None else environment
        self.id = self._need("YELLOW_RUN_ID")
        self.workspace = self._need("YELLOW_WORKSPACE")
        self.platform = self._need("YELLOW_PLATFORM")
        self.mode = self._need("YELLOW_MODE")
        self.snapshot = self._environment.get("YELLOW_SNAPSHOT", "")
        self.inputs: Dict[str, Input] = _ByName("input", {
            name: Input(name, one["table"], tuple(one["key"]), _columns(one), one["from_batch"], one["to_batch"], one.get("history"), one.get("changes"))
            for name, one in json.loads(self._need("YELLOW_INPUTS")).items()})
        self.outputs: Dict[str, Output] = _ByName("output", {
            name: Output(name, one["table"], tuple(one["key"]), _columns(one)) for name, one in json.loads(self._need("YELLOW_OUTPUTS")).items()})

    def _need(self, name):
        try:
            return self._environment[name]
        except KeyError:
            raise RuntimeError(f"{name} is not set: this code is started by Yellow (yellow run, yellow test, yellow try)") from None

    @property
    def incremental(self) -> bool:
        return self.mode == "incremental"

    def input(self, name: str) -> Input:
        """By its whole name, or an unambiguous end of it: Original.Shop.customers, Shop.customers, customers."""
        if name in self.inputs:
            return self.inputs[name]
        found = [one for whole, one in self.inputs.items() if whole.endswith("." + name)]
        if len(found) > 1:
            raise KeyError(f"several inputs are called {name}: {', '.join(one.name for one in found)}")
        return found[0] if found else self.inputs[name]

    def credential(self, name: str) -> Credential:
        """One that the model lists under the transformer's credentials."""
        variable = "YELLOW_CREDENTIAL__" + name.upper() + "__"
        found = Credential(*(self._environment.get(variable + part) for part in ("USER", "PASSWORD", "TOKEN")))
        if found == Credential():
            raise KeyError(f"there is no credential {name}: name it under credentials: of the transformer")
        return found

    def connect(self):
        """A connection of psycopg2 as this run's login."""
        try:
            import psycopg2.extensions
        except ImportError:
            raise RuntimeError("psycopg2 is not installed: apt-get install python3-psycopg2, or pip install psycopg2-binary") from None
        keys = {"host": "PGHOST", "port": "PGPORT", "dbname": "PGDATABASE", "user": "PGUSER", "password": "PGPASSWORD", "sslmode": "PGSSLMODE",
                "sslrootcert": "PGSSLROOTCERT", "application_name": "PGAPPNAME"}
        connection = psycopg2.connect(**{key: self._environment[name] for key, name in keys.items() if name in self._environment})
        # As Python values they would come back changed: a month is not thirty days, and 1.00 in a document not 1.0.
        as_text = psycopg2.extensions.new_type((114, 1186, 3802), "AS_TEXT", lambda value, cursor: value)
        psycopg2.extensions.register_type(as_text, connection)
        psycopg2.extensions.register_type(psycopg2.extensions.new_array_type((199, 1187, 3807), "AS_TEXT_ARRAY", as_text), connection)
        return connection

    @contextlib.contextmanager
    def transaction(self):
        """The one transaction of the run, on its snapshot where there is one. Committed at the end, rolled back by an error."""
        import psycopg2
        connection = self.connect()
        try:
            connection.set_session(isolation_level="REPEATABLE READ")
            if self.snapshot:
                try:
                    with connection.cursor() as cursor:
                        cursor.execute("SET TRANSACTION SNAPSHOT %s", (self.snapshot,))
                except psycopg2.Error as error:
                    gone = SnapshotGone(error)
                    print(gone, file=sys.stderr)
                    raise gone from error
            yield Transaction(self, connection)
            connection.commit()
        finally:
            connection.close()


class Transaction:
    """REQUIRES: used inside the `with` that made it."""

    def __init__(self, run: Run, connection):
        self.run = run
        self.connection = connection
        self._cursors = 0

    def execute(self, statement: str, parameters: Sequence = ()):
        """`{inputs[Original.Shop.customers]}` and `{outputs[customers]}` stand for the tables; returns the rows, or their number."""
        for names, found in (("inputs", self.run.inputs), ("outputs", self.run.outputs)):
            for name, one in found.items():
                statement = statement.replace("{%s[%s]}" % (names, name), one.table)
        with self.connection.cursor() as cursor:
            cursor.execute(statement, parameters or None)
            return cursor.fetchall() if cursor.description else cursor.rowcount

    def rows(self, source: Union[str, Input], table: str = "table", order_by: str = "", at_once: int = 5000) -> Iterable[dict]:
        """Streamed from the server. `table`: table, history or changes."""
        source = self.run.input(source) if isinstance(source, str) else source
        relation = {"table": source.table, "history": source.history, "changes": source.changes}[table]
        if relation is None:
            raise KeyError(f"{source.name} has no {table}")
        self._cursors += 1
        with self.connection.cursor(name=f"yellow_sdk_{self._cursors}") as cursor:
            cursor.itersize = at_once
            cursor.execute(f"SELECT * FROM {relation}" + (f" ORDER BY {order_by}" if order_by else ""))
            names = None
            for row in cursor:
                names = names or [column.name for column in cursor.description]
                yield dict(zip(names, row))

    def write(self, target: Union[str, Output], rows: Iterable[Union[Mapping, Sequence]]) -> int:
        """Through COPY."""
        target = self.run.outputs[target] if isinstance(target, str) else target
        rows = iter(rows)
        first = next(rows, None)
        if first is None:
            return 0
        columns = dict(target.columns)
        if isinstance(first, Mapping) and "yellow_op" in first:  # mode incremental: I, U or D of each row
            columns["yellow_op"] = "text"
        lines = _lines(target.name, columns, itertools.chain([first], rows))
        count = 0
        # In pieces, because the rows may come from this very connection, which cannot be read while a COPY is under way.
        with self.connection.cursor() as cursor:
            while True:
                piece, length = [], 0
                for line in lines:
                    piece.append(line)
                    length += len(line)
                    if length > _PIECE:
                        break
                if not piece:
                    return count
                cursor.copy_expert(f"COPY {target.table} ({_list(columns)}) FROM STDIN", io.StringIO("".join(piece)))
                count += len(piece)

    def copy_out(self, source: Union[str, Input], file, table: str = "table"):
        """CSV with a header, to an open file."""
        source = self.run.input(source) if isinstance(source, str) else source
        relation = {"table": source.table, "history": source.history, "changes": source.changes}[table]
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY (SELECT * FROM {relation}) TO STDOUT (FORMAT csv, HEADER)", file)
            return cursor.rowcount

    def copy_in(self, target: Union[str, Output], file, columns: Optional[Sequence[str]] = None) -> int:
        """CSV with a header, from an open file; its columns are those of the output unless they are named."""
        target = self.run.outputs[target] if isinstance(target, str) else target
        with self.connection.cursor() as cursor:
            cursor.copy_expert(f"COPY {target.table} ({_list(columns or target.columns)}) FROM STDIN (FORMAT csv, HEADER)", file)
            return cursor.rowcount


def _list(columns):
    return ", ".join('"' + name.replace('"', '""') + '"' for name in columns)


def _lines(target, columns, rows):
    """Rows as lines of COPY."""
    names, types = list(columns), list(columns.values())
    for number, row in enumerate(rows, 1):
        if isinstance(row, Mapping):
            unknown = row.keys() - columns.keys()
            if unknown:
                raise KeyError(f"{target} has no column {min(unknown)}; it has {', '.join(names)}")
            row = [row.get(name) for name in names]
        else:
            row = list(row)
            if len(row) != len(names):
                raise ValueError(f"{target} has {len(names)} columns, and row {number} has {len(row)} values")
        yield copy_line(row, types)
