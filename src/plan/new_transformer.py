"""Turns {input} into {output}, a row at a time.

Everything comes through the environment: PG* says which database and as whom, YELLOW_INPUT__* and YELLOW_OUTPUT__* name the
tables, ready for SQL. The output table is empty at the start. psql does the talking, so nothing has to be installed; any
driver does as well. To read several inputs as of one moment, begin a transaction with
SET TRANSACTION SNAPSHOT from YELLOW_SNAPSHOT. What is printed is kept: yellow runs logs. Another exit status than 0 discards
the run.
"""

import decimal
import json
import os
import subprocess
import sys

INPUT = os.environ["{input_variable}"]
OUTPUT = os.environ["{output_variable}"]
PSQL = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1"]


def transform(row):
    """Gets a row of the input as a dict by column, gives one of the output, or None to leave the row out."""
    return row


def main():
    read = subprocess.Popen([*PSQL, "-c", f"COPY (SELECT to_jsonb(t) FROM {INPUT} t) TO STDOUT"], stdout=subprocess.PIPE, text=True)
    write = subprocess.Popen([*PSQL, "-c", "CREATE TEMPORARY TABLE incoming (row jsonb)", "-c", "COPY incoming FROM STDIN",
                              "-c", f"INSERT INTO {OUTPUT} SELECT r.* FROM incoming, jsonb_populate_record(NULL::{OUTPUT}, incoming.row) r"],
                             stdin=subprocess.PIPE, text=True)
    rows = 0
    with write.stdin:
        for line in read.stdout:
            # COPY doubles backslashes; decimals keep every digit.
            row = transform(json.loads(line.replace("\\\\", "\\"), parse_float=decimal.Decimal))
            if row is not None:
                write.stdin.write(json.dumps(row, default=str).replace("\\", "\\\\") + "\n")
                rows += 1
    if read.wait() != 0 or write.wait() != 0:
        sys.exit("psql failed")
    print(f"{rows} rows written")


if __name__ == "__main__":
    main()
