"""Takes batches from a log, a queue or a stream, to a function: the same core whatever the log is.

A log is anything with `log.Log`'s two methods. `backlog` and `memory` make one out of records that a broker pushes,
such as Kafka's or RabbitMQ's; a store that leases rows is one by itself. Here is no broker's client, and no file.
"""
