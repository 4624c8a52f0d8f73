"""Throwaway certificates of one cluster: an authority, the servers', the administrator's, and the key of tokens."""

import datetime
import ipaddress
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from caraml_pulumi.cluster.files import write_private

VALID_FOR = datetime.timedelta(days=365)
SERVER_NAMES = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
SERVER_ADDRESSES = ("127.0.0.1", "10.0.0.1")
"""Loopback, and the first address of the service network, which the `kubernetes` Service gets."""


def create(directory: Path) -> None:
    """Write the certificates and keys of a new cluster to `directory`; files of an earlier attempt are replaced.

    `ca.crt` signs `server.crt` (kube-apiserver and etcd, also as the API server's client certificate for etcd) and
    `admin.crt` (group `system:masters`); `service-account.key`/`.pub` sign and check service-account tokens. Keys are
    readable by the owner only. Everything is valid for a year.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    authority_key = ec.generate_private_key(ec.SECP256R1())
    authority = _certificate(_name("caraml-local-ca"), _name("caraml-local-ca"), authority_key, authority_key)
    _write(directory, "ca", authority, authority_key)
    server = _name("kube-apiserver")
    _leaf(directory, "server", server, authority, authority_key, names=SERVER_NAMES, addresses=SERVER_ADDRESSES)
    _leaf(directory, "admin", _name("admin", "system:masters"), authority, authority_key)
    tokens = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    write_private(directory / "service-account.key", _private_pem(tokens))
    public = tokens.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (directory / "service-account.pub").write_bytes(public)


def _leaf(
    directory: Path,
    file: str,
    subject: x509.Name,
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    names: tuple[str, ...] = (),
    addresses: tuple[str, ...] = (),
) -> None:
    """Issue and write one certificate; it serves under `names` and `addresses`, without any it is for a client only."""
    key = ec.generate_private_key(ec.SECP256R1())
    alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
    alternatives += [x509.IPAddress(ipaddress.ip_address(address)) for address in addresses]
    certificate = _certificate(subject, authority.subject, key, authority_key, alternatives)
    _write(directory, file, certificate, key)


def _certificate(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    signer: ec.EllipticCurvePrivateKey,
    alternatives: list[x509.GeneralName] | None = None,
) -> x509.Certificate:
    """A signed certificate: an authority if it signs itself, else for clients, with `alternatives` also for servers."""
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=key is signer, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
    )
    if key is signer:
        usage = x509.KeyUsage(
            False,
            False,
            False,
            False,
            False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        uses = [ExtendedKeyUsageOID.CLIENT_AUTH, *([ExtendedKeyUsageOID.SERVER_AUTH] if alternatives else [])]
        builder = builder.add_extension(x509.ExtendedKeyUsage(uses), critical=False)
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(signer, hashes.SHA256())


def _name(common_name: str, organisation: str = "") -> x509.Name:
    """A subject; Kubernetes reads the common name as the user and the organisation as the group."""
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation)] if organisation else []
    return x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _write(directory: Path, name: str, certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey) -> None:
    """Write a certificate and its key."""
    (directory / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    write_private(directory / f"{name}.key", _private_pem(key))


def _private_pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> bytes:
    """A private key as every server here reads it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
