"""How figures are said: tables that fit, in a terminal and in a notebook."""

from __future__ import annotations

import pytest

from kit import words

HEADER = ("run", "what it is", "score", "seconds")
ROWS = [
    ("20260105-143012-cnn-augmented", "Three blocks of convolution and pooling.", "0.99462", "829.1"),
    ("20260105-150101-svm", None, "0.98360", "48.2"),
]


def test_a_table_is_as_wide_as_its_texts_where_there_is_no_terminal():
    assert words.table(HEADER, ROWS).splitlines() == [
        "run                            what it is                                  score  seconds",
        "-----------------------------  ----------------------------------------  -------  -------",
        "20260105-143012-cnn-augmented  Three blocks of convolution and pooling.  0.99462    829.1",
        "20260105-150101-svm            -                                         0.98360     48.2",
    ]


def test_texts_are_wrapped_until_a_table_fits():
    assert words.table(HEADER, ROWS, width=64).splitlines() == [
        "run                     what it is                score  seconds",
        "----------------------  ----------------------  -------  -------",
        "20260105-143012-cnn-    Three blocks of         0.99462    829.1",
        "augmented               convolution and",
        "                        pooling.",
        "20260105-150101-svm     -                       0.98360     48.2",
    ]


def test_columns_that_can_be_spared_are_left_out_and_named():
    assert words.table(HEADER, ROWS, width=46, spare=("seconds", "what it is")).splitlines() == [
        "run                what it is            score",
        "-----------------  ------------------  -------",
        "20260105-143012-   Three blocks of     0.99462",
        "cnn-augmented      convolution and",
        "                   pooling.",
        "20260105-150101-   -                   0.98360",
        "svm",
        "Not shown in 46 columns: seconds.",
    ]
    assert words.table(HEADER, ROWS, width=30, spare=("seconds", "what it is")).splitlines()[2:4] == [
        "20260105-143012-cnn-   0.99462",
        "augmented",
    ]


@pytest.mark.parametrize("width", range(28, 140, 8))
def test_no_line_is_longer_than_the_terminal_and_only_spared_columns_are_lost(width):
    printed = words.table(HEADER, ROWS, width=width, spare=("seconds",))
    lines = [line for line in printed.splitlines() if not line.startswith("Not shown")]
    assert max(map(len, lines)) <= width
    letters = sorted("".join(printed.replace("-", "").split()))
    for text in ("0.99462", "0.98360"):
        assert text in printed
    for text in ("Threeblocksofconvolutionandpooling.", "20260105143012cnnaugmented", "20260105150101svm"):
        assert all(letters.count(letter) >= text.count(letter) for letter in text)


def test_a_notebooks_table_is_escaped():
    shown = words.html_table(("a <b>", "n"), [("<script>alert('x')</script>", 1), (None, 2)], title="A & B")
    assert shown == (
        '<table><caption style="text-align:left">A &amp; B</caption>'
        '<thead><tr><th style="text-align:left">a &lt;b&gt;</th><th style="text-align:right">n</th></tr></thead><tbody>'
        '<tr><td style="text-align:left">&lt;script&gt;alert(&#x27;x&#x27;)&lt;/script&gt;</td>'
        '<td style="text-align:right">1</td></tr>'
        '<tr><td style="text-align:left">–</td><td style="text-align:right">2</td></tr></tbody></table>'
    )


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, None), (48.2, "48.2 s"), (59.6, "1 min 0 s"), (725, "12 min 5 s"), (3780, "1 h 3 min")]
)
def test_durations_are_said_in_words(seconds, text):
    assert words.duration(seconds) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 runs"), (1, "1 run"), (1200, "1,200 runs")])
def test_things_are_counted_in_words(number, text):
    assert words.count(number, "run") == text
