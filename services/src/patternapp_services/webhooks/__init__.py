"""The webhook receiver: calls of other systems become events of the Broker."""
