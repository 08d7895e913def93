"""The sentences. The country's name selects among several wordings, so that
neighbours in a list read differently."""

import zlib
from html import escape

# Names that need an article in a sentence.
ARTICLE = set(
    "Bahamas,Caribbean Netherlands,Central African Republic,Comoros,Democratic Republic of the Congo,"
    "Dominican Republic,Gambia,Isle of Man,Maldives,Netherlands,Philippines,Republic of the Congo,"
    "United Arab Emirates,United Kingdom,United States,British Indian Ocean Territory".split(",")
)
NO_ARTICLE = {"Solomon Islands", "South Georgia and the South Sandwich Islands", "Heard Island and McDonald Islands"}
UNITS = {"Convertible"}  # words of a currency's name that are written in lower case


def country_summary(c):
    where = place(c)
    if not c.population:
        if c.iso2 == "AQ":
            return "The icy continent around the South Pole."
        return f"Nobody lives there for good. It is counted to {where}."
    people = f"{about(c.population)} people"
    if not c.capital:
        return f"{upper(people)} in {where}, with no capital of their own."
    if c.capital == c.name:
        return f"{upper(people)} in {where}; the capital bears the same name."
    return pick(c, "summary", [
        f"{c.capital} is the capital; {people} live {on(c)} {the(c)}, in {where}.",
        f"{upper(people)} in {where}, with {c.capital} as their capital.",
        f"In {where}, around its capital {c.capital}: {people}.",
    ])


def country_body(world, c):
    parts = [land(world, c), people(c), border(c), tongue(c)]
    return "".join(f"<p>{p}</p>" for p in parts if p)


def land(world, c):
    if c.iso2 == "AQ":
        return "Antarctica surrounds the South Pole. It has no capital, no currency and nobody who lives there for good."
    lies = "lie" if plural(c) else "lies"
    out = [f"{upper(the(c))} {lies} in {link(c.continent)}."]
    if c.capital == c.name:
        out.append("Its capital bears the same name.")
    elif c.capital:
        out.append(f"Its capital is {b(c.capital)}{town(c)}.")
    if c.area:
        out.append(size(world, c))
    return " ".join(out)


def town(c):
    if not c.town or not c.town["population"]:
        return ""
    lat, lon = c.town["latitude"], c.town["longitude"]
    return f", {kind(c.town)} of {about(c.town['population'])} people at {degrees(lat, 'NS')}, {degrees(lon, 'EW')}"


def kind(town):
    return "a city" if town["population"] >= 100_000 else "a town"


def size(world, c):
    rank = 1 + sum(o.area > c.area for o in c.continent.members)
    near = min(
        (o for o in world.countries if o is not c and o.area and o not in c.neighbours),
        key=lambda o: (abs(o.area - c.area) / c.area, o.id),
    )
    unit = "square kilometre" + ("" if c.area == 1 else "s")
    text = f"It covers {c.area:,} {unit}"
    if rank <= 10 and c.continent.name != "Antarctica":
        text += f", the {ordinal(rank)}largest area in {place(c)}"
    if abs(near.area - c.area) / c.area < 0.1:
        text += f", about as much as {link(near)}"
    return text + "."


def people(c):
    if not c.population:
        return ""
    n = about(c.population)
    d = c.density
    if d is None:
        return f"It is home to {n} people."
    crowd = "fewer than one" if d < 1 else f"{d:,}"
    per = "person" if d <= 1 else "people"
    bare = n.removeprefix("about ")
    return pick(c, "people", [
        f"{upper(n)} people live there, {crowd} {per} to the square kilometre.",
        f"It is home to {n} people, which makes {crowd} {per} to the square kilometre.",
        f"Its {bare} people {'have room' if d < 25 else 'share the land'}: {crowd} {per} to the square kilometre.",
    ]) + cities(c)


def cities(c):
    if len(c.cities) < 3 or c.area < 2_000 or not c.town:
        return ""
    named = listed(b(t["name"]) for t in c.cities[:3])
    if c.town["population"] >= c.cities[0]["population"]:
        return f" After the capital, the largest cities are {named}."
    return f" The largest cities beside the capital are {named}."


def border(c):
    if c.iso2 == "AQ":
        return ""
    if not c.neighbours:
        return pick(c, "sea", [
            "It has no land border: there is water all round.",
            "No other country borders it on land.",
            "All its borders are at sea.",
        ])
    n = len(c.neighbours)
    links = listed(link(o) for o in c.neighbours)
    if n == 1:
        return f"Its only neighbour on land is {links}."
    return pick(c, "border", [
        f"It has {number(n)} neighbours on land: {links}.",
        f"By land one can go from here to {links}.",
        f"It borders {links}.",
    ])


def tongue(c):
    return " ".join(filter(None, [spoken(c), called(c), paid(c), reached(c)]))


def spoken(c):
    labels = list(c.languages.values())
    if not labels:
        return ""
    if len(labels) == 1:
        text = f"Business of state is done in {labels[0]}."
    else:
        text = f"{upper(number(len(labels)))} languages are official: {listed(labels)}."
    if parts := c.regional:
        more = [f"{number(len(parts) - 4)} others"] if len(parts) > 5 else parts[4:]
        text += f" In parts of it {listed(parts[:4] + more)} {'is' if len(parts) == 1 else 'are'} official too."
    return text


def called(c):
    own = {}
    for code, text in c.names.items():
        if text != c.name:
            own.setdefault(text, code)
    if not own:
        return ""
    first = dict(list(own.items())[:3])
    said = listed(f'<b lang="{code}">{escape(text)}</b> in {language(c, code)}' for text, code in first.items())
    return f"{upper(the(c))} {'are' if plural(c) else 'is'} called {said}."


def language(c, code):
    base, _, script = code.partition("-")
    letters = {"Cyrl": " (in Cyrillic letters)", "Latn": " (in Latin letters)"}.get(script, "")
    return c.languages.get(base, base) + letters


def paid(c):
    return f"Its money is the {money(c.attributes['currency'])} ({c.currency})." if c.currency else ""


def reached(c):
    if c.tld and c.phone and c.phone[0].isdigit():
        return f"Its addresses on the internet end in {c.tld}, its telephone numbers begin with +{c.phone}."
    return f"Its addresses on the internet end in {c.tld}." if c.tld else ""


def group_summary(g):
    n = number(len(g.members))
    first = listed(the(c) for c in g.members[:3])
    return {
        "continents": f"{n} countries and territories; most people live in {first}.",
        "languages": f"Official in {n} countries and territories.",
        "currencies": f"The money of {n} countries and territories.",
    }[g.collection]


def group_body(g):
    n = number(len(g.members))
    links = listed(link(c) for c in sorted(g.members, key=lambda c: c.id))
    total = about(sum(c.population for c in g.members))
    if g.collection == "continents":
        lead = f"{g.name} has {n} countries and territories with {total} people in all."
    elif g.collection == "languages":
        own = g.attributes["native_name"]
        called = "" if own == g.name else f', <b lang="{g.attributes["code"]}">{escape(own)}</b> to those who speak it,'
        lead = f"{g.name}{called} is official in {n} countries and territories."
    else:
        lead = f"The {money(g.name)} ({g.attributes['code']}) is the money of {n} countries and territories, home to {total} people."
    return f"<p>{lead}</p><p>They are {links}.</p>"


# Words.


def the(c):
    n = escape(c.name, quote=False)
    if c.name in ARTICLE or c.name not in NO_ARTICLE and c.name.endswith(("Islands", "Territories")):
        return "the " + n
    return n


def on(c):
    return "on" if c.name.endswith(("Island", "Islands")) else "in"


def plural(c):
    return c.name.endswith(("Islands", "Territories"))


def place(c):
    return c.continent.name


def link(o):
    text = the(o) if hasattr(o, "iso2") else o.name
    article, plain = ("the ", text[4:]) if text.startswith("the ") else ("", text)
    return f'{article}<a href="{o.url}">{plain}</a>'


def b(text):
    return f"<b>{escape(text, quote=False)}</b>"


def upper(text):
    return text[:1].upper() + text[1:]


def money(name):
    words = name.split(" ")
    if words[-1].isupper():
        return name
    return " ".join([w.lower() if w in UNITS else w for w in words[:-1]] + [words[-1].lower()])


def about(n):
    for unit, word in ((1_000_000_000, "billion"), (1_000_000, "million")):
        if n >= unit:
            return f"about {n / unit:.3g} {word}"
    return f"about {round(n, -2 if n >= 10_000 else -1 if n >= 1_000 else 0):,}" if n >= 1_000 else f"{n:,}"


def ordinal(n):
    words = "first second third fourth fifth sixth seventh eighth ninth tenth".split()
    return "" if n == 1 else words[n - 1] + " "


def number(n):
    words = "no one two three four five six seven eight nine ten eleven twelve".split()
    return words[n] if n < len(words) else str(n)


def degrees(x, sides):
    return f"{abs(x):.1f}° {sides[0] if x >= 0 else sides[1]}"


def listed(parts):
    parts = list(parts)
    return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]


def pick(c, slot, ways):
    return ways[zlib.crc32((slot + c.id).encode()) % len(ways)]
