"""`python -m vrn_cropper.cli` is `vrn`."""

from vrn_cropper.cli.app import main

if __name__ == "__main__":
    main()
