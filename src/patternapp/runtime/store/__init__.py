"""The durable state of `patternapp dev`: events, deliveries, leases, bookmarks, in one SQLite file.

`records` are the values that go in and out, `schema` is the SQL of the tables, `writes` and `reads` are the
statements, `commits` runs writes in groups with one fsync each. `logbook` keeps what functions print, `retention`
forgets what is over. Nothing here knows HTTP, functions or plans.
"""
