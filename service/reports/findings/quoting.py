"""Quotations of findings: everything that belongs to one in one text, and what must not be concluded."""

from caudal.service.indicators import CATALOGUE
from caudal.service.reports.findings.finding import Finding, Quote
from caudal.service.reports.findings.names import Names
from caudal.service.reports.findings.telling import metered


def quote(names: Names, finding: Finding, publisher: str, address: str) -> Quote:
    """Return the quotation of a finding; `address` is that of the report, without a vintage."""
    content, language = names.content, names.language
    provenance = content.provenance
    if provenance.vintage:
        address = f"{address}?vintage={provenance.vintage}"
        vintage = language.say("quote", "vintage", vintage=provenance.vintage)
    else:
        vintage = language.say("quote", "computed", date=language.date(provenance.computed_at.date()))
    found = content.observation(finding.indicator, finding.dimension)
    interval = undetermined = coverage = ""
    if found is not None:
        definition, observation = found
        if finding.told:
            level = language.about(definition.level)
            interval = language.say("quote", "interval", level=level, interval=finding.interval)
        if metered(definition, observation):
            coverage = _coverage(names)
            if observation.undetermined is not None:
                share = language.percent(observation.undetermined)
                undetermined = language.say("quote", "undetermined", share=share)
    warnings = [
        language.say("quote", name)
        for name, holds in (("synthetic", content.synthetic), ("partial", content.partial))
        if holds
    ]
    source = language.say(
        "quote",
        "source",
        publisher=publisher,
        economy=content.names.get(language.code, content.economy),
        month=language.month(content.month),
        vintage=vintage,
        address=address,
    )
    notes = " ".join(each for each in (*warnings, interval, coverage, undetermined) if each)
    text = language.say("quote", "form", sentence=finding.sentence, notes=notes, source=source)
    return Quote(
        text=text.replace("  ", " "),
        sentence=finding.sentence,
        interval=interval,
        coverage=coverage,
        vintage=vintage,
        address=address,
        cautions=tuple(
            language.say("caution", each) for each in _cautions(finding.indicator) if finding.told
        ),
    )


def _cautions(indicator: str) -> tuple[str, ...]:
    """Return the conclusions that must not be drawn of an indicator, as keys of [caution]; none for an indicator that is no more."""
    known = CATALOGUE.get(indicator)
    return known.definition.cautions if known else ()


def _coverage(names: Names) -> str:
    """Return the words for the share of the country's users that the reporting networks serve, or that it is not known."""
    coverage, language = names.content.coverage, names.language
    if coverage.share is None or coverage.users is None:
        return language.say("quote", "coverage_unknown")
    # More than all: somebody is counted twice, or the country's users are out of date. No per cent says it.
    key = "coverage_exceeded" if coverage.share > 1 else "coverage"
    return language.say(
        "quote", key, share=language.percent(coverage.share), users=language.number(coverage.users)
    )
