"""Rows as lines of COPY's text format."""

import datetime
import decimal
import json

_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\v": "\\v"})


def _element(value, of):
    if value is None:
        return "NULL"
    if isinstance(value, (list, tuple)):
        return "{" + ",".join(_element(item, of) for item in value) + "}"
    return '"' + text_of(value, of).replace("\\", "\\\\").replace('"', '\\"') + '"'


def text_of(value, of=""):
    """The value as PostgreSQL reads it for a column of type `of`."""
    kind = of.lower()
    if kind.endswith("[]") and isinstance(value, (list, tuple)):
        return _element(value, of[:-2])
    if kind in ("json", "jsonb") and not isinstance(value, str):
        return json.dumps(value, default=_plain, ensure_ascii=False)
    if isinstance(value, bool):
        return "t" if value else "f"
    if isinstance(value, (bytes, bytearray, memoryview)):
        return "\\x" + bytes(value).hex()
    if isinstance(value, datetime.timedelta):
        return f"{value.days} days {value.seconds}.{value.microseconds:06} seconds"
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    if isinstance(value, (dict, list, tuple)):
        raise TypeError(f"a {type(value).__name__} does not fit a column of type {of or 'unknown'}")
    return str(value)


def _plain(value):
    if isinstance(value, decimal.Decimal):
        return float(value) if value % 1 else int(value)
    if isinstance(value, (datetime.date, datetime.datetime, datetime.time)):
        return value.isoformat()
    return str(value)


def copy_line(values, types):
    """One line of COPY … FROM STDIN, with its end."""
    return "\t".join("\\N" if value is None else text_of(value, of).translate(_ESCAPES) for value, of in zip(values, types)) + "\n"
