"""The API's chores: manage.py migrate, manage.py load_roles."""

import argparse

from base_api.migrate import migrate
from base_api.roles import load_roles

COMMANDS = {"migrate": migrate, "load_roles": load_roles}


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("command", choices=sorted(COMMANDS))
    command = parser.parse_args().command
    names = COMMANDS[command]()
    print(f"{command}: {', '.join(names) or 'nothing to do'}")


if __name__ == "__main__":
    main()
