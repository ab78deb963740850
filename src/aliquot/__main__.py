"""``python -m aliquot``: the command line."""

from aliquot.cli import main

if __name__ == "__main__":
    main(prog_name="aliquot")
