import pytest

from caraml_pulumi.errors import CaramlError
from caraml_pulumi.model import tls


@pytest.mark.parametrize(
    ("host", "secured", "covered"),
    [
        ("iris.example.com", ["iris.example.com"], True),
        ("iris.example.com", ["*.example.com"], True),
        ("iris.example.com", ["*"], True),
        ("a.iris.example.com", ["*.example.com"], False),
        ("example.com", ["*.example.com"], False),
        ("iris.example.com", [], False),
        ("", ["iris.example.com"], False),
        ("", ["*"], True),
    ],
)
def test_a_wildcard_covers_one_label_of_a_host(host: str, secured: list[str], covered: bool) -> None:
    if covered:
        tls.host_has_tls(host, secured)
    else:
        with pytest.raises(CaramlError, match="come in without TLS"):
            tls.host_has_tls(host, secured)


def test_a_listener_and_an_address_have_tls() -> None:
    tls.listener_has_tls("https", "HTTPS", secured=True)
    tls.address_has_tls("iris.example.com", secured=True)
    with pytest.raises(CaramlError, match='listener "http" takes HTTP without TLS'):
        tls.listener_has_tls("http", "HTTP", secured=False)
    with pytest.raises(CaramlError, match=r'the endpoint answers at "iris\.example\.com" without TLS'):
        tls.address_has_tls("iris.example.com", secured=False)


def test_a_host_is_private_by_a_pattern_and_no_host_is_not() -> None:
    assert tls.is_private("iris.team.svc.cluster.local", ["*.svc.cluster.local"])
    assert not tls.is_private("iris.example.com", ["*.svc.cluster.local"])
    assert not tls.is_private("", ["*"])
