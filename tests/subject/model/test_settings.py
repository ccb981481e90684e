from __future__ import annotations

import pytest

from ppcheck.subject.model.settings import Budget


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4GB", 4 * 10**9),
        ("500 mb", 500 * 10**6),
        ("1.5GiB", 3 * 2**29),
        ("64KB", 64_000),
        ("25%", 250),
        ("100%", 1000),
    ],
)
def test_a_budget_is_bytes_or_a_share_of_what_there_is(text: str, expected: int) -> None:
    assert Budget.parse(text).bytes(1000) == expected


@pytest.mark.parametrize("text", ["", "4", "GB", "0GB", "0%", "101%", "-1GB", "4 apples", "1e9 GB"])
def test_what_is_no_size_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(
        ValueError, match=r"is not a size: write 4GB, 500MB, or a share such as 25%"
    ):
        Budget.parse(text)
