import pytest
from starlette.requests import Request

from caudal.service.workload.caching import Renderings, cache_headers, entity_tag, not_modified


def asked(**headers: str) -> Request:
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": sent})


TAG = entity_tag("state", "report", "XA", "json")


@pytest.mark.parametrize(
    ("sent", "known"),
    [
        (TAG, True),
        (f"W/{TAG}", True),
        (f'"other", {TAG}', True),
        ("*", True),
        ('"other"', False),
        ("", False),
    ],
)
def test_what_a_client_has_is_not_sent_again(sent: str, known: bool) -> None:
    answer = not_modified(asked(if_none_match=sent), TAG)
    assert (answer is not None) == known
    if answer is not None:
        assert answer.status_code == 304
        assert answer.headers["etag"] == TAG


def test_a_tag_is_of_everything_asked_and_of_the_state() -> None:
    assert TAG.startswith('"') and TAG.endswith('"')
    others = {entity_tag("state", "report", "XA", "csv"), entity_tag("other", "report", "XA", "json")}
    assert len(others | {TAG}) == 3


def test_only_what_is_asked_for_by_its_vintage_stays_fresh() -> None:
    assert cache_headers(TAG)["Cache-Control"] == "public, no-cache"
    assert "immutable" in cache_headers(TAG, fixed=True)["Cache-Control"]


def test_renderings_are_made_once_and_bounded() -> None:
    made: list[str] = []

    def make(name: str, size: int) -> bytes:
        made.append(name)
        return bytes(size)

    kept = Renderings(most_bytes=100)
    for name, size in (("a", 40), ("b", 40), ("a", 40), ("c", 40), ("a", 40), ("b", 40), ("huge", 101)):
        assert len(kept.get(name, lambda name=name, size=size: make(name, size))) == size
    # c took the place of b, which had not been asked for as lately as a.
    assert made == ["a", "b", "c", "b", "huge"]
    assert len(kept) == 2
