"""Bytes of a file in chunks, unpacked and as UTF-8, without ever holding the whole.

What goes wrong on the way is appended to `trouble` in words; the bytes before it count.
"""

import codecs
import zlib
from collections.abc import Iterator
from typing import IO

CHUNK = 1 << 18
GZIP_MAGIC = b"\x1f\x8b"
# Text shrinks to a third or a tenth; only a bomb reaches this far.
LARGEST_RATIO = 250
RATIO_COUNTS_FROM = 2 * 1024 * 1024
_PIECE = 1 << 14


def file_chunks(stream: IO[bytes], trouble: list[str]) -> Iterator[bytes]:
    """Yield the bytes of `stream`."""
    try:
        while chunk := stream.read(CHUNK):
            yield chunk
    except OSError as error:
        trouble.append(f"could not be read any further ({error.strerror or error})")


def gunzipped(
    chunks: Iterator[bytes], trouble: list[str], most: int | None = None
) -> Iterator[bytes]:
    """Yield what the gzip members in `chunks` unpack to, at most `CHUNK` at a time.

    It stops after `most` bytes (None: no bound), and where they are too many for a text.
    """
    packed = unpacked = 0
    member = zlib.decompressobj(wbits=31)
    for piece in _pieces(chunks):
        packed += len(piece)
        rest = piece
        while rest:
            if member.eof:
                rest, member = rest.lstrip(b"\0"), zlib.decompressobj(wbits=31)
                continue
            try:
                text = member.decompress(rest, CHUNK)
            except zlib.error:
                trouble.append("the compressed file is damaged; what came before was read")
                return
            rest = member.unused_data if member.eof else member.unconsumed_tail
            unpacked += len(text)
            if most is not None and unpacked > most:
                yield text[: most - unpacked]
                trouble.append(f"it unpacks to over {most / 1e6:,.0f} MB; stopped there")
                return
            yield text
            if unpacked > max(RATIO_COUNTS_FROM, packed * LARGEST_RATIO):
                trouble.append(f"it unpacks to over {LARGEST_RATIO} times its size; stopped there")
                return
    if not member.eof:
        yield member.flush()
        trouble.append("the compressed file ends too early; what came before was read")


def _pieces(chunks: Iterator[bytes]) -> Iterator[bytes]:
    # Small pieces lose little where one is damaged.
    for chunk in chunks:
        for start in range(0, len(chunk), _PIECE):
            yield chunk[start : start + _PIECE]


def as_utf8(chunks: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield `chunks` recoded from `encoding`."""
    decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
    for chunk in chunks:
        yield decoder.decode(chunk).encode()
    yield decoder.decode(b"", final=True).encode()
