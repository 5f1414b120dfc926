"""Rewrites what a store of before codes has: sentences as codes and figures, words as ids. Each deed may run again."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from caudal.service.migration.dimensions import read_dimension
from caudal.service.migration.sentences import read_sentence
from caudal.service.store.store import Store
from caudal.service.vocabulary.reason import figures_as_text, to_stored

# So many texts are told the store in one statement.
_AT_ONCE = 100


def dimensions_as_ids(store: Store) -> None:
    """Write the dimensions of published values that are words as their ids."""
    found = store.frame(
        "SELECT DISTINCT toString(dimension) AS text FROM indicator_value WHERE dimension IS NOT NULL"
    )
    changed = [(text, read_dimension(text)) for text in found["text"] if read_dimension(text) != text]
    for some in _pieces(changed):
        store.command(
            "ALTER TABLE indicator_value "
            "UPDATE dimension = {new:Array(String)}[indexOf({old:Array(String)}, ifNull(dimension, ''))] "
            "WHERE has({old:Array(String)}, ifNull(dimension, '')) SETTINGS mutations_sync = 2",
            {"old": [old for old, _ in some], "new": [new for _, new in some]},
        )


def reasons_as_codes(store: Store) -> None:
    """Write why published values have none as codes and figures, beside the sentences that say it."""
    if not store.value(
        "SELECT count() FROM system.columns WHERE database = currentDatabase() AND table = 'indicator_value' "
        "AND name = 'reason'"
    ):
        return
    found = store.frame(
        "SELECT DISTINCT toString(reason) AS text FROM indicator_value "
        "WHERE reason IS NOT NULL AND empty(reason_codes)"
    )
    for some in _pieces(list(found["text"])):
        told = [to_stored(read_sentence(text)) for text in some]
        store.command(
            "ALTER TABLE indicator_value "
            "UPDATE reason_codes = {codes:Array(Array(String))}[indexOf({old:Array(String)}, ifNull(reason, ''))], "
            "reason_figures = {figures:Array(Array(String))}[indexOf({old:Array(String)}, ifNull(reason, ''))] "
            "WHERE has({old:Array(String)}, ifNull(reason, '')) SETTINGS mutations_sync = 2",
            {
                "old": list(some),
                "codes": [[each["code"] for each in one] for one in told],
                "figures": [[figures_as_text(each["figures"]) for each in one] for one in told],
            },
        )


def inputs_with_codes(store: Store) -> None:
    """Write the sentences that vintages keep with their totals, and with what they withheld, as codes and figures."""
    found = store.frame("SELECT vintage, inputs FROM vintage ORDER BY vintage")
    for vintage, text in found.iter_rows():
        stored = json.loads(text)
        rewritten = with_codes(stored)
        if rewritten != stored:
            store.command(
                "ALTER TABLE vintage UPDATE inputs = {inputs:String} WHERE vintage = {vintage:String} "
                "SETTINGS mutations_sync = 2",
                {"inputs": json.dumps(rewritten), "vintage": vintage},
            )


def with_codes(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record kept with a vintage, its sentences as `to_stored` writes reasons; codes stay."""
    return {
        **stored,
        **{
            part: [{**each, name: _as_codes(each[name])} for each in stored[part]]
            for part, name in (("totals", "reason"), ("withheld", "why"))
            if part in stored
        },
    }


def _as_codes(told: object) -> object:
    if told is None:
        return []
    return to_stored(read_sentence(told)) if isinstance(told, str) else told


def _pieces(whole: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(whole), _AT_ONCE):
        yield whole[start : start + _AT_ONCE]


# What a statement `PERFORM NAME` of a migration does.
DEEDS: Mapping[str, Callable[[Store], None]] = MappingProxyType(
    {each.__name__: each for each in (dimensions_as_ids, reasons_as_codes, inputs_with_codes)}
)
