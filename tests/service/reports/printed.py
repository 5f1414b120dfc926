"""What a printed page holds, read from the PDF: sizes of letters, and how much of a page is blank."""

import io

import numpy as np
import numpy.typing as npt
import pdfplumber
import pypdf
import pypdfium2

# Height of a page's header and footer, as shares of the page: what is between is the page's own.
_HEAD, _FOOT = 0.07, 0.06
_DOTS_PER_POINT = 0.6


def letter_sizes(body: bytes) -> dict[float, str]:
    """Return the letters of a PDF by their size in points, rounded to tenths."""
    found: dict[float, str] = {}
    with pdfplumber.open(io.BytesIO(body)) as document:
        for page in document.pages:
            for char in page.chars:
                if char["text"].strip():
                    size = round(char["size"], 1)
                    found[size] = found.get(size, "") + char["text"]
    return found


def page_count(body: bytes) -> int:
    """Return how many pages a PDF has."""
    return len(pypdfium2.PdfDocument(body))


def page_texts(body: bytes) -> list[str]:
    """Return the text of each page."""
    return [page.extract_text() for page in pypdf.PdfReader(io.BytesIO(body)).pages]


def blank_runs(body: bytes) -> list[float]:
    """Return the highest blank band of each page between header and footer, as a share of what is between them."""
    return [_blank_run(_grey(page)) for page in pypdfium2.PdfDocument(body)]


def _grey(page: pypdfium2.PdfPage) -> npt.NDArray[np.uint8]:
    shown: npt.NDArray[np.uint8] = page.render(scale=_DOTS_PER_POINT, grayscale=True).to_numpy()
    return shown.reshape(shown.shape[0], -1)


def _blank_run(grey: npt.NDArray[np.uint8]) -> float:
    height = grey.shape[0]
    inked = (grey[int(height * _HEAD) : int(height * (1 - _FOOT))] < 250).any(axis=1)
    edges = np.flatnonzero(np.concatenate(([True], inked, [True])))
    return float((np.diff(edges) - 1).max() / len(inked))
