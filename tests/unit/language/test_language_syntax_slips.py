"""A slip in YAML is shown where it was made, not where the parser gave up, with what to do about it."""

import pytest

from engine.language.yamltext import read_yaml


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('a: "b\nc: d\n', (1, 4), "the quote that opens here is never closed"),
        ("a: {b: c\nd: e\n", (1, 4), "a comma or } is missing before line 2"),
        ("a: [b,\n  c\nd: e\n", (1, 4), "a comma or ] is missing before line 3"),
        ("a: b\ngarbage\n", (2, 1), "neither a key with its value nor an item"),
        ("s:\n  -\u00a0id: x\n    name: y\n", (2, 4), "a no-break space (U+00A0)"),
        ("s:\n\u00a0 b: c\n  d: e\n", (2, 1), "a no-break space (U+00A0)"),
        ("a: @b\n", (1, 4), "starts with @ needs quotes"),
        ("a: `b`\n", (1, 4), "starts with ` needs quotes"),
        ("a: %b\n", (1, 4), "starts with % needs quotes"),
        ("a: *.log\n", (1, 5), "starts with * or & needs quotes"),
        ("a: *log\n", (1, 4), "needs quotes"),
        ("a: 'it's'\n", (1, 8), "a quote ends the text here"),
        ('a: "b\nc: "d"\n', (2, 5), "a quote ends the text here"),
        ("a: {b: env:}\n", (1, 11), "with a colon in it needs quotes"),
        ("key: - a\n", (1, 6), "begin the list on the line below"),
        ("a: | x\n b\n", (1, 6), "begin the text on the line below"),
        ('a: "C:\\xyz"\n', (1, 9), "single quotes for Windows paths"),
        ("%YAML 9.1\n---\na: b\n", (1, 1), "leave the line with %YAML out"),
        ("a: b\n c: d\n", (2, 3), "needs quotes around it"),
    ],
)
def test_a_slip_has_its_place_and_its_cure(text: str, place: tuple[int, int], words: str) -> None:
    value, (found, *_) = read_yaml(text, "f.yaml")
    assert value is None
    assert found.origin is not None
    assert (found.origin.line, found.origin.column) == place, str(found)
    assert words in f"{found.message} {found.hint}"
    assert found.excerpt == text.split("\n")[place[0] - 1]
