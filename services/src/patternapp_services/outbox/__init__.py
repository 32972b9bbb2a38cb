"""The outbox reader: changes of a table's rows, noted by a trigger in the transaction that made them, become events."""
