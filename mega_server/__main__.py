"""`python -m mega_server`: the same as `mega-server`."""

from mega_server.cli import run

if __name__ == "__main__":
    run()
