"""Makes the tokens that are asked for on standard input, and keys for them, as an identity provider would: PyJWT signs
them. What PyJWT refuses to make, since nobody should, is made by hand."""

import base64
import hashlib
import hmac
import json
import sys

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

MAKE = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


def part(value: bytes) -> bytes:
    return base64.urlsafe_b64encode(value).rstrip(b"=")


def confused(key, kid: str, claims: dict) -> str:
    """Signed by the public key, as if that were a secret."""
    pem = serialization.PublicFormat.SubjectPublicKeyInfo
    secret = key.public_key().public_bytes(serialization.Encoding.PEM, pem)
    header = {"alg": "HS256", "typ": "JWT", "kid": kid}
    message = b".".join(part(json.dumps(value).encode()) for value in (header, claims))
    return (message + b"." + part(hmac.digest(secret, message, hashlib.sha256))).decode()


def make(asked: dict, keys: dict) -> str:
    algorithm, key = keys[asked["key"]]
    headers = {"kid": asked["kid"]} if asked["kid"] else {}
    match asked.get("alg", algorithm):
        case "HS256":
            return confused(key, asked["kid"], asked["claims"])
        case "none":
            return jwt.encode(asked["claims"], None, algorithm="none", headers=headers)
        case algorithm:
            return jwt.encode(asked["claims"], key, algorithm=algorithm, headers=headers)


asked = json.load(sys.stdin)
keys = {name: (algorithm, MAKE[algorithm]()) for name, algorithm in asked["keys"].items()}
public = {}
for name, (algorithm, key) in keys.items():
    of = jwt.get_algorithm_by_name(algorithm)
    public[name] = {"kid": name, "use": "sig", **json.loads(of.to_jwk(key.public_key()))}
    # A private part would be a mistake of this script.
    assert "d" not in public[name]
    # What signs is said by `kty` and `crv`.
    public[name].pop("key_ops", None)
print(json.dumps({"keys": public, "tokens": [make(token, keys) for token in asked["tokens"]]}))
