"""What stands in a cell of a file that people open with a spreadsheet."""

import pytest

from api.exporting import cell


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t"])
def test_a_text_that_would_be_calculated_is_told_as_text(begin: str) -> None:
    assert cell(f"{begin}1+1") == f"'{begin}1+1"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (-7, -7),
        (1.5, 1.5),
        ("a=b", "a=b"),
        ("", ""),
        ({"minutes": "-5"}, '{"minutes": "-5"}'),
        (["=1"], '["=1"]'),
    ],
)
def test_everything_else_stays_what_it_is(value: object, told: object) -> None:
    assert cell(value) == told
