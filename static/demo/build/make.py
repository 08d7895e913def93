"""Makes the demo corpus: ../corpus.jsonl and ../media/*.svg.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    npm pack country-flag-icons@1.6.20 && tar xzf country-flag-icons-1.6.20.tgz
    venv/bin/python make.py package/3x2

facts.py reads every fact from the packages, prose.py writes the sentences,
and maps.py draws the maps. The same packages give the same bytes: nothing
here reads the clock or uses randomness.
"""

import json
import pathlib
import shutil
import sys
from datetime import datetime, time, timedelta, timezone

import facts
import maps
import prose

HERE = pathlib.Path(__file__).parent
MEDIA = HERE.parent / "media"
# The server replaces this prefix with its own public_url.
PICTURES = "http://localhost:8080/demo/media/"


def main(flags):
    world = facts.World()
    shutil.rmtree(MEDIA, ignore_errors=True)
    MEDIA.mkdir()
    items = [country(world, c, flags) for c in world.countries]
    items += [group(world, g) for g in world.groups]
    for n, item in enumerate(items):
        item["published_at"] = item["updated_at"] = when(n)
    items.sort(key=lambda item: item["id"])
    with open(HERE.parent / "corpus.jsonl", "w", encoding="utf-8") as out:
        for item in items:
            out.write(json.dumps(item, ensure_ascii=False) + "\n")


def when(n):
    """The date of item n: each is a minute older than the one before. The
    country with the most people is the newest, so it is first in a plain list."""
    first = datetime.combine(facts.AS_OF, time(), timezone.utc)
    return (first - timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:%SZ")


def country(world, c, flags):
    picture = c.iso2.lower() + ".svg"
    shutil.copyfile(flags / (c.iso2 + ".svg"), MEDIA / picture)
    return {
        "id": c.id,
        "collection": c.continent.id,
        "title": c.name,
        "summary": prose.country_summary(c),
        "body": prose.country_body(world, c),
        "image": PICTURES + picture,
        "url": c.url,
        "tags": c.tags,
        "attributes": c.attributes,
    }


def group(world, g):
    picture = g.id + ".svg"
    (MEDIA / picture).write_text(maps.draw(world, g), encoding="utf-8")
    item = {
        "id": g.id,
        "collection": g.collection,
        "title": g.name,
        "summary": prose.group_summary(g),
        "body": prose.group_body(g),
        "image": PICTURES + picture,
        "attributes": g.attributes,
    }
    if g.url:
        item["url"] = g.url
    return item


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(pathlib.Path(sys.argv[1]))
