"""A rectangle on the plane of a drawing."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Box:
    """A rectangle from its left upper to its right lower corner, in user units; y grows downwards."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: "Box", apart: float = 0.0) -> bool:
        """Return True if two boxes overlap, or are less than `apart` from each other."""
        return (
            self.left < other.right + apart
            and other.left < self.right + apart
            and self.top < other.bottom + apart
            and other.top < self.bottom + apart
        )

    def holds(self, other: "Box") -> bool:
        """Return True if another box lies in this one."""
        return (
            self.left <= other.left
            and self.top <= other.top
            and self.right >= other.right
            and self.bottom >= other.bottom
        )

    def moved(self, x: float, y: float) -> "Box":
        """Return the box, moved."""
        return Box(self.left + x, self.top + y, self.right + x, self.bottom + y)

    def grown(self, by: float) -> "Box":
        """Return the box with a margin on every side."""
        return Box(self.left - by, self.top - by, self.right + by, self.bottom + by)

    def meets(self, x0: float, y0: float, x1: float, y1: float) -> bool:
        """Return True if a straight line runs through the box (Liang & Barsky 1984)."""
        first, last = 0.0, 1.0
        for step, room in (
            (x0 - x1, x0 - self.left),
            (x1 - x0, self.right - x0),
            (y0 - y1, y0 - self.top),
            (y1 - y0, self.bottom - y0),
        ):
            if step == 0:
                if room < 0:
                    return False
                continue
            part = room / step
            if step < 0:
                first = max(first, part)
            else:
                last = min(last, part)
            if first > last:
                return False
        return True
