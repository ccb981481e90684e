"""What is said of the demo model's updates, from real runs of a small spec."""

from __future__ import annotations

from html import unescape

import pytest

import ppcheck
from ppcheck.report.headline.sentence import headline
from ppcheck.report.html import run_page
from ppcheck.report.markdown import escaped, markdown
from ppcheck.report.terminal import table

SPEC = """\
ppcheck: 1
title: Which head brings pain
prompts:
  game:
    template: "{opening} . choose {felt} for {stake} points and {intensity} {feeling} .
      choose {plain} for {sure} points . so choose"
    vary:
      opening: [hello, a small game, here are two options]
      felt: [A, B]
      plain: [B, A]
      stake: [5, 6, 7]
      sure: [3, 4]
      intensity: [strong, extreme]
      feeling: {pain: [pain, agony], neutral: [light, sound]}
    together: [[felt, plain]]
    choices: {felt: "{felt}", plain: "{plain}"}
    pairs: {feeling: [pain, neutral]}
    sample: 40
claims:
  - id: deterred
    says: Pain makes its option rarer.
    check: contrast
    on: game
    metric: logit_diff(felt, plain)
    expect: {difference: "< -0.1"}
  - id: needed
    says: Without pain in head L1H1 a fifth of its effect is lost.
    check: patch
    on: game
    metric: logit_diff(felt, plain)
    site: L1H1
    mode: noise
    expect: {damage: ">= 0.2"}
  - id: looks
    says: Head L1H1 looks at the feeling.
    check: attention
    on: game[feeling=pain]
    site: L1H1
    from: final
    to: feeling
    expect: {attention: ">= 0.2"}
  - id: mover
    says: One head looks at pain and brings a fifth of its effect.
    check: role
    on: game
    attends: {from: final, to: feeling=pain, at_least: 0.3}
    effect: {metric: "logit_diff(felt, plain)", mode: denoise, at_least: 0.2}
    played_by: L1H1
    expect: {strength: ">= 1"}
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, ppcheck.Run]:
    """Each update of the demo model, compared with the model itself."""
    folder = tmp_path_factory.mktemp("runs")
    spec = folder / "game.pp.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    models = ("demo", "demo@rewired", "demo@blunted")
    good, *updates = (ppcheck.run(spec, model=each, cache=folder / "cache") for each in models)
    return dict(zip(models[1:], (ppcheck.compare(good, each) for each in updates), strict=True))


def test_a_head_that_lost_its_role_is_named_with_the_one_that_leads_now(
    runs: dict[str, ppcheck.Run],
) -> None:
    assert headline(runs["demo@rewired"].record.claims) == (
        "behaviour unchanged, mechanism moved and no longer holds: "
        "head L1H1 lost 49 % of what is needed of it (damage), L1H3 leads now in mover"
    )


def test_behaviour_that_broke_is_named_by_its_claim_and_the_head_beside_it(
    runs: dict[str, ppcheck.Run],
) -> None:
    assert headline(runs["demo@blunted"].record.claims) == (
        "behaviour regressed, mechanism regressed: deterred lost 99 % of its difference; "
        "head L1H1 lost 81 % of its attention to feeling, "
        "and 2 more claims about it are worse, L1H2 leads now"
    )


def test_terminal_markdown_and_page_say_the_same_sentence(runs: dict[str, ppcheck.Run]) -> None:
    for compared in runs.values():
        claims = compared.record.claims
        said = headline(claims)
        assert f"{said}\n" in table(claims, colour=False)
        assert escaped(said) in markdown(claims)
        page = unescape(run_page(compared.record))
        sides, _, broke = said.partition(": ")
        assert f'<p class="headline">{sides.capitalize()}</p>' in page
        assert f'<p class="broke"><bdi>{broke}</bdi></p>' in page
