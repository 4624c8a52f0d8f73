import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import routing


@pytest.mark.parametrize("path", ["/", "/v1/predict", "/v1/models/iris-1:predict", "/a%20b", "/v1/trial/"])
def test_paths_as_requests_have_them_are_taken(path: str) -> None:
    assert routing.route_path(path) == path


@pytest.mark.parametrize(
    "path", ["", "v1", "/a b", "/ä", "/a//b", "/a/./b", "/a/..", "/a%2Fb", "/a%2", "/a#b", "/a?b=c"]
)
def test_paths_that_gateways_normalise_or_never_see_are_refused(path: str) -> None:
    with pytest.raises(CaramlError, match="is not a path that a gateway finds in requests"):
        routing.route_path(path)


@pytest.mark.parametrize("origin", ["*", "https://app.example.com", "http://localhost:8080"])
def test_origins_as_browsers_name_them_are_taken(origin: str) -> None:
    assert routing.origin(origin) == origin


@pytest.mark.parametrize(
    "origin", ["app.example.com", "https://*.example.com", "https://a.example.com/", "ftp://a", ""]
)
def test_what_no_browser_names_is_no_origin(origin: str) -> None:
    with pytest.raises(CaramlError, match="is not an origin"):
        routing.origin(origin)


def test_names_of_headers_are_in_lower_case_and_have_no_other_signs() -> None:
    assert routing.header_name("X-Customer_Tier") == "x-customer_tier"
    for name in ("", "x y", "x:y", "*", "ä"):
        with pytest.raises(CaramlError, match="is not the name of a header"):
            routing.header_name(name)


def test_methods_are_those_of_http() -> None:
    assert routing.http_method("POST") == "POST"
    with pytest.raises(CaramlError, match='"post" is not a method'):
        routing.http_method("post")
