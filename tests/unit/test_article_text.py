"""HTML of articles becomes plain text."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.zammad.text import MAX_HTML, plain_text, tidy


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("plain", "plain"),
        ("<p>One</p><p>Two</p>", "One\n\nTwo"),
        ("One<br>Two<br/>Three", "One\nTwo\nThree"),
        ("<div>a</div>\n\n\n<div>b</div><div><br></div><div>c</div>", "a\nb\n\nc"),
        ("<ul><li>x</li><li>y</li></ul>", "x\ny"),
        ("<b>bold</b> and <i>slanted</i>", "bold and slanted"),
        ("5 &lt; 6 &amp; 7 &gt; 6&nbsp;!", "5 < 6 & 7 > 6 !"),
        ("<style>p {}</style><p>seen</p><script>alert(1)</script>", "seen"),
        ("<!-- hidden -->shown", "shown"),
        ("line one\nsame line", "line one same line"),
        ("<![bad [ section]>rest", "rest"),
    ],
)
def test_blocks_become_lines_and_markup_vanishes(html: str, text: str) -> None:
    assert plain_text(html) == text


@given(st.text(alphabet=st.sampled_from("<>/!-[]&;\"' pabr\n"), max_size=60))
def test_no_input_breaks_it(html: str) -> None:
    text = plain_text(html)
    assert text == text.strip()
    assert "\n\n\n" not in text


def test_huge_articles_are_cut_and_quick() -> None:
    began = time.perf_counter()
    assert len(plain_text("<div><" * MAX_HTML)) <= MAX_HTML * 2
    assert time.perf_counter() - began < 5


def test_plain_articles_keep_their_lines() -> None:
    assert tidy("a \r\n\r\n\r\n\r\nb\tc") == "a\n\nb c"
