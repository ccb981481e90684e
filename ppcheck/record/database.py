"""Where a history is stored: its tables, and how a store is opened or made.

The tables' names begin with ``ppcheck_``, so that a team's database may hold others beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sql
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from ppcheck.errors import HistoryError
from ppcheck.record.store_url import EXAMPLES

VERSION = 1
_PATIENCE = 60
"""Seconds for which a writer to a SQLite file waits for the others."""
_TABLES = sql.MetaData()

STORE = sql.Table(
    "ppcheck_store",
    _TABLES,
    sql.Column("id", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("version", sql.Integer, nullable=False),
)
RUNS = sql.Table(
    "ppcheck_runs",
    _TABLES,
    sql.Column("id", sql.Integer, primary_key=True),
    sql.Column("sha256", sql.String(64), nullable=False, unique=True),
    sql.Column("started", sql.DateTime, nullable=False, index=True),  # UTC
    sql.Column("commit", sql.Text),
    sql.Column("seconds", sql.Double, nullable=False),
)
CLAIMS = sql.Table(
    "ppcheck_claims",
    _TABLES,
    sql.Column("run", sql.ForeignKey(RUNS.c.id), primary_key=True),
    sql.Column("place", sql.Integer, primary_key=True, autoincrement=False),  # in its run
    sql.Column("spec", sql.Text, nullable=False),
    sql.Column("claim", sql.Text, nullable=False),
    sql.Column("model", sql.Text, nullable=False),
    sql.Column("revision", sql.Text),
    sql.Column("weights_sha256", sql.Text),
    sql.Column("verdict", sql.String(20), nullable=False),
    sql.Column("says", sql.Text, nullable=False),
    sql.Column("reason", sql.Text),
    sql.Column("fingerprint", sql.Text),
    sql.Column("prompts_sha256", sql.Text),
    sql.Column("seed", sql.Text, nullable=False),
    sql.Index("ppcheck_claims_by_name", "claim", "spec", "model"),
)
STATISTICS = sql.Table(
    "ppcheck_statistics",
    _TABLES,
    sql.Column("run", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("place", sql.Integer, primary_key=True, autoincrement=False),
    sql.Column("number", sql.Integer, primary_key=True, autoincrement=False),  # in its claim
    sql.Column("name", sql.Text, nullable=False),
    sql.Column("decides", sql.Boolean, nullable=False),  # what reports show of the claim
    sql.Column("estimate", sql.Double, nullable=False),
    sql.Column("low", sql.Double),
    sql.Column("high", sql.Double),
    sql.Column("n", sql.Integer, nullable=False),
    sql.Column("confidence", sql.Double, nullable=False),
    sql.Column("method", sql.String(40), nullable=False),
    sql.Column("family", sql.Integer, nullable=False),
    sql.Column("bound", sql.Text),
    sql.Column("verdict", sql.String(20)),
    sql.ForeignKeyConstraint(["run", "place"], [CLAIMS.c.run, CLAIMS.c.place]),
)


class Database:
    """A store at a URL, checked when it is opened. ``url`` reads well and shows no password."""

    def __init__(self, url: str, folder: Path, *, create: bool = False) -> None:
        """Open it; a SQLite file is relative to ``folder``, and made where ``create`` says so.

        Raises HistoryError for a URL that means nothing, and for what is not a store or one of a
        later version.
        """
        parsed = _parsed(url)
        self.url = parsed.render_as_string()
        with self.trouble():
            self._engine = _engine(parsed, folder, create=create)
        with self.trouble():
            self._check(create=create)

    @contextmanager
    def writing(self) -> Iterator[sql.Connection]:
        """One transaction, which is kept whole or not at all."""
        with self._engine.execution_options(writes=True).begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sql.Connection]:
        with self.trouble(), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def trouble(self) -> Iterator[None]:
        """What goes wrong with the store is a HistoryError that names it."""
        try:
            yield
        except DBAPIError as error:
            cause = " ".join(str(error.orig).split())
            raise HistoryError(f"{self.url}: {cause}") from error
        except (SQLAlchemyError, OSError, ImportError, ValueError) as error:
            raise HistoryError(f"{self.url}: {' '.join(str(error).split())}") from error

    def _check(self, *, create: bool) -> None:
        found = self._version()
        if found is None and create:
            try:
                self._create()
            except DBAPIError:  # another process may have been quicker
                if self._version() is None:
                    raise
            found = self._version()
        if found is None:
            raise HistoryError(f"{self.url}: there is no history yet. {_FIRST}")
        if found != VERSION:
            raise HistoryError(
                f"{self.url}: the history is of version {found}, and this ppcheck knows version "
                f"{VERSION}: use a later ppcheck"
            )

    def _version(self) -> int | None:
        """The version of the history in the database; None where it holds none.

        Raises HistoryError for a SQLite file that belongs to something else.
        """
        with self._engine.connect() as connection:
            tables = sql.inspect(connection).get_table_names()
            if STORE.name in tables:
                return connection.execute(sql.select(STORE.c.version)).scalar()
            if tables and connection.dialect.name == "sqlite":
                some = ", ".join(tables[:3])
                raise HistoryError(f"{self.url}: this is another program's file: it holds {some}")
            return None

    def _create(self) -> None:
        if self._engine.dialect.name == "sqlite":
            self._write_ahead()
        with self.writing() as connection:
            _TABLES.create_all(connection)
            connection.execute(sql.insert(STORE).values(id=1, version=VERSION))

    def _write_ahead(self) -> None:
        """Let readers and a writer of a SQLite file not wait for each other from now on."""
        connection = self._engine.raw_connection()
        try:
            with suppress(self._engine.dialect.loaded_dbapi.OperationalError):  # it is in use
                connection.cursor().execute("PRAGMA journal_mode=WAL")
        finally:
            connection.close()


_FIRST = (
    "A run with --ppcheck-history writes the first entry, `ppcheck history add RECORD.json` adds "
    "one that was recorded"
)


def _parsed(url: str) -> URL:
    try:
        parsed = sql.make_url(url)
    except (ArgumentError, ValueError) as error:  # its message may hold a password
        raise HistoryError(f"this is not a URL of a store: write {EXAMPLES}") from error
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise HistoryError(f"{url} keeps nothing: name a file, as in {EXAMPLES}")
    return parsed


def _engine(url: URL, folder: Path, *, create: bool) -> sql.Engine:
    """An engine whose connections are closed as soon as they are given back."""
    if url.get_backend_name() != "sqlite":
        return _made(url)
    path = folder / str(url.database)
    if create:
        path.parent.mkdir(parents=True, exist_ok=True)
    elif not path.exists():
        raise HistoryError(f"{url.render_as_string()}: there is no such file. {_FIRST}")
    engine = _made(url.set(database=str(path)), timeout=_PATIENCE)
    sql.event.listen(engine, "connect", _hand_over)
    sql.event.listen(engine, "begin", _begin)
    return engine


def _made(url: URL, **arguments: Any) -> sql.Engine:
    try:
        return sql.create_engine(url, poolclass=sql.NullPool, connect_args=arguments)
    except NoSuchModuleError as error:
        raise HistoryError(
            f"{url.render_as_string()}: no kind of database is called so: write {EXAMPLES}"
        ) from error
    except ImportError as error:
        raise HistoryError(
            f"{url.render_as_string()}: the driver of this database is not installed: {error}"
        ) from error


def _hand_over(connection: Any, _record: object) -> None:
    """Transactions of SQLite begin where SQLAlchemy says so, those that make tables too."""
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")


def _begin(connection: sql.Connection) -> None:
    """A writer of SQLite waits for its turn when it begins: later it could only give up."""
    writes = connection.get_execution_options().get("writes")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
