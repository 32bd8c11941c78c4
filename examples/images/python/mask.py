"""Masks the shop's customers: initials instead of names, the year instead of the day of birth; contacts and streets are left out.

Everything comes through the environment: PG* says which database and as whom, which libpq reads by itself; YELLOW_INPUT__* and YELLOW_OUTPUT__* name the tables, ready for SQL.
"""

import os
import sys

import psycopg2


def initial(name):
    return name[:1] + "."


def main():
    connection = psycopg2.connect("")
    with connection, connection.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        snapshot = os.environ.get("YELLOW_SNAPSHOT")  # not there when Airflow takes the steps: then it reads what is committed now
        try:
            if snapshot:
                cursor.execute("SET TRANSACTION SNAPSHOT %s", (snapshot,))
        except psycopg2.Error as error:
            print(error, file=sys.stderr)
            sys.exit(75)  # a new run is started at once
        cursor.execute(f"SELECT id, firstname, lastname, dob FROM {os.environ['YELLOW_INPUT__ORIGINAL__SHOP__CUSTOMERS']}")
        customers = [(key, initial(first), initial(last), born and born.replace(month=1, day=1)) for key, first, last, born in cursor]
        cursor.executemany(f"INSERT INTO {os.environ['YELLOW_OUTPUT__CUSTOMERS']} (id, firstname, lastname, dob) VALUES (%s, %s, %s, %s)", customers)
        cursor.execute(f"INSERT INTO {os.environ['YELLOW_OUTPUT__ADDRESSES']} (id, customer_id, city, country) "
                       f"SELECT id, customer_id, city, country FROM {os.environ['YELLOW_INPUT__ORIGINAL__SHOP__ADDRESSES']}")
    print(f"{len(customers)} customers are masked")


if __name__ == "__main__":
    main()
