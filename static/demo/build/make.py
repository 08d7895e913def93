"""Makes the demo corpus: ../corpus.jsonl and ../media/*.svg.

    python3 -m venv venv && venv/bin/pip install -r requirements.txt
    npm pack country-flag-icons@1.6.20 && tar xzf country-flag-icons-1.6.20.tgz
    venv/bin/python make.py package/3x2

Every fact comes from the packages, by facts.py; how it is said is in
prose.py; the maps are drawn by maps.py. The same packages give the same
bytes: nothing here looks at the clock or draws lots.
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
# The server puts its own public_url in the place of this prefix.
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
    """Each item is dated a minute before the one above it: the newest is the
    country with the most people, so that a plain list opens with it."""
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
