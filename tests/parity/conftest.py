"""The lectures' programs are run by a test, and are no tests or modules of this project."""

collect_ignore = ["lectures"]
