"""The bytes of a capture file: plain or gzip'ed, in pieces of bounded size, up to the first damage."""

import gzip
import zlib
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

import numpy as np

from caudal.collector.columns.flowrecords import U8
from caudal.collector.errors import CollectorError

# Zero bytes kept behind every buffer, so that a header may be gathered from any offset inside it.
SPARE = 64
CHUNK_BYTES = 4 << 20
_GZIP = b"\x1f\x8b"


class CaptureError(CollectorError, ValueError):
    """A file that cannot be read as a capture: the message says which, what is wrong and what to do."""


class CaptureFile:
    """Reads a file from start to end, unpacked where it is gzip'ed; a context manager.

    What could be read before the data ends or turns bad is kept; `damage` then says why it stopped.
    """

    def __init__(self, path: Path, chunk_bytes: int = CHUNK_BYTES) -> None:
        self.path = path
        self.damage = ""
        self.ended = False
        self._chunk_bytes = chunk_bytes
        self._plain: BinaryIO | None = None
        self._stream: BinaryIO | gzip.GzipFile | None = None

    def __enter__(self) -> Self:
        try:
            self._plain = self.path.open("rb")
            magic = self._plain.read(2)
            self._plain.seek(0)
        except OSError as error:
            self.close()
            raise CaptureError(
                f"{self.path}: cannot be read ({error.strerror}); check path and rights"
            ) from error
        self._stream = gzip.GzipFile(fileobj=self._plain) if magic == _GZIP else self._plain
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; doing so twice is harmless."""
        if self._plain is not None:
            self._plain.close()
        self._stream = self._plain = None

    def more(self, kept: U8 | None = None) -> tuple[U8, int]:
        """Return a new buffer that starts with `kept` and goes on with the file, and how much of it is filled.

        The buffer ends in SPARE bytes of zero. `ended` is true once nothing is left to read.
        """
        filled = 0 if kept is None else len(kept)
        size = filled + self._chunk_bytes
        data = np.empty(size + SPARE, np.uint8)
        if kept is not None:
            data[:filled] = kept
        filled = self._fill(data.data, filled, size)
        data[filled:] = 0
        return data, filled

    def _fill(self, view: memoryview, filled: int, size: int) -> int:
        assert self._stream is not None, "a capture file is read inside its context"
        while filled < size and not self.ended:
            try:
                got = self._stream.readinto1(view[filled:size])  # type: ignore[union-attr]
            except (EOFError, zlib.error, gzip.BadGzipFile) as error:
                self.damage = (
                    f"{self.path}: the gzip data is damaged or cut short ({error}); reading ended there"
                )
                got = 0
            except OSError as error:
                raise CaptureError(f"{self.path}: reading failed ({error}); check the disk") from error
            self.ended = got == 0
            filled += got
        return filled
