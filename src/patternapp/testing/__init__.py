"""Tests of apps with pytest: the Broker, the delivery and the clock of `patternapp dev`, in the test's own process.

`plugin` has the fixtures, `kit` is what they give, `embedded` runs an app for one test, `virtual` is its time, and
`inprocess` calls its functions. Importing a function's code is left to the first event for it.
"""
