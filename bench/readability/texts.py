"""The sentences of a report, as a reader meets them, by what they are for."""

from collections.abc import Mapping

from caudal.service.reports.edition.edition import Edition

KINDS: Mapping[str, str] = {
    "findings": "findings",
    "questions": "questions and titles",
    "notices": "notices and notes",
    "cautions": "what must not be concluded",
    "reasons": "why there is no value",
}


def texts_of(edition: Edition) -> dict[str, list[str]]:
    """Return the sentences of an edition by kind of KINDS, each once."""
    say, groups = edition.language.say, edition.content.groups
    values = [line.observation for group in groups for line in edition.lines(group)]
    found = {
        "findings": [edition.finding(group) for group in groups],
        "questions": [
            *(edition.question(group) for group in groups),
            *(
                say("document", each)
                for each in ("title", "destinations", "map", "flow", "quality", "withheld")
            ),
            *(entry.definition.title[edition.language.code] for group in groups for entry in group.entries),
        ],
        "notices": [
            edition.reading_note,
            say("document", "flow_note"),
            *edition.remarks(),
            *edition.quality(),
            *(edition.withheld(each) for each in edition.content.withheld),
        ],
        "cautions": [caution for group in groups for caution in edition.quote(group).cautions],
        "reasons": [edition.names.reason(each.reason).text for each in values if each.reason is not None],
    }
    return {kind: list(dict.fromkeys(filter(None, texts))) for kind, texts in found.items()}
