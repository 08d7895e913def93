"""A map of the world in dots, with some countries highlighted.

A dot is a square of four degrees in which GeoNames has a town of at least
15,000 people, so the map shows where people live.
"""

import math

STEP = 4  # degrees
NORTH, SOUTH = 76, -56
COLUMNS, ROWS = 90, 60  # 3:2, like the flags


def draw(world, group):
    lit = dots(group.members)
    dim = dots(world.countries) - lit
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {COLUMNS} {ROWS}" role="img">'
        f"<title>{group.name} on a map of the world</title>"
        '<g fill="none" stroke-linecap="round" stroke-width=".8">'
        f'<path stroke="#b9c4cf" d="{path(dim)}"/>'
        f'<path stroke="#c2410c" d="{path(lit)}"/></g></svg>\n'
    )


def dots(countries):
    return {dot(t) for c in countries for t in c.towns + [c.town] if t and SOUTH < t["latitude"] < NORTH}


def dot(town):
    x = int((town["longitude"] + 180) / STEP) % COLUMNS
    y = (mercator(NORTH) - mercator(town["latitude"])) / math.radians(STEP)
    return x, round(y) + 7  # centred


def mercator(latitude):
    return math.asinh(math.tan(math.radians(latitude)))


def path(at):
    return "".join(f"M{x} {y}h0" for x, y in sorted(at))
