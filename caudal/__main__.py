"""`python -m caudal` is the command `caudal`."""

from caudal.cli import main

if __name__ == "__main__":
    main()
