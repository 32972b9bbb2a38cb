"""CloudEvents as messages of Kafka and of AMQP: how events are written, and what is made of messages that are none.

What holds here: pure, no client of a broker is imported.
"""
