"""h11's parser, which stops at bodies that cost more to take apart than they hold. Knows HTTP; knows no sockets."""

import h11

_FREE_CHUNKS = 1000
_MIN_CHUNK_BYTES = 512


class FrugalParser(h11.Connection):
    """Each chunk of a body costs the event loop some 20 microseconds: a megabyte in chunks of a byte is a freeze of
    20 seconds. What is longer than a thousand chunks has to come in chunks of 512 bytes on average.
    """

    def __init__(self, max_incomplete_event_bytes: int) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_bytes)
        self._chunks = 0
        self._bytes = 0

    def next_event(self) -> h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]:
        """Raises h11.RemoteProtocolError, as for all that is wrong with a request."""
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._bytes += len(event.data)
            self._chunks += event.chunk_start
            if self._chunks > _FREE_CHUNKS + self._bytes // _MIN_CHUNK_BYTES:
                raise h11.RemoteProtocolError("too many small chunks")
        elif isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        return event
