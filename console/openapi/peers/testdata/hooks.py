"""Sends bodies that Schemathesis does not know as they are."""

import schemathesis


@schemathesis.serializer("application/x-ndjson", "application/jsonl", "text/csv", "text/markdown",
                         "application/rss+xml", "application/atom+xml", "application/feed+json")
def as_it_is(ctx, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogatepass")
