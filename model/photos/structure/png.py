"""PNG: how many chunks there are. A decoder reads them one by one in Python, pixels and metadata alike."""

from vrn_cropper.model.errors import PhotoTooLargeError

# Writers put 8 KiB or more of pixels into a chunk: a 32 MiB upload has 4096 such chunks.
MAX_CHUNKS = 20_000
MAX_OTHER_CHUNKS = 1000


def check_png(photo: bytes) -> None:
    """Raises PhotoTooLargeError for more chunks than a photo has."""
    position, chunks, others = 8, 0, 0
    while position + 8 <= len(photo):
        kind = photo[position + 4 : position + 8]
        if kind == b"IEND":
            return
        chunks += 1
        others += kind != b"IDAT"
        if chunks > MAX_CHUNKS or others > MAX_OTHER_CHUNKS:
            raise PhotoTooLargeError("the PNG has too many chunks; save it again with an ordinary encoder")
        position += 12 + int.from_bytes(photo[position : position + 4])
