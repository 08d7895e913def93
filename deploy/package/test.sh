#!/usr/bin/env bash
# Installs, upgrades, removes and purges the package in a new Debian, as root: make test-package.
# systemd does not run there: a program with its name starts and stops the server as the unit says.
#
# BINARY is the program, OLD_BINARY the one that is upgraded (default: BINARY), SUITE the release of
# Debian. It takes a minute or two, most of it for debootstrap.
set -euo pipefail
cd "$(dirname "$0")"
binary=$(realpath "${BINARY:-../../bin/stile}")
port=${PORT:-18580}
work=$(mktemp -d)
root=$work/root
trap 'cleanup' EXIT

cleanup() {
	[ ! -s "$root/run/stile.pid" ] || kill "$(cat "$root/run/stile.pid")" 2>/dev/null || true
	umount "$root/proc" 2>/dev/null || true
	rm -rf "$work"
}

step() { echo "== $*"; }
in_root() { chroot "$root" env PATH=/usr/sbin:/usr/bin:/sbin:/bin DEBIAN_FRONTEND=noninteractive "$@"; }
stile() { in_root stile "$@" --config /etc/stile/stile.yaml; }
must() { "$@" || { echo "FAILED: $*" >&2; exit 1; }; }
mode() { must [ "$(in_root stat -c '%a %U:%G' "$1")" = "$2" ]; }
ready() {
	for _ in {1..100}; do curl -sf -o /dev/null "http://127.0.0.1:$port/readyz" && return; sleep .1; done
	cat "$root/run/journal" >&2; echo "FAILED: the server is not ready" >&2; exit 1
}
call() { curl -s -H "Authorization: Bearer $token" "http://127.0.0.1:$port/v1/items?client_id=acme"; }
has() { case "$1" in *"$2"*) ;; *) echo "FAILED: no \"$2\" in: $1" >&2; exit 1 ;; esac; }

step "packages of two versions"
go run . -binary "${OLD_BINARY:-$binary}" -version 0.1.0 -out "$work"
go run . -binary "$binary" -version 0.2.0 -out "$work"

step "a new Debian"
debootstrap --variant=minbase --include=passwd "${SUITE:-bookworm}" "$root" ${MIRROR:+"$MIRROR"} > "$work/debootstrap.log" || { tail "$work/debootstrap.log" >&2; exit 1; }
mount -t proc proc "$root/proc"
mkdir -p "$root/run/systemd/system"
cat > "$root/usr/bin/systemctl" <<'END'
#!/bin/bash
echo "$*" >> /run/systemctl
field() { sed -n "s/^$1=//p" /usr/lib/systemd/system/stile.service; }
start() {
	setsid runuser -u "$(field User)" -- $(field ExecStart) >> /run/journal 2>&1 < /dev/null &
	for _ in {1..50}; do pid=$(pgrep -u stile -x stile) && break; sleep .1; done
	echo "$pid" > /run/stile.pid
}
running() { [ -s /run/stile.pid ] && kill -0 "$(cat /run/stile.pid)" 2>/dev/null; }
stop() { if running; then kill "$(cat /run/stile.pid)"; while running; do sleep .1; done; fi; }
case "$*" in
daemon-reload) ;;
"enable --now stile") start ;;
"try-restart stile.service") if running; then stop; start; fi ;;
"disable --now stile.service stile-backup.timer") stop ;;
*) echo "unknown: systemctl $*" >&2; exit 1 ;;
esac
END
chmod 755 "$root/usr/bin/systemctl"
in_root which pgrep runuser > /dev/null || in_root sh -c 'apt-get update -q && apt-get install -y -q --no-install-recommends procps' > "$work/apt.log"
cp "$work"/*.deb "$root/root/"

step "install"
said=$(in_root dpkg -i /root/stile_0.1.0_amd64.deb)
has "$said" "not started yet"
has "$(in_root getent passwd stile)" ":/var/lib/stile:/usr/sbin/nologin"
mode /var/lib/stile "700 stile:stile"
mode /var/backups/stile "700 stile:stile"
mode /etc/stile/stile.yaml "640 root:stile"
must [ ! -e "$root/run/stile.pid" ]
must in_root test -s /usr/share/bash-completion/completions/stile
has "$(in_root stile version)" sqlite

step "start, and use it"
sed -i "s|^# public_url:.*|public_url: https://api.example|; s|127.0.0.1:8080|127.0.0.1:$port|" "$root/etc/stile/stile.yaml"
echo "admin_listen: 127.0.0.1:$((port + 1))" >> "$root/etc/stile/stile.yaml"
in_root systemctl enable --now stile
ready
stile tenant add acme --site https://www.acme.example > /dev/null
echo '{"id":"oak","title":"Oak"}' > "$root/root/items.jsonl"
stile content import /root/items.jsonl > /dev/null
token=$(stile token issue acme)
has "$(call)" '"calls":1,'
before=$(cat "$root/run/stile.pid")

step "upgrade: it keeps settings and data, and restarts"
in_root dpkg -i --force-confold /root/stile_0.2.0_amd64.deb > /dev/null
ready
must [ "$(cat "$root/run/stile.pid")" != "$before" ]
must grep -q "^public_url: https://api.example" "$root/etc/stile/stile.yaml"
has "$(call)" '"calls":2,'
stile fsck
in_root runuser -u stile -- stile backup /var/backups/stile/b.tar --config /etc/stile/stile.yaml

step "remove: it stops, and keeps the data"
said=$(in_root dpkg -r stile)
has "$said" "Its data stays in /var/lib/stile"
must [ ! -e "$root/usr/bin/stile" ]
must [ -s "$root/var/lib/stile/stile.db" ]
must [ -s "$root/etc/stile/stile.yaml" ]
must [ -z "$(in_root pgrep -u stile -x stile)" ]

step "install again: the data is there"
in_root dpkg -i --force-confold /root/stile_0.2.0_amd64.deb > /dev/null
in_root systemctl enable --now stile
ready
has "$(stile usage)" "items  2"

step "purge: it says what it removes, and keeps the backups"
said=$(in_root dpkg --purge stile)
has "$said" "Removing the data of stile in /var/lib/stile"
must [ ! -e "$root/var/lib/stile" ]
must [ ! -e "$root/etc/stile" ]
must [ -s "$root/var/backups/stile/b.tar" ]
must [ -z "$(in_root pgrep -u stile -x stile)" ]

step "restore the backup into a new installation"
in_root dpkg -i /root/stile_0.2.0_amd64.deb > /dev/null
stile restore /var/backups/stile/b.tar
mode /var/lib/stile/stile.db "600 stile:stile"
has "$(in_root runuser -u stile -- stile usage --config /etc/stile/stile.yaml)" "items  2"
echo "the package can be installed, upgraded, removed and purged"
