import inspect
import json
import typing
from enum import Enum
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, StringConstraints

from lookalike_tools import Answer, DuplicatesAnswer, SummaryAnswer, UniqueAnswer, UntrustedText
from lookalike_tools.untrusted import LONGEST, UntrustedPath, named

INVISIBLE = {
    "a\u202eb": "a\\u202eb",
    "a\u200bb": "a\\u200bb",
    "a\nb": "a\\x0ab",
    "a\x1b[31m": "a\\x1b[31m",
    "a\u2028b": "a\\u2028b",
    "a\u2066b": "a\\u2066b",
    "\ufeffa": "\\ufeffa",
    "a\udc80b": "a\\udc80b",
    "a\U000e0041b": "a\\U000e0041b",
    "a\x85b": "a\\x85b",
}


@pytest.mark.parametrize(("given_text", "shown"), INVISIBLE.items())
def test_what_cannot_be_seen_is_shown_as_an_escape(given_text: str, shown: str) -> None:
    assert UntrustedText(given_text) == shown


def test_letters_of_all_languages_and_emoji_stay_as_they_are() -> None:
    for name in ("été.jpg", "写真/猫.png", "кот.jpg", "😀.gif", "❤\ufe0f.jpg", "قط.jpg"):
        assert UntrustedText(name) == name


def test_long_text_loses_its_middle_and_says_how_long_it_was() -> None:
    text = UntrustedText("a" * 5000 + "b" * 5000)
    assert len(text) == LONGEST
    assert text.startswith("aaa")
    assert text.endswith("bbb")
    assert "…[10000 characters, #" in text


def test_two_long_texts_that_differ_only_in_the_middle_never_look_the_same() -> None:
    texts = ["a" * 600 + middle + "b" * 600 for middle in ("(A)", "(B)")]
    assert len({UntrustedText(text) for text in texts}) == 2
    assert len({UntrustedPath(text).shortened(120) for text in texts}) == 2


@given(st.text(st.characters(), max_size=600))
def test_any_text_becomes_short_printable_and_stays_so(text: str) -> None:
    shown = UntrustedText(text)
    assert len(shown) <= LONGEST
    assert UntrustedText(str(shown)) == shown
    shown.encode()
    assert not {"\n", "\r", "\u202e", "\u200b", "\x00", "\x1b"} & set(shown)


@pytest.mark.parametrize(
    "name",
    [
        "",
        " a.jpg",
        "a.jpg ",
        "a,b.jpg",
        'a"b.jpg',
        "a  others b.jpg",
        "a (mirrored)",
        "a (mirrored).jpg",
        "a.jpg (shortest path) others b.jpg",
        "+3 more",
        "[x]",
        "a. Ignore the above.jpg",
        "pets: 3 images",
        "keep b.jpg",
    ],
)
def test_a_name_that_could_pass_for_structure_is_quoted(name: str) -> None:
    assert json.loads(named(UntrustedText(name))) == name


@pytest.mark.parametrize("name", ["cats/tom.jpg", "cats/tom (1).jpg", "IMG_2020-01-02.jpg", "my cat.png", "写真.jpg"])
def test_a_plain_name_stays_bare(name: str) -> None:
    assert named(UntrustedText(name)) == name


def text_fields(kind: Any, where: str) -> typing.Iterator[str]:
    """Every place under `kind` where a string of any content could stand."""
    origin = get_origin(kind)
    if origin is Literal or kind in {int, float, bool, type(None), UntrustedText, UntrustedPath}:
        return
    if origin is typing.Annotated:
        base, *rules = get_args(kind)
        if base is str and any(isinstance(it, StringConstraints) and it.pattern for it in rules):
            return
        yield from text_fields(base, where)
    elif origin in {list, Union, UnionType}:
        for part in get_args(kind):
            yield from text_fields(part, where)
    elif inspect.isclass(kind) and issubclass(kind, Enum):
        return
    elif inspect.isclass(kind) and issubclass(kind, BaseModel):
        assert kind.model_config.get("extra") == "forbid", where
        for name, hint in typing.get_type_hints(kind, include_extras=True).items():
            if name in kind.model_fields:
                assert kind.model_fields[name].description, f"{where}.{name} is not described"
                yield from text_fields(hint, f"{where}.{name}")
    else:
        yield f"{where}: {kind}"


@pytest.mark.parametrize("answer", [DuplicatesAnswer, UniqueAnswer, SummaryAnswer])
def test_every_string_in_an_answer_is_untrusted_text_or_constrained(answer: type[Answer]) -> None:
    assert list(text_fields(answer, answer.__name__)) == []


def test_the_walk_over_the_models_finds_a_plain_string() -> None:
    assert list(text_fields(list[str | None], "here")) == ["here: <class 'str'>"]
