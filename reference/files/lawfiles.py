"""Files of law: adequacy, access to data, the moratorium, treaties that ban duties; and lines that licences ask for."""

from caudal.reference.files.columns import RECHECK, decisions, figures, file, key, maybe, text

FORCE = ("yes", "partly", "no")
LAWS = ("national", "union", "treaty")
COVERED = ("country", "organisation", "rest")

ADEQUACY = decisions(
    "adequacy",
    "decisions that a country protects personal data adequately, by the regime that decided",
    ("regime", "country", "instrument"),
    text("regime", "who decided: a country, EU, or a body such as RIPD or MERCOSUR"),
    key("country", "location", "country found adequate; * where no single country is named"),
    text("name", "name of the country, or what stands in its place"),
    text(
        "covers",
        "what the row is of: the country named; an organisation, which is no place; or all countries that no "
        "other row of the regime names (the rest)",
        *COVERED,
    ),
    text("level", "what was decided", "adequate", "adequate_partial", "pending", "standard", "none"),
    text("instrument", "the legal act"),
    key("date", "date", "day of the decision"),
    maybe("expires", "date", "last day on which it holds: set in it, or the day before it was annulled"),
    text("scope", "what the decision covers", required=False),
    since="date",
    until="expires",
)

ACCESS_LAWS = file(
    "access_laws",
    "laws by which a state can compel access to data, at home and abroad",
    ("jurisdiction", "law"),
    text("jurisdiction", "state, EU, or INT for treaties"),
    text("law", "name of the law"),
    text(
        "kind",
        "law of a state; of a union, which rules where its members do (the group of its name); or a treaty, which "
        "compels nobody by itself: the laws of its parties do",
        *LAWS,
    ),
    text("citation", "where it is found"),
    key("year", "year", "year of the law"),
    text("extraterritorial", "whether it reaches abroad", "yes", "partly", "no"),
    text("nexus", "what ties a holder of data to it"),
    text("scope", "what data it reaches, in words"),
    key("reaches_content", "flag", "1 if it reaches what was said or stored, 0 if only who spoke with whom"),
    text("state", "whether it is in force, in words"),
    text("in_force", "whether it is in force; partly: in steps, or what was begun under it goes on", *FORCE),
    key("exposure_weight_proposal", "share", "proposed weight in indicator J7; a judgement, not a fact"),
    RECHECK,
)

MORATORIUM = figures(
    "moratorium",
    "history of the WTO's moratorium on customs duties on electronic transmissions",
    ("date", "what"),
    key("date", "period", "when"),
    text("kind", "what kind of row", "event", "estimate", "critique", "figure"),
    text("what", "what happened or was estimated"),
    text(
        "effect",
        "what the moratorium was from that day on; empty where the row changed nothing",
        "in_force",
        "lapsed",
        required=False,
    ),
    maybe("value", "number", "figure"),
    text("unit", "unit of the figure", required=False),
    period="date",
)

TREATY_BANS = decisions(
    "treaty_bans",
    "treaties by which a country may levy no customs duty on electronic transmissions of its partners",
    ("country", "treaty"),
    key("country", "country", "who is bound"),
    text("treaty", "name of the treaty"),
    text("article", "where the ban stands; empty where it was not read", required=False),
    maybe("partners", "countries", "towards whom: codes with a space between them"),
    text("partner_group", "group of country_groups.csv in their place", required=False),
    text("in_force", "whether it binds between its dates; no: signed only", "yes", "no"),
    maybe("in_force_from", "date", "first day"),
    maybe("in_force_to", "date", "last day"),
    since="in_force_from",
    until="in_force_to",
)

ATTRIBUTIONS = file(
    "attributions",
    "what the licences of the sources of these files ask to be said",
    ("id",),
    key("id", "id", "short name"),
    text("text", "the line to show"),
    text("licence", "licence of the source"),
    text("used_in", "files that use it"),
)
