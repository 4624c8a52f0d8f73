import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caraml_pulumi.cluster import pki


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("cluster") / "pki"
    pki.create(made)
    return made


def load(directory: Path, name: str) -> x509.Certificate:
    return x509.load_pem_x509_certificate((directory / f"{name}.crt").read_bytes())


@pytest.mark.parametrize("name", ["server", "admin"])
def test_certificates_are_issued_by_the_authority_of_the_cluster(directory: Path, name: str) -> None:
    load(directory, name).verify_directly_issued_by(load(directory, "ca"))


def test_two_clusters_do_not_trust_each_other(directory: Path, tmp_path: Path) -> None:
    pki.create(tmp_path / "pki")
    with pytest.raises(InvalidSignature):
        load(directory, "server").verify_directly_issued_by(load(tmp_path / "pki", "ca"))


def test_the_server_certificate_is_for_loopback_and_the_kubernetes_service(directory: Path) -> None:
    names = load(directory, "server").extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1", "10.0.0.1"]
    assert "kubernetes.default.svc" in names.get_values_for_type(x509.DNSName)


def test_the_administrator_is_in_the_group_that_rbac_lets_do_everything(directory: Path) -> None:
    subject = load(directory, "admin").subject
    assert subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)[0].value == "system:masters"


def test_a_client_certificate_cannot_pose_as_a_server(directory: Path) -> None:
    uses = load(directory, "admin").extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(uses) == [ExtendedKeyUsageOID.CLIENT_AUTH]


def test_only_the_authority_may_sign(directory: Path) -> None:
    for name, may in (("ca", True), ("server", False), ("admin", False)):
        constraints = load(directory, name).extensions.get_extension_for_class(x509.BasicConstraints).value
        assert constraints.ca is may


def test_keys_are_readable_by_their_owner_only(directory: Path) -> None:
    keys = list(directory.glob("*.key"))
    assert len(keys) == 4
    assert {stat.S_IMODE(key.stat().st_mode) for key in keys} == {0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


def test_the_two_halves_of_the_token_key_belong_together(directory: Path) -> None:
    private = load_pem_private_key((directory / "service-account.key").read_bytes(), None)
    public = load_pem_public_key((directory / "service-account.pub").read_bytes())
    assert private.public_key() == public


def test_creating_again_replaces_what_an_earlier_attempt_left(tmp_path: Path) -> None:
    pki.create(tmp_path)
    before = (tmp_path / "ca.crt").read_bytes()
    pki.create(tmp_path)
    assert (tmp_path / "ca.crt").read_bytes() != before
    load(tmp_path, "server").verify_directly_issued_by(load(tmp_path, "ca"))
