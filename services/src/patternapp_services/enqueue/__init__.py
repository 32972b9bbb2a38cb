"""Appends CloudEvents to queues and streams: HTTP in, Kafka or RabbitMQ out, 202 once the broker has acknowledged."""
