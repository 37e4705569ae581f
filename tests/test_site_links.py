"""Links: every address inside the site leads somewhere, and those that lead out are listed (`make links`)."""

import links
import pytest


def test_every_link_inside_the_site_leads_somewhere(site):
    broken = links.broken(site)
    assert not broken, "\n".join(broken)


def test_links_to_other_hosts_are_whole_addresses(site):
    outside = links.outside(site)
    assert len(outside) > 20
    assert {"https://github.com/optcourse/optcourse"} <= set(outside)
    for address, pages in outside.items():
        assert links.WHOLE.fullmatch(address), f"{address} on {pages}"


def site_of(tmp_path, text: str):
    (tmp_path / "b").mkdir(exist_ok=True)
    (tmp_path / "a.html").write_text(text)
    (tmp_path / "b" / "c.html").write_text('<p id="here">Here</p><a href="../a.html">up</a><a name="old"></a>')
    return tmp_path


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ('<a href="nowhere.html">x</a>', "no such file"),
        ('<a href="b/c.html#there">x</a>', "no such place"),
        ('<a href="#top-of-it">x</a>', "no such place"),
        ('<img src="b/none.png" alt="None">', "no such file"),
        ('<meta http-equiv="Refresh" content="0; url=b/d.html" />', "no such file"),
        ('<a href="#no-race=%7B%22start%22%3A1%7D">x</a>', "no such place"),
        ('<a href="/b/c.html">x</a>', "absolute"),
        ('<a href="file:///home/me/c.html">x</a>', "absolute"),
        ('<a href="http://127.0.0.1:8000/">x</a>', "absolute"),
    ],
)
def test_a_broken_link_is_noticed(tmp_path, link, why):
    [problem] = links.broken(site_of(tmp_path, link))
    assert problem.startswith("a.html: ") and why in problem


def test_links_that_work_are_left_alone(tmp_path):
    fine = ["b/c.html", "b/c.html#here", "b/c.html#old", "b/c.html?x=1#here", "#", "#mine", "", "b/c.html#:~:text=Here"]
    fine += ["#a-race=%7B%22start%22%3A%5B1%2C2%5D%7D"]
    text = '<p id="mine"></p><div data-optcourse="a-race"></div>' + "".join(
        f'<a href="{address}">x</a>' for address in fine
    )
    text += '<a href="https://example.org/a#b">out</a><a href="mailto:a@example.org">m</a>'
    folder = site_of(tmp_path, text)
    assert links.broken(folder) == []
    assert links.outside(folder) == {"https://example.org/a#b": ["a.html"]}
