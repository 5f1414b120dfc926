"""What can go wrong with a batch, for whoever writes or reads one.

BatchError   a batch cannot be read, or cannot be written (a ValueError)
"""


class BatchError(ValueError):
    """A batch that cannot be read: the message says what is wrong and where."""
