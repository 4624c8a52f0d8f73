import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import routing
from caraml_pulumi.model.spec import parse


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


@pytest.mark.parametrize(
    "regex", ["a(?=b)", "a(?!b)", "(?<=a)b", "(?<!a)b", r"(a)\1", "(?P<x>a)(?P=x)", "(?>a)", "a++", "(a)?(?(1)b|c)"]
)
def test_what_re2_does_not_know_is_refused_in_a_regular_expression(regex: str) -> None:
    with pytest.raises(CaramlError, match="which RE2 does not know"):
        routing.regular_expression(regex)


@pytest.mark.parametrize(
    "regex", ["gold|silver", r"v\d+(-rc)?", "(?P<x>a)", "(?i)a", r"\(\?=", "[(?=]", "[+*]+", r"\\1"]
)
def test_what_re2_knows_is_taken_in_a_regular_expression(regex: str) -> None:
    assert routing.regular_expression(regex) == regex


@pytest.mark.parametrize("template", ["{name}.{project}.{domain}", "{name}-{project}.{environment}.{domain}"])
def test_a_platform_may_have_its_own_host_template(template: str) -> None:
    assert parse(routing.RoutingSpec, {"hostTemplate": template}).host_template == template


@pytest.mark.parametrize(
    "template", ["{model}.{domain}", "{project}.{domain}", "{{.Name}}", "{name", "{name}_{project}", ""]
)
def test_a_host_template_that_makes_no_hosts_is_refused_where_it_stands(template: str) -> None:
    with pytest.raises(CaramlError) as refused:
        parse(routing.RoutingSpec, {"hostTemplate": template})
    assert refused.value.where == "hostTemplate"
