"""Creates a view from views/NAME.sql, or brings it up to date: create_view.py -v NAME."""

import argparse
from contextlib import closing
from pathlib import Path

from database import connect

VIEWS = {path.stem: path for path in Path(__file__).parent.glob("views/*.sql")}


def create_view(name):
    with closing(connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE OR REPLACE VIEW {name} AS {VIEWS[name].read_text()}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-v", "--view", required=True, choices=sorted(VIEWS))
    name = parser.parse_args().view
    create_view(name)
    print(f"view {name} is up to date")


if __name__ == "__main__":
    main()
