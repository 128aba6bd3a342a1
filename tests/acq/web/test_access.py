"""Only whoever has the link sees the studio, and only pages of its own ask it for anything."""

import hmac
import itertools
import re
import shutil

import pytest
from starlette.datastructures import Headers
from starlette.websockets import WebSocketDisconnect

from acq.web import access as access_module
from acq.web.access import Access, find_fault
from acquire.data_folder import jobs_dir
from tests.support.made_sessions import make_session
from tests.support.studio import FOLLOW, ORIGIN, PORT, visitor

NAME = "S01-20260101T090001Z"
SOCKETS = f"ws://127.0.0.1:{PORT}"
FILLED = {"name": NAME, "at": "0", "run": "20260101T000000Z"}


def addresses(browser):
    """Return every address that the studio answers, with its methods; a socket has none."""
    found = []
    for route in browser.app.routes:
        path = re.sub(
            r"{(\w+)(:\w+)?}", lambda part: FILLED.get(part[1], "nothing"), route.path
        )
        found.append((path, sorted(getattr(route, "methods", None) or ())))
    assert {path for path, _ in found} > {"/sessions", "/jobs", f"/sessions/{NAME}/frames/0"}
    return [*found, ("/nonsense", ["GET"])]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    make_session(folder, seconds=1.0)
    return folder


def test_the_link_leaves_a_cookie_in_place_of_the_token(data):
    access = Access(PORT)
    browser = visitor(data, access=access, enters=False)
    entry = browser.get(f"/sessions?token={access.token}&use=in")
    assert (entry.status_code, entry.headers["location"]) == (303, "/sessions?use=in")
    cookie = entry.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert access.token not in entry.headers["set-cookie"]
    assert browser.get("/sessions").status_code == 200
    elsewhere = browser.get(f"{ORIGIN}//example.org/?token={access.token}")
    assert elsewhere.headers["location"] == "/example.org/"


@pytest.mark.parametrize("how", ["no token", "wrong token", "wrong cookie", "odd cookie"])
def test_no_address_answers_without_the_link(data, how):
    browser = visitor(data, enters=False)
    cookie = {"wrong cookie": "x" * 43, "odd cookie": "\xe9"}.get(how)
    headers = {} if cookie is None else {"cookie": f"acq-studio-{PORT}={cookie}".encode("latin-1")}
    token = {"wrong token": "?token=wrong"}.get(how, "")
    for path, methods in addresses(browser):
        for method in methods:
            answer = browser.request(method, f"{path}{token}", headers=headers)
            assert answer.status_code == 403, (method, path)
            assert method == "HEAD" or "link" in answer.text
            assert NAME not in answer.text
        if not methods:
            with (
                pytest.raises(WebSocketDisconnect),
                browser.websocket_connect(f"{SOCKETS}{path}{token}", headers=headers),
            ):
                pass


def test_no_address_answers_a_page_of_another_site(data):
    browser = visitor(data)
    foreign = {"origin": "https://evil.example"}
    embedded = {"origin": ORIGIN, "sec-fetch-site": "cross-site"}
    for path, methods in addresses(browser):
        for method, headers in itertools.product(methods, (foreign, embedded)):
            answer = browser.request(method, path, headers=headers)
            assert answer.status_code == 403, (method, path)
        if not methods:
            with (
                pytest.raises(WebSocketDisconnect),
                browser.websocket_connect(f"{SOCKETS}{path}", headers=foreign),
            ):
                pass
    assert not (data / "exclusions.json").exists()
    assert not jobs_dir(data).exists()


def test_secrets_are_compared_in_constant_time(data, monkeypatch):
    compared = []
    monkeypatch.setattr(
        access_module.hmac, "compare_digest",
        lambda one, other, real=hmac.compare_digest: compared.append(other) or real(one, other),
    )
    access = Access(PORT)
    browser = visitor(data, access=access)
    browser.get("/changes")
    assert compared == [access.token.encode(), access.cookie.encode()]


def test_secrets_are_new_with_each_start_and_in_no_text_of_the_object():
    one, other = Access(PORT), Access(PORT)
    assert len({one.token, one.cookie, other.token, other.cookie}) == 4
    assert one.token not in repr(one)


@pytest.mark.parametrize(
    ("kind", "method", "headers", "is_refused"),
    [
        pytest.param("http", "GET", {"host": "127.0.0.1:8484"}, False, id="typed"),
        pytest.param("http", "GET", {"host": "localhost:9000"}, False, id="through a tunnel"),
        pytest.param("http", "GET", {"host": "[::1]:8484"}, False, id="IPv6"),
        pytest.param("http", "GET", {"host": "evil.example:8484"}, True, id="rebinding"),
        pytest.param("http", "GET", {"host": "127.0.0.1.evil.example"}, True, id="looks alike"),
        pytest.param("http", "GET", {}, True, id="no host"),
        pytest.param("http", "POST", {"host": "127.0.0.1:8484"}, True, id="no origin"),
        pytest.param(
            "http", "POST", {"host": "127.0.0.1:8484", "origin": "http://127.0.0.1:8484"}, False,
            id="own origin",
        ),
        pytest.param(
            "http", "POST", {"host": "127.0.0.1:8484", "origin": "http://127.0.0.1:8888"}, True,
            id="another port",
        ),
        pytest.param(
            "http", "POST", {"host": "127.0.0.1:8484", "origin": "null"}, True, id="sandboxed"
        ),
        pytest.param("websocket", "GET", {"host": "127.0.0.1:8484"}, True, id="socket, no origin"),
        pytest.param(
            "websocket", "GET", {"host": "127.0.0.1:8484", "origin": "https://evil.example"}, True,
            id="socket of another site",
        ),
        pytest.param(
            "http", "GET", {"host": "127.0.0.1:8484", "sec-fetch-site": "cross-site"}, True,
            id="picture on another site",
        ),
        pytest.param(
            "http", "GET", {"host": "127.0.0.1:8484", "sec-fetch-site": "same-site"}, True,
            id="picture on another port",
        ),
        pytest.param(
            "http", "GET", {"host": "127.0.0.1:8484", "sec-fetch-site": "cross-site",
                            "sec-fetch-mode": "navigate"}, False, id="link that was followed",
        ),
    ],
)
def test_where_a_request_may_come_from(kind, method, headers, is_refused):
    assert bool(find_fault(kind, method, Headers(headers))) == is_refused


@pytest.mark.parametrize(
    ("host", "origin", "is_refused"),
    [
        ("10.0.0.5:8484", "https://10.0.0.5:8484", False),
        ("rig2.lab:8484", "https://rig2.lab:8484", False),
        ("RIG2.lab:8484", "https://RIG2.lab:8484", False),
        ("10.0.0.5:8484", "http://10.0.0.5:8484", True),           # not encrypted
        ("127.0.0.1:8484", "https://127.0.0.1:8484", True),
        ("10.0.0.6:8484", "https://10.0.0.6:8484", True),
    ],
)
def test_under_another_address_that_alone_is_the_host(host, origin, is_refused):
    headers = Headers({"host": host, "origin": origin})
    names = ("rig2.lab", "10.0.0.5")
    assert bool(find_fault("http", "POST", headers, hosts=names, scheme="https")) == is_refused


def test_an_encrypted_cookie_is_sent_encrypted_alone(data):
    access = Access(PORT, ("10.0.0.5",), "https")
    assert access.link.startswith(f"https://10.0.0.5:{PORT}/?token=")
    browser = visitor(data, access=access, enters=False)
    headers = {"host": f"10.0.0.5:{PORT}", "origin": f"https://10.0.0.5:{PORT}"}
    entry = browser.get(f"/?token={access.token}", headers=headers)
    assert "secure" in entry.headers["set-cookie"].lower()
    assert "secure" not in visitor(data).get("/changes").headers.get("set-cookie", "").lower()


def test_a_foreign_origin_changes_nothing_and_hears_nothing(data):
    browser = visitor(data)
    foreign = {"origin": "https://evil.example"}
    body = {"from_s": 0.1, "to_s": 0.5, "reason": "none of theirs"}
    assert browser.post(f"/sessions/{NAME}/exclude", json=body, headers=foreign).status_code == 403
    assert not (data / "exclusions.json").exists()
    for headers in (foreign, {"host": "evil.example", "origin": "http://evil.example"}):
        with (
            pytest.raises(WebSocketDisconnect),
            browser.websocket_connect(FOLLOW, headers=headers),
        ):
            pass
    with browser.websocket_connect(FOLLOW):
        pass
    stranger = visitor(data, enters=False)
    with (
        pytest.raises(WebSocketDisconnect),
        stranger.websocket_connect(FOLLOW),
    ):
        pass


def test_every_answer_keeps_to_itself(data):
    browser = visitor(data)
    for path, methods in addresses(browser):
        if "GET" not in methods:
            continue
        headers = browser.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"


def test_a_report_is_shown_in_a_frame_in_which_no_script_runs(data):
    folder = data / "runs/20260101T000000Z"
    folder.mkdir(parents=True)
    (folder / "report.html").write_text("<style>p { color: red }</style><script>x</script>")
    answer = visitor(data).get("/runs/20260101T000000Z/report")
    shutil.rmtree(folder)
    policy = answer.headers["content-security-policy"].split("; ")
    assert "sandbox" in policy                       # alone, too: without scripts, without origin
    assert "frame-ancestors 'self'" in policy
    assert not any(part.startswith("script-src") for part in policy)
    assert answer.headers["cache-control"] == "no-store"


def test_pages_hold_no_script_and_no_style_of_their_own(data):
    browser = visitor(data)
    for address in ("/sessions", f"/sessions/{NAME}", "/changes", "/dataset", "/runs", "/jobs"):
        text = browser.get(address).text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
        assert "<script>" not in text
