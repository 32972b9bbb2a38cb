from __future__ import annotations

import hashlib
import hmac

import pytest

from patternapp_services.webhooks import signatures

# The example of the Standard Webhooks specification and of its reference libraries.
SECRET = b"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ID = b"msg_p5jXN8AQM9LWM0D4loKWxJek"
AT = 1614265330
BODY = b'{"test": 2432232314}'
SIGNATURE = b"v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
# The example of GitHub's documentation.
GITHUB_SECRET = b"It's a Secret to Everybody"
GITHUB_DIGEST = "757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
GITHUB_BODY = b"Hello, World!"


def _standard(
    *,
    identity: bytes = ID,
    at: bytes = b"1614265330",
    signature: bytes = SIGNATURE,
    body: bytes = BODY,
    now: float = AT,
) -> signatures.Call:
    headers = [(b"webhook-id", identity), (b"webhook-timestamp", at), (b"webhook-signature", signature)]
    return signatures.Call(headers=headers, body=body, at=now)


def _verify(call: signatures.Call, secret: bytes, *, scheme: str = "standardWebhooks") -> str | None:
    try:
        signatures.verify(scheme, call, secret)
    except signatures.Refused as refusal:
        return str(refusal)
    return None


@pytest.mark.parametrize(
    ("call", "secret"),
    [
        pytest.param(_standard(), SECRET, id="the specification's example"),
        pytest.param(_standard(), SECRET.removeprefix(b"whsec_"), id="a key without its prefix"),
        pytest.param(_standard(signature=b"v1a,xx v1,AAAA " + SIGNATURE), SECRET, id="one of several signatures"),
        pytest.param(_standard(), b"whsec_b2xk\n" + SECRET + b"\n", id="one of several secrets"),
        pytest.param(_standard(now=AT + 300), SECRET, id="five minutes late"),
        pytest.param(_standard(now=AT - 300), SECRET, id="five minutes early"),
    ],
)
def test_a_standard_webhook_is_proven(call: signatures.Call, secret: bytes) -> None:
    assert _verify(call, secret) is None


@pytest.mark.parametrize(
    ("call", "why"),
    [
        pytest.param(_standard(body=BODY + b" "), "does not fit", id="another body"),
        pytest.param(_standard(identity=b"msg_2"), "does not fit", id="another id"),
        pytest.param(_standard(signature=SIGNATURE.removeprefix(b"v1,")), "does not fit", id="no version"),
        pytest.param(_standard(signature=SIGNATURE.replace(b"v1", b"v2")), "does not fit", id="another version"),
        pytest.param(_standard(signature=b""), "does not fit", id="no signature"),
        pytest.param(_standard(now=AT + 301), "not within 300 seconds", id="too late"),
        pytest.param(_standard(now=AT - 301), "not within 300 seconds", id="too early"),
        pytest.param(_standard(at=b"soon"), "not within 300 seconds", id="no time"),
        pytest.param(_standard(at=b"9" * 5000), "not within 300 seconds", id="a number of five thousand digits"),
        pytest.param(signatures.Call(headers=[], body=BODY, at=AT), "webhook-id is missing", id="no headers"),
        pytest.param(
            signatures.Call(headers=[(b"webhook-id", ID)] * 2, body=BODY, at=AT), "more than once", id="a header twice"
        ),
    ],
)
def test_a_standard_webhook_is_refused(call: signatures.Call, why: str) -> None:
    assert why in (_verify(call, SECRET) or "")


@pytest.mark.parametrize("secret", [b"", b" \n", b"whsec_", b"whsec_not base64!"])
def test_a_secret_that_cannot_work_is_the_operators_fault_and_stays_secret(secret: bytes) -> None:
    with pytest.raises(signatures.SecretUnusable) as caught:
        signatures.verify("standardWebhooks", _standard(), secret)

    assert "base64!" not in str(caught.value)


def _hub(signature: str) -> signatures.Call:
    return signatures.Call(headers=[(b"x-hub-signature-256", signature.encode())], body=GITHUB_BODY, at=AT)


def test_github_is_proven() -> None:
    secrets = b"the next secret\n" + GITHUB_SECRET + b"\n"

    assert _verify(_hub(f"sha256={GITHUB_DIGEST}"), secrets, scheme="github") is None


@pytest.mark.parametrize("signature", [f"sha256={GITHUB_DIGEST[:-1]}8", GITHUB_DIGEST, f"sha1={GITHUB_DIGEST}", ""])
def test_github_is_refused(signature: str) -> None:
    assert "does not fit" in (_verify(_hub(signature), GITHUB_SECRET, scheme="github") or "")


def test_a_word_of_a_secret_is_not_a_secret() -> None:
    signature = f"sha256={hmac.new(b'a', GITHUB_BODY, hashlib.sha256).hexdigest()}"

    assert "does not fit" in (_verify(_hub(signature), GITHUB_SECRET, scheme="github") or "")


@pytest.mark.parametrize(
    ("authorization", "why"),
    [
        ("Bearer t0ken", None),
        ("bearer t0ken", None),
        ("Bearer t0ke", "does not fit"),
        ("Bearer", "does not fit"),
        ("Basic t0ken", "not a bearer token"),
    ],
)
def test_a_bearer_token_is_the_secret_itself(authorization: str, why: str | None) -> None:
    call = signatures.Call(headers=[(b"authorization", authorization.encode())], body=b"", at=AT)

    refusal = _verify(call, b"t0ken\n", scheme="bearer")

    assert refusal is None if why is None else why in str(refusal)
