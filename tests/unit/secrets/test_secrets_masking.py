"""No secret survives masking, in whatever spelling it came."""

import base64
import html
import json
import re
import threading
import unicodedata
import urllib.parse
from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.model.secret import STARS
from engine.secrets.masking import SHORTEST, Masker, maskable

SECRET = st.text(st.characters(exclude_categories=["Cs"]), min_size=SHORTEST, max_size=24).filter(maskable)
NASTY = st.text(st.sampled_from("*ab\"'\\&<>/%+ =$\u00e4\U0001f600"), min_size=SHORTEST, max_size=12).filter(maskable)
AROUND = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)

SPELLINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "json": lambda value: json.dumps(value)[1:-1],
    "json in unicode": lambda value: json.dumps(value, ensure_ascii=False)[1:-1],
    "json in json": lambda value: json.dumps(json.dumps(value))[3:-3],
    "url": urllib.parse.quote,
    "url, nothing safe": lambda value: urllib.parse.quote(value, safe=""),
    "form": urllib.parse.quote_plus,
    "xml": escape,
    "xml attribute": lambda value: escape(value, {'"': "&quot;", "'": "&apos;"}),
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
    "url base64": lambda value: base64.urlsafe_b64encode(value.encode()).decode(),
    "encoded command": lambda value: base64.b64encode(value.encode("utf-16-le")).decode(),
    "posix quotes": lambda value: value.replace("'", "'\\''"),
    "powershell quotes": lambda value: value.replace("'", "''"),
    "python": lambda value: repr(value)[1:-1],
    "json of Windows PowerShell": lambda value: re.sub(
        "[<>&'\\u0085\\u2028\\u2029]",
        lambda one: f"\\u{ord(one.group()):04x}",
        json.dumps(value, ensure_ascii=False)[1:-1],
    ),
    "json in upper case": lambda value: re.sub(
        r"(?<!\\)((?:\\\\)*\\u)([0-9a-f]{4})", lambda one: one[1] + one[2].upper(), json.dumps(value)[1:-1]
    ),
    "powershell in double quotes": lambda value: re.sub('([`$"])', r"`\1", value),
    "shell in double quotes": lambda value: re.sub(r'([\\`$"])', r"\\\1", value),
    "lines of Windows": lambda value: value.replace("\r\n", "\n").replace("\n", "\r\n"),
    "decomposed": lambda value: unicodedata.normalize("NFD", value),
}


@pytest.mark.parametrize("spelling", SPELLINGS)
@settings(max_examples=60, deadline=None)
@given(secret=SECRET | NASTY, before=AROUND, after=AROUND)
def test_no_spelling_survives(spelling: str, secret: str, before: str, after: str) -> None:
    written = SPELLINGS[spelling](secret)
    masked = Masker([secret]).text(before + written + after)
    assert written not in masked
    assert secret not in masked
    assert STARS in masked


@settings(max_examples=60, deadline=None)
@given(secret=st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=10), before=st.integers(0, 9))
def test_a_secret_inside_a_longer_base64_text_does_not_survive(secret: str, before: int) -> None:
    written = base64.b64encode(b"\x01" * before + secret.encode() + b"\x02\x02").decode()
    masked = Masker([secret]).text(written)
    assert masked.count(STARS) == 1
    decoded = base64.b64decode(masked.replace(STARS, "A" * (len(written) - len(masked) + len(STARS))))
    # At most the bits of one byte at either end are left.
    assert not any(secret[at : at + 3].encode() in decoded for at in range(len(secret) - 2))


@settings(max_examples=80, deadline=None)
@given(
    secrets=st.lists(SECRET | NASTY, min_size=1, max_size=4),
    order=st.randoms(),
    around=st.lists(AROUND, min_size=9, max_size=9),
)
def test_several_secrets_do_not_survive_in_any_order(secrets: list[str], order, around: list[str]) -> None:
    words = [*secrets, *secrets]
    order.shuffle(words)
    text = "".join(pair for both in zip(around, words, strict=False) for pair in both)
    masked = Masker(secrets).text(text)
    assert not any(secret in masked for secret in secrets)


@settings(max_examples=80, deadline=None)
@given(
    secret=SECRET | NASTY,
    encoding=st.sampled_from(["utf-8", "utf-16-le", "utf-16-be", "cp1252"]),
    noise=st.binary(max_size=20),
)
def test_bytes(secret: str, encoding: str, noise: bytes) -> None:
    try:
        data = secret.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    assert data not in Masker([secret]).data(noise + data + noise)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def leaves(value: object) -> list[str]:
    """Every text of a value, its keys and numbers too: an escape of JSON is not what the value says."""
    if isinstance(value, dict):
        return [text for key, inner in value.items() for text in (str(key), *leaves(inner))]
    if isinstance(value, list):
        return [text for inner in value for text in leaves(inner)]
    return [str(value)]


@settings(max_examples=80, deadline=None)
@given(secret=SECRET | NASTY, value=JSON)
def test_nested_values(secret: str, value: object) -> None:
    masked = Masker([secret]).value({"deep": [value, {secret: f"x{secret}y"}, [[secret]]]})
    assert not [text for text in leaves(masked) if secret in text]


@given(value=JSON)
def test_without_secrets_nothing_changes(value: object) -> None:
    assert Masker().value(value) == value  # type: ignore[arg-type]
    assert Masker().text(str(value)) == str(value)
    assert Masker().data(str(value).encode("utf-8", "replace")) == str(value).encode("utf-8", "replace")


@given(value=JSON)
def test_what_holds_no_secret_keeps_its_value_and_type(value: object) -> None:
    assert Masker(["Grün:Licht 7 and a long tail"]).value(value) == value  # type: ignore[arg-type]


def test_numbers_that_are_the_digits_of_a_secret() -> None:
    assert Masker(["73219"]).value({"a": 73219, "b": 1.5, "c": True}) == {"a": STARS, "b": 1.5, "c": True}


def test_the_longest_goes_first() -> None:
    assert Masker(["pass", "password"]).text("a password, a pass") == f"a {STARS}, a {STARS}"


def test_a_secret_of_stars_and_letters_ends() -> None:
    assert "**ab" not in Masker(["**ab"]).text("**abab**abab")


@pytest.mark.parametrize("value", ["", "abc", "****", "**********"])
def test_what_cannot_be_masked_is_refused(value: str) -> None:
    with pytest.raises(ValueError, match="cannot be masked"):
        Masker([value])


def test_xml_attributes_as_the_library_writes_them() -> None:
    secret = "a\"b'c<d>&e"
    assert Masker([secret]).text(quoteattr(secret)).strip("\"'") == STARS
    assert Masker([secret]).text(html.escape(secret)) == STARS


def test_values_may_be_added_from_many_threads() -> None:
    masker = Masker()
    values = [f"secret-{number:03}" for number in range(40)]
    threads = [threading.Thread(target=masker.add, args=(value,)) for value in values]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert masker.text(" ".join(values)) == " ".join([STARS] * 40)


def test_the_lines_of_a_secret_are_hidden_one_by_one() -> None:
    """A host gives a text back as a list of its lines, and a console shows them one at a time."""
    secret = "-----BEGIN KEY-----\nMIIEow\n}\nIBAAKC"
    masker = Masker([secret])
    shown = json.dumps(masker.value({"lines": secret.split("\n"), "seen": ["a } stays"]}))
    assert "MIIEow" not in shown
    assert "IBAAKC" not in shown
    assert "a } stays" in shown
    assert b"MIIEow" not in masker.data(secret.replace("\n", "\r\n").encode("utf-16"))


def test_a_console_of_an_old_code_page_hides_it_too() -> None:
    assert Masker(["Gr\u00fcn\u00df1"]).data("x Gr\u00fcn\u00df1 y".encode("cp850")) == b"x ******** y"
