"""The HTML of descriptions: what is kept of it, and in which shape."""

from __future__ import annotations

import pytest

from service.catalogue.descriptions import clean


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<h1>Care</h1>Wash cold", "<h2>Care</h2>Wash cold"),
        ("<h3>A</h3><h4>B</h4><h3>C</h3>", "<h2>A</h2><h3>B</h3><h2>C</h2>"),
        ("<h1>A</h1><h4>B</h4><h6>C</h6>", "<h2>A</h2><h3>B</h3><h4>C</h4>"),
        ("<h4>A</h4><h2>B</h2><h3>C</h3>", "<h2>A</h2><h2>B</h2><h3>C</h3>"),
        ("<h2>A</h2><p>x</p><h5><b>B</b></h5>", "<h2>A</h2><p>x</p><h3><b>B</b></h3>"),
        ("<h2>A<div><h3>B</h3></div></h2>", "<h2>A<div><h3>B</h3></div></h2>"),
    ],
)
def test_headings_skip_no_level(html: str, kept: str) -> None:
    """The headings of a description come below the page's own, level by level."""
    assert clean(html).html == kept


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        ("<section>One</section><section>Two</section>", "<div>One</div><div>Two</div>"),
        ("<ARTICLE class=a>One</ARTICLE>Two", "<div>One</div>Two"),
        ("<main><nav>One</nav></main>", "<div><div>One</div></div>"),
        ("<figure>x<figcaption>y</figcaption></figure>",) * 2,
        ("<details><summary>More</summary>Less</details>",) * 2,
        ("<button>Buy</button>now", "<div>Buy</div>now"),
        ("<sectional>One</sectional>", "One"),
    ],
)
def test_blocks_stay_apart(html: str, kept: str) -> None:
    """The text of a block that isn't kept as such doesn't run into the next."""
    assert clean(html).html == kept


@pytest.mark.parametrize(
    ("html", "kept"),
    [
        (
            '<img src="https://x.example/a.png" alt="A" width="30" height="20" onerror="x">',
            '<img src="https://x.example/a.png" alt="A" width="30" height="20" loading="lazy">',
        ),
        (
            '<img src=/static/a.png width="100%" height=0>',
            '<img src="/static/a.png" alt="" loading="lazy">',
        ),
        (
            '<img alt="a &quot;b&quot; > c" src="https://x.example/a?b&amp;c=1">',
            '<img alt="a &quot;b&quot; &gt; c" src="https://x.example/a?b&amp;c=1" loading="lazy">',
        ),
    ],
)
def test_pictures_stay(html: str, kept: str) -> None:
    """A picture by https is kept, described, sized where the file says so, and loaded late."""
    found = clean(html)
    assert sorted(found.html[5:-1].split('" ')) == sorted(kept[5:-1].split('" '))
    assert found.left_out == 0


@pytest.mark.parametrize(
    ("html", "left_out"),
    [
        ('<img src="http://x.example/a.png">x', 1),
        ('<img src="//x.example/a.png">x', 1),
        ('<img src="data:image/png;base64,AA">x<img>', 2),
        ('<IFRAME src="https://video.example"></IFRAME>x<video></video>', 2),
        ('<img src="javascript:alert(1)">x', 1),
        ("&lt;img src=https://x.example&gt;", 0),
    ],
)
def test_pictures_left_out_are_counted(html: str, left_out: int) -> None:
    """What pages don't show is left out, and known to be."""
    found = clean(html)
    assert found.left_out == left_out
    assert "<img" not in found.html
