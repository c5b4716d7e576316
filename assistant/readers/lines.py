"""The text of a file, whatever its encoding and packing, as numbered lines or as chunks."""

import codecs
import re
from collections.abc import Iterator
from itertools import chain
from typing import IO

from assistant.errors import UnreadableFileError
from assistant.readers.unpack import GZIP_MAGIC, as_utf8, file_chunks, gunzipped
from assistant.types import Problem

HEAD_CHARACTERS = 65_536
MAX_LINE_BYTES = 8 * 1024 * 1024
# Of one kind; a file that is wrong on every line would fill the report.
MOST_REPORTED = 20
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Codecs that a header may ask for. Python has others that decode no text at all.
_CHARSETS = re.compile(
    r"iso[-_]?8859[-_]\d{1,2}|(?:cp|windows-)125\d|latin[-_]?[1-9]|koi8[-_][ru]|gbk|gb2312"
    r"|gb18030|big5|euc[-_](?:jp|kr)|shift_jis",
    re.IGNORECASE,
)
_BINARY_MAGIC = (b"%PDF", b"PK\x03\x04", GZIP_MAGIC)
# Bytes that aren't UTF-8, as Python decodes them for the moment, to Windows-1252.
_AS_WINDOWS = {
    0xDC00 + byte: bytes([byte]).decode("cp1252", errors="replace") for byte in range(128, 256)
}
_ZEROS = "zero bytes, here or also further on, were left out; the file may have been damaged"
_MENDED = "not UTF-8; read as Windows-1252, look at its accents"


class Lines(Iterator[tuple[int, str]]):
    """Iterate (line number, text) with a look ahead; what was wrong becomes `problems`.

    A document that isn't made of lines is read with `texts` instead.
    """

    def __init__(self, chunks: Iterator[bytes], source: str, trouble: list[str]) -> None:
        """Take the file's UTF-8 bytes, its name, and the list that says why they ended."""
        self.problems: list[Problem] = []
        self.encoding = ""
        """What the file says it is encoded in; used for bytes that aren't UTF-8."""
        self._chunks = chunks
        self._head = b""
        self._source = source
        self._trouble = trouble
        self._numbered: Iterator[tuple[int, str]] | None = None
        self._mended = 0
        self._zeros = False

    def __next__(self) -> tuple[int, str]:
        """Return the next (number, text); the text keeps no line end."""
        if self._numbered is None:
            self._numbered = self._decoded_lines()
        return next(self._numbered)

    def peek(self, characters: int) -> str:
        """Return about the first `characters`, consuming nothing; use before anything else."""
        while len(self._head) < characters and (chunk := next(self._chunks, None)) is not None:
            self._head += chunk
        head = self._head[: characters + 3].decode("utf-8", errors="ignore")
        return "\n".join(re.split(r"\r\n|\r|\n", head.replace("\x00", "")))[:characters]

    def texts(self, encoding: str = "") -> Iterator[str]:
        """Yield the whole text in chunks that end anywhere, decoded as `encoding` or UTF-8."""
        declared = known_encoding(encoding)
        decoder = codecs.getincrementaldecoder(declared or "utf-8")
        decode = decoder(errors="replace" if declared else "surrogateescape").decode
        number = 1
        for chunk in chain([self._head], self._chunks):
            text = decode(chunk)
            if not text.isascii() and (mended := text.translate(_AS_WINDOWS)) != text:
                self._report_mended(number)
                text = mended
            if "\x00" in text:
                text = self._without_zeros(text, number + text.count("\n", 0, text.index("\x00")))
            number += text.count("\n")
            yield text
        self._finish(number)

    def _decoded_lines(self) -> Iterator[tuple[int, str]]:
        """Decode each line for itself: UTF-8, else Windows-1252, so one bad line harms no other."""
        number = 0
        chunks = chain([self._head], self._chunks)
        for number, line in enumerate(_split(chunks, self._trouble), start=1):
            if line is None:
                size = MAX_LINE_BYTES // 1024 // 1024
                self._report(number, f"line is longer than {size} MB; skipped")
                continue
            try:
                text = line.decode("utf-8")
            except UnicodeDecodeError:
                text = self._mend(line, number)
            if "\x00" in text:
                text = self._without_zeros(text, number)
            # Files that were joined have their byte order marks in the middle.
            yield number, text.removeprefix("\ufeff")
        self._finish(number)

    def _mend(self, line: bytes, number: int) -> str:
        if self.encoding:
            return line.decode(self.encoding, errors="replace")
        self._report_mended(number)
        return line.decode("utf-8", errors="surrogateescape").translate(_AS_WINDOWS)

    def _without_zeros(self, text: str, number: int) -> str:
        if not self._zeros:
            self._report(number, _ZEROS, skipped=False)
        self._zeros = True
        return text.replace("\x00", "")

    def _report(self, number: int, reason: str, *, skipped: bool = True) -> None:
        problem = Problem(source=self._source, line=max(number, 1), reason=reason, skipped=skipped)
        self.problems.append(problem)

    def _report_mended(self, number: int) -> None:
        self._mended += 1
        if self._mended <= MOST_REPORTED:
            self._report(number, _MENDED, skipped=False)

    def _finish(self, number: int) -> None:
        if self._mended > MOST_REPORTED:
            more = self._mended - MOST_REPORTED
            self._report(number, f"{more} further places before this are {_MENDED}", skipped=False)
        for reason in self._trouble:
            self._report(number, reason)


def open_lines(stream: IO[bytes], source: str, most_unpacked: int | None = None) -> Lines:
    """Return the lines of `stream`, unpacked where it is gzip, to `most_unpacked` bytes at most.

    Raises:
        UnreadableFileError: the file is empty or binary.
    """
    trouble: list[str] = []
    head, chunks = _beginning(file_chunks(stream, trouble))
    if head.startswith(GZIP_MAGIC):
        head, chunks = _beginning(gunzipped(chunks, trouble, most_unpacked))
    if not head.strip(b"\0 \t\r\n\x0b\x0c"):
        reason = trouble[0] if trouble else "the file is empty; nothing was added"
        raise UnreadableFileError(f"{source}: {reason}.")
    encoding = _encoding(head)
    if encoding.startswith("utf-") and encoding != "utf-8-sig":
        return Lines(as_utf8(chunks, encoding), source, trouble)
    if _looks_binary(head):
        raise UnreadableFileError(
            f"{source}: this is a binary file, not a text export; export your papers as text."
        )
    if encoding:
        chunks = chain([next(chunks)[len(codecs.BOM_UTF8) :]], chunks)
    return Lines(chunks, source, trouble)


def known_encoding(name: str) -> str:
    """Return the codec that a file's header names, or "" for UTF and for what is no charset."""
    if not _CHARSETS.fullmatch(name):
        return ""
    try:
        return codecs.lookup(name).name
    except LookupError:
        return ""


def _beginning(chunks: Iterator[bytes]) -> tuple[bytes, Iterator[bytes]]:
    """Return the first bytes, and all chunks with the same bytes at their front."""
    head = b""
    for chunk in chunks:
        head += chunk
        if len(head) >= 8192:
            break
    return head[:8192], chain([head], chunks)


def _encoding(head: bytes) -> str:
    marked = next((name for mark, name in _BYTE_ORDER_MARKS if head.startswith(mark)), "")
    if not marked and b"\0" in head:
        # Latin text in UTF-16 without its mark: every second byte is zero.
        for first, name in ((1, "utf-16-le"), (0, "utf-16-be")):
            zeros, others = head[first::2], head[1 - first :: 2]
            if zeros.count(0) > 0.6 * len(zeros) and 0 not in others:
                return name
    return marked


def _looks_binary(head: bytes) -> bool:
    # Zero bytes don't count: crashes leave runs of them in good files.
    control = sum(0 < byte < 9 or 13 < byte < 27 for byte in head)
    return head.startswith(_BINARY_MAGIC) or control > len(head) // 100 + 1


def _split(chunks: Iterator[bytes], trouble: list[str]) -> Iterator[bytes | None]:
    """Yield lines without their ends; None for one over the limit, which is never held whole."""
    rest = b""
    skipping = False
    for chunk in chunks:
        whole = (rest + chunk).splitlines(keepends=True)
        # A carriage return at the very end may be half of a line end.
        rest = whole.pop() if whole and not whole[-1].endswith(b"\n") else b""
        for line in whole:
            if not skipping:
                yield line.rstrip(b"\r\n")
            skipping = False
        if len(rest) > MAX_LINE_BYTES:
            if not skipping:
                yield None
            rest, skipping = b"", True
    # Where the file broke off, its last line is half a line.
    if rest and not skipping and not trouble:
        yield rest.rstrip(b"\r\n")
