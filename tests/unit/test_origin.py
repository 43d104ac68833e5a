"""Where a request comes from, as far as anybody can be believed."""

from typing import Any

import pytest
from fastapi import Request

from api.origin import Proxies, from_foreign_page, from_own_page, sender_of
from domain.errors import Misconfigured

PROXIES = Proxies(["10.0.0.0/8", "::1"])


def request(sender: str = "203.0.113.5", scheme: str = "http", **headers: str) -> Request:
    named = [(key.replace("_", "-").encode(), value.encode()) for key, value in headers.items()]
    scope: dict[str, Any] = {
        "type": "http",
        "method": "POST",
        "path": "/",
        "query_string": b"",
        "scheme": scheme,
        "client": (sender, 1234),
        "headers": [(b"host", b"ledger.example"), *named],
    }
    return Request(scope)


def test_only_a_trusted_proxy_may_say_who_asked() -> None:
    forged = request(x_forwarded_for="1.2.3.4", x_forwarded_proto="https")
    assert PROXIES.address(forged) == "203.0.113.5"
    assert PROXIES.scheme(forged) == "http"
    passed = request("10.1.2.3", x_forwarded_for="1.2.3.4", x_forwarded_proto="https")
    assert PROXIES.address(passed) == "1.2.3.4"
    assert PROXIES.scheme(passed) == "https"


def test_the_last_stranger_in_the_chain_counts() -> None:
    chain = request("10.1.2.3", x_forwarded_for="6.6.6.6, 1.2.3.4, 10.9.9.9")
    assert PROXIES.address(chain) == "1.2.3.4"
    assert PROXIES.address(request("10.1.2.3", x_forwarded_for="10.1.1.1")) == "10.1.2.3"
    assert PROXIES.address(request("10.1.2.3")) == "10.1.2.3"


def test_an_address_that_is_none_is_refused_at_the_start() -> None:
    with pytest.raises(Misconfigured, match="TRUSTED_PROXIES"):
        Proxies(["proxy.example"])


def test_an_ipv4_address_in_an_ipv6_socket_is_the_same_one() -> None:
    passed = request("::ffff:10.1.2.3", x_forwarded_for="1.2.3.4")
    assert PROXIES.address(passed) == "1.2.3.4"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),  # one household
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("::ffff:192.0.2.1", "192.0.2.1", True),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.2", False),
        ("unknown", "unknown", True),
    ],
)
def test_whose_attempts_count_together(one: str, other: str, same: bool) -> None:
    assert (sender_of(one) == sender_of(other)) == same


def test_our_own_pages_are_known_by_what_the_browser_says() -> None:
    assert from_own_page(request(sec_fetch_site="same-origin"), PROXIES)
    assert from_own_page(request(origin="http://ledger.example"), PROXIES)
    for headers in (
        {},
        {"origin": "https://ledger.example"},
        {"origin": "http://ledger.example:8000"},
        {"origin": "null"},
        {"sec_fetch_site": "same-site"},
        {"sec_fetch_site": "cross-site"},
    ):
        assert not from_own_page(request(**headers), PROXIES)


def test_foreign_pages_are_known_but_programs_are_not_pages() -> None:
    assert not from_foreign_page(request(), PROXIES)
    assert not from_foreign_page(request(sec_fetch_site="none"), PROXIES)
    assert not from_foreign_page(request(origin="http://ledger.example"), PROXIES)
    assert from_foreign_page(request(sec_fetch_site="cross-site"), PROXIES)
    assert from_foreign_page(request(origin="https://evil.example"), PROXIES)
