"""The press sheet: five pictures as SVG and PNG, with captions, in one ZIP."""

import io
import zipfile

from caudal.service.reports.edition.edition import Edition
from caudal.service.reports.forms.raster import png
from caudal.service.reports.pictures import origin, picture, pictures

# The earliest that a ZIP can hold: the same pictures are the same bytes, whenever they are packed.
_DATE = (1980, 1, 1, 0, 0, 0)


def render(edition: Edition) -> bytes:
    """Return the press sheet of an edition as ZIP: README.txt, then each picture as SVG and PNG."""
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w") as sheet:
        _put(sheet, "README.txt", captions(edition).encode(), zipfile.ZIP_DEFLATED)
        for number, each in enumerate(pictures(edition), 1):
            svg = each.svg(edition)
            name = f"{number}-{file_name(edition, each.name)}"
            _put(sheet, f"{name}.svg", svg.encode(), zipfile.ZIP_DEFLATED)
            _put(sheet, f"{name}.png", png(svg), zipfile.ZIP_STORED)
    return sink.getvalue()


def render_picture(edition: Edition, name: str, suffix: str) -> bytes:
    """Return a picture of PICTURES as `svg` or `png`."""
    svg = picture(edition, name).svg(edition)
    return png(svg) if suffix == "png" else svg.encode()


def captions(edition: Edition) -> str:
    """Return the text beside the pictures: title, caption and alternative text of each, and how to cite."""
    say = edition.language.say
    lines = [
        say("press", "sheet", title=edition.title, subtitle=edition.subtitle),
        *edition.banners,
        "",
        say("press", "contents"),
        say("press", "figures"),
        edition.coverage(),
        "",
    ]
    for number, each in enumerate(pictures(edition), 1):
        lines += [
            f"{number}. {each.title}",
            f"   {number}-{file_name(edition, each.name)}.svg, .png",
            f"   {say('press', 'caption')}: {each.title}. {edition.economy}, {'. '.join(origin(edition))}",
            f"   {say('press', 'alternative')}: {each.sentence}",
            "",
        ]
    lines += [f"{say('document', 'citation')}: {edition.citation}", ""]
    lines += [edition.names.attribution(line) for line in edition.content.attributions]
    lines.append(say("document", "map_source"))
    return "\n".join(lines) + "\n"


def file_name(edition: Edition, name: str) -> str:
    """Return the name of a file with a picture, without its ending; a synthetic one says so."""
    content = edition.content
    said = ["caudal", content.economy, content.month, *(["synthetic"] if content.synthetic else [])]
    return "-".join([*said, edition.language.code, name])


def _put(sheet: zipfile.ZipFile, name: str, content: bytes, compression: int) -> None:
    entry = zipfile.ZipInfo(name, _DATE)
    entry.compress_type = compression
    # Readable by all where it is unpacked.
    entry.external_attr = 0o644 << 16
    sheet.writestr(entry, content)
