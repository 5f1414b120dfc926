"""The metadata of a report: its economy, month, facts, vintage, terms and sources, as pairs of texts."""

from caudal.service.reports.edition.edition import Edition


def metadata(edition: Edition) -> list[tuple[str, str]]:
    """Return the metadata of a report as pairs of name and text: its kind, its facts, and how to cite it."""
    content, label = edition.content, edition.language.phrases["label"]
    provenance = content.provenance
    pairs = [
        (label["economy"], f"{edition.economy} ({content.economy})"),
        (label["month"], content.month),
        (label["language"], edition.language.tag),
        (label["synthetic"], edition.yes(content.synthetic)),
        (label["vintage"], provenance.vintage or label["none"]),
        (label["reason"], provenance.reason or label["none"]),
        (label["reference_version"], provenance.reference_version),
        (label["computed_at"], provenance.computed_at.isoformat(timespec="seconds")),
        (label["software"], f"Caudal {provenance.software}"),
        (label["licence"], " ".join((edition.publication.licence, edition.publication.licence_url)).strip()),
        (label["citation"], edition.citation),
        (label["link"], edition.address),
    ]
    return pairs + [(label["source"], edition.names.attribution(line)) for line in content.attributions]
