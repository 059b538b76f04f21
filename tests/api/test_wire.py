"""What every answer has in common: one shape for errors, in the reader's language, and requests read strictly."""

from typing import Any

import pytest
from django.test import Client, override_settings

from accounts.models import User
from tests.api.conftest import ADDRESS, Api

ME = "/api/v1/auth/me"
LOGIN = "/api/v1/auth/login"


def code_of(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def etag(api: Api) -> str:
    return str(api.get(ME)["ETag"])


def test_every_error_has_one_shape_and_names_its_request(visitor: Api) -> None:
    answer = visitor.get(ME)
    assert set(answer.json()) == {"code", "message", "detail", "request_id"}
    assert answer.json()["request_id"] == answer["X-Request-ID"]


def test_a_request_keeps_the_name_its_sender_gave_unless_it_could_do_harm(visitor: Api) -> None:
    assert visitor.get(ME, X_Request_ID="my-request-17")["X-Request-ID"] == "my-request-17"
    assert len(visitor.get(ME, X_Request_ID="two\r\nlines")["X-Request-ID"]) == 32


def test_errors_are_told_in_the_persons_language(trader: User, api: Api) -> None:
    assert api.get("/api/v1/nothing", Accept_Language="ko").json()["message"] == "찾을 수 없습니다."
    answer = api.patch(ME, {"nickname": "x"}, If_Match="*")
    assert answer.json()["detail"]["fields"]["nickname"] == [{"code": "unknown_field", "message": "모르는 항목입니다."}]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "unreadable_body"),
        (b'{"name": "a", "name": "b"}', "unreadable_body"),
        (b'{"name": NaN}', "unreadable_body"),
        (b'{"name": "\\ud800"}', "unreadable_body"),
        (b'{"name": "\\u0000"}', "unreadable_body"),
        (b'{"name": 1' + b"0" * 5000 + b"}", "unreadable_body"),
        (b"[" * 100_000, "unreadable_body"),
        (b'{"name": ' + b"[" * 60 + b"]" * 60 + b"}", "unreadable_body"),
        (b"\xff\xfe", "unreadable_body"),
        (b"[]", "invalid_request"),
        (b'"name"', "invalid_request"),
        (b"null", "invalid_request"),
        (b'{"name": true}', "invalid_request"),
        (b'{"name": 5}', "invalid_request"),
        (b'{"name": "a\\nb"}', "invalid_request"),
        (b'{"time_zone": "Mars/Olympus"}', "invalid_request"),
        (b'{"language": "de"}', "invalid_request"),
    ],
)
def test_a_body_that_is_not_what_it_should_be_is_refused(api: Api, body: bytes, code: str) -> None:
    assert code_of(api.patch(ME, body, If_Match="*")) == (400, code)


def test_only_json_is_read(api: Api) -> None:
    answer = api._client.patch(ME, b"name=x", "application/x-www-form-urlencoded", headers=_headers(api))
    assert code_of(answer) == (415, "unsupported_media_type")


def test_a_body_beyond_one_megabyte_is_not_read(api: Api) -> None:
    """security.md 2.4.1."""
    assert code_of(api.patch(ME, b'{"name": "' + b"x" * 2**20 + b'"}', If_Match="*")) == (413, "body_too_large")


def test_parameters_are_known_and_come_once(api: Api) -> None:
    """security.md 15.3.7."""
    assert api.get(f"{ME}?colour=red").json()["detail"]["fields"]["colour"][0]["code"] == "unknown_field"
    assert api.get(f"{ME}?a=1&a=2").json()["detail"]["fields"]["a"][0]["code"] == "sent_twice"


def test_what_takes_no_body_refuses_one(api: Api) -> None:
    assert code_of(api.post("/api/v1/auth/logout", {"all": True})) == (400, "unexpected_body")


def test_a_change_names_what_was_read_and_is_refused_once_that_is_old(api: Api) -> None:
    seen = etag(api)
    assert code_of(api.patch(ME, {"name": "Jin"})) == (428, "if_match_missing")
    assert api.patch(ME, {"name": "Jin"}, If_Match=seen).json()["name"] == "Jin"
    assert code_of(api.patch(ME, {"name": "Jan"}, If_Match=seen)) == (412, "changed_meanwhile")


def test_a_name_belongs_to_one_person(api: Api, viewer: User) -> None:
    viewer.name = "taken"
    viewer.save()
    assert code_of(api.patch(ME, {"name": "Taken"}, If_Match="*")) == (422, "name_taken")


def test_addresses_and_methods_there_are_not(api: Api) -> None:
    assert code_of(api.post("/api/v1/orders-of-others", {})) == (404, "not_found")
    assert code_of(api.delete(ME)) == (405, "method_not_allowed")
    assert code_of(api.send("OPTIONS", ME)) == (405, "method_not_allowed")


@pytest.mark.parametrize("path", ["/api/nothing", "/backtest/result/x", "/swing/nothing", "/users/nothing"])
def test_what_is_not_there_is_told_to_programs_in_their_own_shape(visitor: Api, path: str) -> None:
    assert code_of(visitor.get(path)) == (404, "not_found")


def test_files_are_described_as_what_they_are(visitor: Api) -> None:
    paths = visitor.get("/api/schema/").json()["paths"]
    answers = paths["/api/v1/portfolio/trades.csv"]["get"]["responses"]
    assert (list(answers["200"]["content"]), list(answers["403"]["content"])) == (["text/csv"], ["application/json"])


def test_no_answer_is_kept_by_a_cache(api: Api) -> None:
    """security.md 14.2.2."""
    assert api.get(ME)["Cache-Control"] == "no-store"
    assert api.get("/api/v1/nothing")["Cache-Control"] == "no-store"


def test_a_person_and_an_address_have_so_many_requests_a_minute(api: Api, settings: Any) -> None:
    """A12."""
    settings.API_PER_MINUTE, settings.API_PER_MINUTE_ADDRESS = 3, 100
    answers = [api.get(ME) for _time in range(4)]
    assert [each["RateLimit-Remaining"] for each in answers] == ["2", "1", "0", "0"]
    assert code_of(answers[-1]) == (429, "too_many_requests")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60


def test_visitors_are_counted_by_address_bad_tokens_too(visitor: Api, settings: Any) -> None:
    settings.API_PER_MINUTE_ADDRESS = 2
    visitor.token = "a.b.c"
    assert [visitor.get(ME).status_code for _time in range(3)] == [401, 401, 429]
    visitor.address = "203.0.113.1"
    assert visitor.get(ME).status_code == 401


def test_without_redis_requests_are_not_counted_and_go_on(api: Api, settings: Any) -> None:
    """I47."""
    from accounts.api import budgets

    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    budgets._redis.cache_clear()
    answer = api.get(ME)
    budgets._redis.cache_clear()
    assert (answer.status_code, "RateLimit-Limit" in answer) == (200, False)


@pytest.mark.parametrize(
    ("origin", "allowed"),
    [
        ("https://app.example.com", True),
        ("https://app.example.com.evil.example", False),
        ("http://app.example.com", False),
        ("https://evil.example", False),
        ("null", False),
    ],
)
def test_other_sites_may_ask_only_where_they_are_listed(
    visitor: Api, settings: Any, origin: str, allowed: bool
) -> None:
    """A13, I41."""
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.com"]
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "if-match"}
    preflight = visitor.send("OPTIONS", LOGIN, headers=asked)
    assert (preflight.get("Access-Control-Allow-Origin") == origin) is allowed
    assert "Access-Control-Allow-Credentials" not in preflight


ANSWERS: dict[str, dict[str, str]] = {
    **{path: {} for path in (ME, "/api/v1/nothing", LOGIN, "/docs", "/redoc", "/api/schema/", "/health")},
    **{path: {} for path in ("/nothing", "/sign-in/", "/admin/", "/static/css/pages.css", "/static/nothing.css")},
    "/api/v1/orders/": {"Host": "stranger.example"},  # 400, before any view
}


@pytest.mark.parametrize("path", ANSWERS)
def test_no_answer_goes_without_the_headers_that_protect(visitor: Api, path: str) -> None:
    """security.md 3.4: pages, data, files and errors alike."""
    _is_protected(visitor.get(path, **ANSWERS[path]))


def test_a_preflight_is_protected_as_well(visitor: Api) -> None:
    asked = {"Origin": "https://phones.example", "Access-Control-Request-Method": "POST"}
    _is_protected(visitor.send("OPTIONS", LOGIN, headers=asked))


def test_an_error_of_ours_is_protected_as_well(db: None) -> None:
    """500, in the envelope, with the id under which it stands in the log."""
    client = Client(raise_request_exception=False, REMOTE_ADDR=ADDRESS)
    with override_settings(ROOT_URLCONF="tests.api.failing"):
        answer = client.get("/api/v1/fails/")
    assert answer.status_code == 500
    assert (answer.json()["code"], answer.json()["request_id"]) == ("internal_error", answer["X-Request-ID"])
    _is_protected(answer)


def test_files_are_for_our_own_pages(visitor: Api) -> None:
    answer = visitor.get("/static/css/pages.css", Origin="https://other.example")
    answer.close()
    assert "Access-Control-Allow-Origin" not in answer


def _is_protected(answer: Any) -> None:
    answer.close()  # of a file
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"
    assert "object-src 'none'" in answer["Content-Security-Policy"]
    assert answer["Referrer-Policy"] == "same-origin"
    assert answer["Cross-Origin-Opener-Policy"] == "same-origin"


def _headers(api: Api) -> dict[str, str]:
    return {"Authorization": f"Bearer {api.token}", "If-Match": "*"}


def test_the_root_answers_programs_and_people(db: None) -> None:
    """M01."""
    client = Client(REMOTE_ADDR=ADDRESS)
    assert client.get("/", headers={"Accept": "application/json"}).json()["name"] == "Kairos"
    assert client.get("/").status_code in {200, 302}
