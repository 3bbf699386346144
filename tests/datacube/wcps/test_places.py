from datacube.errors import UnknownNameError
from datacube.wcps.places import LINE_CHARACTERS, line_and_column, locate, underline
from datacube.wcps.syntax import NOWHERE, Span


def test_only_the_line_of_the_place_is_shown() -> None:
    assert underline("for\nreturn abc\nend", Span(11, 14)) == "return abc\n       ^^^"


def test_a_span_over_lines_is_underlined_to_the_end_of_the_first() -> None:
    assert underline("ab cd\nef", Span(3, 8)) == "ab cd\n   ^^"


def test_the_end_of_the_text_is_a_place() -> None:
    assert underline("abc", Span(3, 4)) == "abc\n   ^"


def test_tabs_and_control_characters_take_one_column() -> None:
    assert underline("\ta\x00b", Span(3, 4)) == " a b\n   ^"


def test_long_lines_are_cut_around_the_place() -> None:
    line, marks = underline("x" * 500 + "bad" + "y" * 500, Span(500, 503)).split("\n")
    assert line.startswith("...x")
    assert line.endswith("y...")
    assert len(line) == LINE_CHARACTERS + 6
    assert line[marks.index("^") : marks.index("^") + marks.count("^")] == "bad"


def test_lines_and_columns_count_from_one() -> None:
    assert line_and_column("ab\ncd", 0) == (1, 1)
    assert line_and_column("ab\ncd", 4) == (2, 2)


def test_the_innermost_place_is_kept() -> None:
    error = UnknownNameError("band", "B88", ("B02",))
    error.add_note("a note of another kind")
    locate(error, "return $c.B88", Span(10, 13))
    locate(error, "return $c.B88", Span(7, 13))
    assert error.__notes__ == ["a note of another kind", "return $c.B88\n          ^^^"]


def test_made_nodes_have_no_place() -> None:
    error = UnknownNameError("band", "B88")
    locate(error, "return 1", NOWHERE)
    assert not hasattr(error, "__notes__")
