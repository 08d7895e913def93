"""Verify a JSON statement of stile with the standard library alone, except the signature.

It follows docs/statements.md, and shares no code with stile.
"""
import base64, hashlib, json, sys
from decimal import Decimal

file = json.load(open(sys.argv[1]), parse_float=Decimal)
text = file["note"].rpartition("\n\n")[0] + "\n"
title, _, body = text.partition("\n")
assert title == "stile statement 1", title
s = json.loads(body, parse_float=Decimal)
assert s == file["statement"], "statement and note differ"


def root(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return hashlib.sha256(b"\x01" + root(hashes[:half]) + root(hashes[half:])).digest()


leaves, rows = [], {}
for line in file["lines"]:
    leaf = "{token} {day} {route} {calls} {records}".format(**line)
    leaves.append(hashlib.sha256(b"\x00" + leaf.encode()).digest())
    assert leaves[-1].hex()[:8] == line["hash"], leaf
    calls, records = rows.get((line["day"], line["route"]), (0, 0))
    rows[line["day"], line["route"]] = calls + line["calls"], records + line["records"]
assert base64.b64encode(root(leaves)).decode() == s["root"], "root"
assert len(leaves) == s["lines"], "lines"
assert rows == {(r["day"], r["route"]): (r["calls"], r["records"]) for r in s["rows"]}, "rows"

# Each call and record one by one: slow, and impossible to get wrong.
used, total = {"calls": 0, "records": 0}, Decimal(0)
for r in s["rows"]:
    price = [p for p in s["prices"] if p["since"] <= r["day"]][-1:]
    amount = Decimal(0)
    for p in price:
        for unit, base in (("calls", p["call"]), ("records", p["record"])):
            for n in range(used[unit] + 1, used[unit] + r[unit] + 1):
                tier = [t["amount"] for t in p["tiers"] if t["unit"] == unit and t["from"] <= n]
                amount += Decimal(tier[-1] if tier else base)
    for unit in used:
        used[unit] += r[unit]
    assert amount == r["amount"], (r, amount)
    total += amount
assert (used["calls"], used["records"], total) == (s["calls"], s["records"], s["amount"]), "totals"
print("valid", s["tenant"], s["month"], s["calls"], s["records"], s["amount"])
