"""WCAG 2.2 AA for every colour pair the pages use, in light and dark, in Korean and English colours."""

import re
from itertools import product

import pytest

from config.environment import BASE_DIR

TOKENS = (BASE_DIR / "static" / "css" / "tokens.css").read_text()
PAIR = re.compile(r"(--[\w-]+):\s*light-dark\((#[0-9a-f]{6}),\s*(#[0-9a-f]{6})\)")
KOREAN, _, ENGLISH = TOKENS.partition(":root:lang(en)")
SURFACES = ("--surface-page", "--surface-raised", "--surface-sunken", "--surface-hover")
TEXT = [
    *product(("--text", "--text-muted", "--brand"), SURFACES),
    *product(("--color-rise", "--color-fall"), ("--surface-page", "--surface-raised", "--surface-hover")),
    *product(("--text",), ("--color-rise-bar", "--color-fall-bar")),
    ("--text-inverse", "--surface-inverse"),
    ("--on-rise", "--color-rise"),
    ("--on-fall", "--color-fall"),
    ("--brand", "--brand-soft"),
    *((f"--color-{name}", f"--color-{name}-soft") for name in ("virtual", "paper", "live", "good", "warn", "bad")),
    *((f"--color-{name}", f"--color-{name}-soft") for name in ("rise", "fall")),
    ("--text", "--color-bad-soft"),
    ("--text", "--color-warn-soft"),
    ("--text", "--color-good-soft"),
]
SHAPES = [*product(("--border-control", "--focus"), ("--surface-page", "--surface-raised"))]


def colours(language: str, theme: int) -> dict[str, str]:
    found = {name: shades[theme] for name, *shades in PAIR.findall(KOREAN)}
    if language == "en":
        found |= {name: shades[theme] for name, *shades in PAIR.findall(ENGLISH)}
    return found


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize(("language", "theme"), [("ko", 0), ("ko", 1), ("en", 0), ("en", 1)])
def test_text_and_shapes_stand_out_from_what_is_behind_them(language: str, theme: int) -> None:
    shade = colours(language, theme)
    weak = [
        f"{front} on {back}: {ratio:.2f}"
        for pairs, least in ((TEXT, 4.5), (SHAPES, 3.0))
        for front, back in pairs
        if (ratio := contrast(shade[front], shade[back])) < least
    ]
    assert weak == []
