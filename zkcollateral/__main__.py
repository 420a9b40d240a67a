"""`python -m zkcollateral`, the same as the command `zkcollateral`."""

from .cli import main

if __name__ == "__main__":
    main()
