"""How Kafka is logged in to: what a Secret holds is never read, so what it means is written in the app.

What holds here: KEDA, KafkaSource and our own services are told the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from patternapp.render.scope import Object
    from patternapp.spec import v1alpha1

PROTOCOL: v1alpha1.KafkaProtocol = "SASL_SSL"
MECHANISM: v1alpha1.SaslMechanism = "SCRAM-SHA-512"
USER, PASSWORD, AUTHORITY, CERTIFICATE, KEY = "user", "password", "ca.crt", "user.crt", "user.key"
"""The keys of the Secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """How to log in with the keys of a Secret.

    Attributes:
        secret: Its name; its keys are Knative's (`USER` and so on).
        protocol: Kafka's ``security.protocol``.
        mechanism: How a password is shown; it counts only where `sasl`.
    """

    secret: str
    protocol: v1alpha1.KafkaProtocol
    mechanism: v1alpha1.SaslMechanism

    @property
    def sasl(self) -> bool:
        """Whether a password proves who calls; otherwise a certificate does."""
        return self.protocol != "SSL"

    @property
    def tls(self) -> bool:
        """Whether the connection is encrypted."""
        return self.protocol != "SASL_PLAINTEXT"

    def described(self) -> Object:
        """The same for our own services, in the words of the resource."""
        return {"protocol": self.protocol} | ({"saslMechanism": self.mechanism} if self.sasl else {})


def login(kafka: v1alpha1.QueueKafka | v1alpha1.StreamKafka) -> Login | None:
    """How to log in; None where no Secret is named, which is plain text for everybody."""
    if kafka.secret_name is None:
        return None
    return Login(
        secret=kafka.secret_name,
        protocol=kafka.protocol or PROTOCOL,
        mechanism=kafka.sasl_mechanism or MECHANISM,
    )
