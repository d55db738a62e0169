"""`python -m cli` is `vrn`."""

from cli.app import main

if __name__ == "__main__":
    main()
