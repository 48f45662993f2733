"""The headers of Vorbis sound, which hold its title, artist and place among what decodes it."""

_EMPTY_COMMENT = b"\x03vorbis" + bytes(8) + b"\x01"  # no vendor, no comments, the framing bit


def without_comments(headers: bytes) -> bytes:
    """The three headers of a Vorbis stream with nothing in the second one, its comments.

    Args:
        headers: as containers keep them, with Xiph's lacing or a 16-bit length before each.

    Returns:
        The same with an empty comment header, with Xiph's lacing.

    Raises:
        ValueError: if these are no Vorbis headers.

    Example:

    >>> first, last = b"\\x01vorbis" + bytes(23), b"\\x05vorbis..."
    >>> told = b"\\x03vorbis" + bytes(4) + b"\\x01\\0\\0\\0\\x0b\\0\\0\\0ARTIST=them\\x01"
    >>> headers = bytes([2, len(first), len(told)]) + first + told + last
    >>> b"them" in headers, b"them" in without_comments(headers)
    (True, False)
    """
    split = _laced(headers) if headers[:1] == b"\x02" else _with_lengths(headers)
    kinds = [header[:7] for header in split]
    if kinds != [b"\x01vorbis", b"\x03vorbis", b"\x05vorbis"]:
        raise ValueError(f"these are no Vorbis headers. Received: {headers[:16]!r}...")
    first, _, last = split
    lacing = b"\x02" + _lacing(len(first)) + _lacing(len(_EMPTY_COMMENT))
    return lacing + first + _EMPTY_COMMENT + last


def _lacing(size: int) -> bytes:
    return b"\xff" * (size // 255) + bytes([size % 255])


def _laced(headers: bytes) -> list[bytes]:
    place, sizes = 1, []
    for _ in range(2):
        size = 0
        while headers[place : place + 1] == b"\xff":
            size, place = size + 255, place + 1
        size += sum(headers[place : place + 1])
        sizes.append(size)
        place += 1
    second, third = place + sizes[0], place + sum(sizes)
    return [headers[place:second], headers[second:third], headers[third:]]


def _with_lengths(headers: bytes) -> list[bytes]:
    split, place = [], 0
    for _ in range(3):
        end = place + 2 + int.from_bytes(headers[place : place + 2], "big")
        split.append(headers[place + 2 : end])
        place = end
    return split
