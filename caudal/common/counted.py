"""Counts as English sentences tell them: `1 record tells`, `2,300 records tell`."""


def counted(number: float, one: str, many: str | None = None) -> str:
    """Return a count with the words that go with it, in the singular for 1 and else in the plural.

    `one` is the noun, and the verb if there is one, as they follow 1; `many` as they follow any other number, and may be
    left out where an s makes it.

        >>> counted(1, "batch", "batches")
        '1 batch'
        >>> counted(2300, "record tells", "records tell")
        '2,300 records tell'
        >>> counted(0, "datagram")
        '0 datagrams'
        >>> counted(1.0, "packet"), counted(1.5, "packet")
        ('1 packet', '1.5 packets')
    """
    words = one if number == 1 else f"{one}s" if many is None else many
    figure = f"{number:,g}" if isinstance(number, float) else f"{number:,}"
    return f"{figure} {words}"
