from datacube.encode.kept import KeptDocuments


def test_a_document_is_made_once() -> None:
    kept, made = KeptDocuments(), list[str]()

    def make() -> bytes:
        made.append("made")
        return b"document"

    assert [kept.get("key", make), kept.get("key", make)] == [b"document"] * 2
    assert made == ["made"]
    assert kept.get("other", lambda: b"another") == b"another"


def test_the_longest_unasked_for_is_forgotten_first() -> None:
    kept = KeptDocuments(most_bytes=10)
    for key in "abc":
        kept.get(key, lambda: b"1234")
        kept.get("a", lambda: b"new!")
    assert kept.get("a", lambda: b"new!") == b"1234"
    assert kept.get("c", lambda: b"new!") == b"1234"
    assert kept.get("b", lambda: b"new!") == b"new!"


def test_what_is_longer_than_all_is_not_kept() -> None:
    kept = KeptDocuments(most_bytes=3)
    assert kept.get("a", lambda: b"1234") == b"1234"
    assert kept.get("a", lambda: b"12") == b"12"
