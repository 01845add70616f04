# Copyright: (c) 2026, the scoped.secrets contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates and signed tokens for logins in tests."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import time
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

__all__ = ["Authority", "Certificate", "Issuer", "self_signed"]

DAY = datetime.timedelta(days=1)


class Authority:
    """A certificate authority. Its certificate is the file `ca`. What it issues is in the same folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("tests")
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        builder = self._builder(self._name, self._key.public_key(), is_ca=True).add_extension(usage, critical=True)
        self.ca = folder / "ca.pem"
        self.ca.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def issue(self, name: str, *, days: int = 1) -> tuple[Path, Path]:
        """Return the files of a certificate and its key, for a client, or for a server at 127.0.0.1 or localhost.

        Its common name is `name`. With negative `days`, the certificate is expired.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = (
            self._builder(_name(name), key.public_key(), is_ca=False, days=days)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        )
        certificate, key_file = self._folder / f"{name}.pem", self._folder / f"{name}.key"
        certificate.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        key_file.write_bytes(_private_pem(key))
        return certificate, key_file

    def _builder(
        self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, is_ca: bool, days: int = 1
    ) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        authority = self._key.public_key()
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - abs(days) * 2 * DAY)
            .not_valid_after(now + days * DAY)
            .add_extension(x509.BasicConstraints(is_ca, None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority), critical=False)
        )


class Issuer:
    """Signs JSON Web Tokens (RS256) with its own key. `public_key` is in PEM format."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        public = self._key.public_key()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_key = public.public_bytes(serialization.Encoding.PEM, form).decode()

    def issue(self, subject: str, audience: str | list[str], *, seconds: int = 3600, **claims: object) -> str:
        """Return a token that expires in `seconds`. With negative `seconds`, it is expired."""
        now = int(time.time())
        times = {"iat": now - 3600, "nbf": now - 3600, "exp": now + seconds}
        payload = {"iss": "tests", "sub": subject, "aud": audience, **times, **claims}
        signed = (
            f"{_base64(json.dumps({'alg': 'RS256', 'typ': 'JWT'}).encode())}.{_base64(json.dumps(payload).encode())}"
        )
        return f"{signed}.{_base64(self._key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"

    def claims(self, token: str) -> dict[str, object]:
        """Return the claims of a token. Raises InvalidSignature or ValueError if it isn't ours."""
        signed, _dot, signature = token.rpartition(".")
        self._key.public_key().verify(_bytes(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        payload: dict[str, object] = json.loads(_bytes(signed.partition(".")[2]))
        return payload


class Certificate:
    """A self-signed certificate. `pem` holds it with its RSA private key; `public_key` is in PEM format, too."""

    def __init__(self, name: str) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        public = self._key.public_key()
        now = datetime.datetime.now(datetime.timezone.utc)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(_name(name))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - DAY)
            .not_valid_after(now + DAY)
        )
        self._certificate = _pem(builder.sign(self._key, hashes.SHA256())).decode()
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        self.public_key = public.public_bytes(serialization.Encoding.PEM, form).decode()
        self.pem = self._with_key(serialization.NoEncryption())

    def encrypted(self, passphrase: bytes) -> str:
        """Return the certificate and its private key, which a passphrase encrypts."""
        return self._with_key(serialization.BestAvailableEncryption(passphrase))

    def _with_key(self, encryption: serialization.KeySerializationEncryption) -> str:
        form = serialization.PrivateFormat.PKCS8
        return self._certificate + self._key.private_bytes(serialization.Encoding.PEM, form, encryption).decode()


def self_signed(name: str) -> Certificate:
    """Return a new self-signed certificate."""
    return Certificate(name)


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _private_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    form, encryption = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, form, encryption)


def _json(content: object) -> str:
    return _base64(json.dumps(content).encode())


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
