"""Pulls from Kafka or RabbitMQ beside a function; `patternapp.consume` is what it does with what it pulled."""
