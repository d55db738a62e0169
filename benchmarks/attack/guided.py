"""`fuzz` driven by coverage: `python -m benchmarks.attack.guided SECONDS FOLDER`, with seeds in the folder. Linux."""

import sys


def main(seconds: int, folder: str) -> None:
    """Does not return: atheris ends the process, with 0 unless there was a fault."""
    import atheris

    with atheris.instrument_imports(include=["vrn_cropper"]):
        from benchmarks.attack.fuzz import read_bytes, read_options

    def one(content: bytes) -> None:
        (read_options if content[:1] < b"\x40" else read_bytes)(content[1:])

    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", "-max_len=20000", "-verbosity=1", folder], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
