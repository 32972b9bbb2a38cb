"""The shapes of texts in a PatternApp: for each a pattern, and the words that tell a person what it asks for.

What holds here: every pattern of the models is a row of `FORMATS`, and means the same to Rust's regex (pydantic), RE2
(the API server) and ECMA 262 (editors): anchored, ASCII, no look-around.
"""

from __future__ import annotations

from patternapp import durations

LABEL = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
ATTRIBUTE = r"^[a-z][a-z0-9]*$"
HTTP_URI = r"^https?://[^\s/@?#]+([/?#]\S*)?$"
IMAGE = r"^[A-Za-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?$"
QUANTITY = r"^[0-9]+(\.[0-9]+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$"
VARIABLE = r"^[A-Za-z_][A-Za-z0-9_]*$"
HANDLER = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*:[A-Za-z_][A-Za-z0-9_]*$"
PATH = r"^/[^\s?#]*$"
ORIGIN = r"^(\*|https?://[^\s/@?#]+)$"
HOST = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"
BUCKET = r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
QUEUE_ARN = r"^arn:[^:\s]+:sqs:[^:\s]+:[0-9]+:[^:\s]+$"
TABLE = r"^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)?$"
SERVER = r"^[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?:[0-9]{1,5}$"
TOPIC = r"^[a-zA-Z0-9._-]+$"

FORMATS = {
    durations.PATTERN: "a duration such as 500ms, 30s, 5m or 1h30m",
    LABEL: "a name of lower-case letters, digits and '-', with a letter or digit at both ends, such as order-mails",
    ATTRIBUTE: "the name of an event attribute: lower-case letters and digits, a letter first, such as type",
    HTTP_URI: "an http or https URL without user and password, such as https://partner.example.com/events",
    IMAGE: "a container image, such as ghcr.io/acme/shop:1.4.0",
    QUANTITY: "an amount as Kubernetes writes it, such as 50m or 96Mi",
    VARIABLE: "the name of an environment variable, such as LOG_LEVEL",
    HANDLER: "MODULE:NAME, such as shop.orders:app",
    PATH: "a path that begins with / and has no query, such as /orders/{id}",
    ORIGIN: "an origin without a path, such as https://shop.example.com, or *",
    HOST: "a lower-case host name, such as shop.example.com",
    BUCKET: "a bucket's name: 3 to 63 lower-case letters, digits, '.' and '-', such as uploads",
    QUEUE_ARN: "the ARN of an SQS queue, such as arn:aws:sqs:eu-central-1:123456789012:uploads",
    TABLE: "a table, with or without its schema, such as public.stock",
    SERVER: "host:port, such as kafka.kafka:9092",
    TOPIC: "letters, digits, '.', '_' and '-', such as shop-invoices",
}
"""Pattern to words, which complete the sentence "write ..."."""
