from __future__ import annotations

from typing import Any

import pytest

from ppcheck.errors import MeasurementError, UnsupportedError
from ppcheck.spec.prompts.template import Piece, Turn
from ppcheck.subject.tokens.chat import render

PLAIN = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}</>{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture
def with_template(pieces: Any) -> Any:
    def make(template: str | None) -> Any:
        pieces.chat_template = template
        return pieces

    yield make
    pieces.chat_template = None


def turns(*texts: tuple[str, str]) -> tuple[Turn, ...]:
    return tuple(Turn((Piece(text),), role) for role, text in texts)


ROLES = turns(("system", "user"), ("user", "pick user"), ("assistant", "user"), ("user", "pain"))


def starts_of(rendered: str, starts: tuple[int, ...], chat: tuple[Turn, ...]) -> list[str]:
    return [
        rendered[start : start + len(turn.text)] for start, turn in zip(starts, chat, strict=True)
    ]


def test_each_turn_is_found_even_where_its_text_stands_in_the_template_too(
    with_template: Any,
) -> None:
    rendered, starts = render(ROLES, with_template(PLAIN), "model", {})
    assert rendered.endswith("<user>pain</><assistant>")
    assert starts_of(rendered, starts, ROLES) == ["user", "pick user", "user", "pain"]
    assert [rendered[start - 1] for start in starts] == [">"] * 4


def test_a_template_may_strip_the_turns(with_template: Any) -> None:
    chat = turns(("user", "  pick "), ("assistant", "pain"))
    stripped = PLAIN.replace("m.content", "m.content.strip()")
    rendered, starts = render(chat, with_template(stripped), "model", {})
    assert rendered == "<user>pick</><assistant>pain</><assistant>"
    assert rendered[starts[0] + len("  ") :].startswith("pick</>")
    assert rendered[starts[1] :].startswith("pain</>")


def test_a_template_that_rewrites_the_turns_is_refused(with_template: Any) -> None:
    upper = PLAIN.replace("m.content", "m.content | upper")
    with pytest.raises(MeasurementError, match="changes the text of a turn: '<user>PICK</>"):
        render(turns(("user", "pick")), with_template(upper), "model", {})


def test_a_template_that_rejects_a_role_is_unsupported(with_template: Any) -> None:
    strict = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}"
    with pytest.raises(UnsupportedError, match="rejects turns of system, user: no system"):
        render(
            turns(("system", "be"), ("user", "pick")), with_template(strict + PLAIN), "model", {}
        )


def test_a_tokenizer_without_a_template_is_unsupported(with_template: Any) -> None:
    with pytest.raises(UnsupportedError, match="model has no chat template"):
        render(turns(("user", "pick")), with_template(None), "model", {})


def test_where_turns_stand_is_found_once_for_all_chats_of_the_same_roles(
    with_template: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tokenizer, asked = with_template(PLAIN), []
    plain = tokenizer.apply_chat_template

    def counted(messages: Any, **options: Any) -> Any:
        asked.append(messages)
        return plain(messages, **options)

    monkeypatch.setattr(type(tokenizer), "apply_chat_template", lambda _, *a, **k: counted(*a, **k))
    known: Any = {}
    for text in ("pick", "pain", " ."):
        chat = turns(("user", text))
        rendered, starts = render(chat, tokenizer, "model", known)
        assert starts_of(rendered, starts, chat) == [text]
    assert len(asked) == 3 + 1
