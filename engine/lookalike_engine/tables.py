"""Tables on disk: Parquet, written and read through DuckDB."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
from numpy.typing import NDArray

from lookalike_engine.plainly import as_os_error

Columns = dict[str, NDArray[Any]]


def connect() -> duckdb.DuckDBPyConnection:
    """Open an in-memory DuckDB that reads and writes local files and fetches nothing: no extensions, no network."""
    connection = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "allow_community_extensions": False,
            "threads": 1,
        }
    )
    connection.execute("SET lock_configuration = true")
    return connection


def write_table(path: Path, columns: Mapping[str, NDArray[Any]]) -> None:
    """Write equally long columns as one Parquet file. Text is an object array of str, raw bytes one of bytes.

    Raises OSError where it cannot be written, as on a full disk.
    """
    with connect() as connection:
        connection.register("columns_to_write", dict(columns))
        casts = ", ".join(f'"{name}"{_cast(column)} AS "{name}"' for name, column in columns.items())
        try:
            connection.view("columns_to_write").project(casts).write_parquet(str(path), compression="zstd")
        except duckdb.IOException as error:
            raise as_os_error(str(error), path) from error


def _cast(column: NDArray[Any]) -> str:
    """An empty object array says nothing about what it would hold; a table needs to be told."""
    if column.dtype != object:
        return ""
    return "::BLOB" if len(column) and isinstance(column[0], bytes) else "::VARCHAR"


def read_table(path: Path, names: Sequence[str]) -> Columns:
    """Read the named columns of a Parquet file, in the order of its rows."""
    with connect() as connection:
        result = connection.read_parquet(str(path)).select(*names)
        return {name: np.asarray(column) for name, column in result.fetchnumpy().items()}


def text_column(values: Sequence[str] | Sequence[bytes]) -> NDArray[np.object_]:
    """Return strings as a column."""
    column = np.empty(len(values), dtype=object)
    column[:] = values
    return column
