#!/bin/sh
# Makes this host a Scanner for good: its Postfix, its guard and its agent as services of systemd. Run it again to change
# options or after an update; what is in force goes on.
set -eu

usage='Makes this host a Scanner for good: Postfix, its guard and its agent as services of systemd.

  sudo scanner/install.sh --id mx1 --url https://…/v1        with SCANNER_TOKEN in the environment
  sudo scanner/install.sh --id mx1 --remove                  takes the services away, with the last one the units; its folder stays

  --id ID            as for npm run scanner
  --url URL          the API, version included
  --host-name NAME   how Postfix names this host
  --root DIR         writes the units below DIR and starts nothing: to look at them

State is in /var/lib/scanner/scanners/ID, options in /etc/scanner/ID.env. Needs root, systemd, Postfix 3.7.9 or later, and npm ci here.
A token that is there stays when none is given. Nobody but root may write to the folder of this program: root runs it.
Ends with 2 when called wrongly, with 1 when something is lacking.'

fail() { printf '%s\n' "$1" >&2; exit "${2:-1}"; }

id='' url='' name='' root='' remove=''
while [ $# -gt 0 ]; do
  case $1 in
    --id) id=${2-} ;;
    --url) url=${2-} ;;
    --host-name) name=${2-} ;;
    --root) root=${2-} ;;
    --remove) remove=yes; shift; continue ;;
    --help|-h) printf '%s\n' "$usage"; exit 0 ;;
    *) fail "$usage" 2 ;;
  esac
  [ $# -ge 2 ] || fail "$1 needs a value." 2
  shift 2
done

[ -n "$id" ] || fail "Give the Scanner an id: --id mx1.

$usage" 2
case $id in *[!a-z0-9-]*|-*) fail "--id $id is no id: 1 to 63 lower-case letters, digits and hyphens." 2 ;; esac
[ ${#id} -le 63 ] || fail "--id $id is too long for an id: 63 characters." 2
case $url in
  '') ;;
  *[[:space:]\"\'\\\$]*) fail "--url $url: a URL has no spaces or quotes." 2 ;;
  http://?*|https://?*) ;;
  *) fail "--url $url is no URL that begins with https:// or http://." 2 ;;
esac
case $name in *[!A-Za-z0-9.-]*|-*|.*|*-|*.|*..*|*.-*|*-.*) fail "--host-name $name cannot be the name of a host: mx1.example.com would be one." 2 ;; esac

[ -z "$remove" ] || [ -z "$root" ] || fail '--remove takes services of this host away: it has no --root.' 2

units="$root/etc/systemd/system"
options="$root/etc/scanner/$id.env"
services="scanner-postfix@$id scanner-guard@$id scanner-agent@$id"

if [ -n "$remove" ]; then
  [ "$(id -u)" = 0 ] || fail 'Run this as root (sudo).'
  for one in scanner-agent scanner-postfix scanner-guard; do
    systemctl disable --now "$one@$id.service" || printf '%s\n' "$one@$id.service is not taken away." >&2
    # One that did not end well is listed until this is said.
    systemctl reset-failed "$one@$id.service" 2>/dev/null || true
  done
  rm -f "$options"
  # The units are of all Scanners of this host.
  [ -n "$(find /etc/scanner -name '*.env' 2>/dev/null)" ] || rm -f "$units/scanner-agent@.service" "$units/scanner-guard@.service" "$units/scanner-postfix@.service"
  systemctl daemon-reload
  exit 0
fi

[ -n "$url" ] || fail "Say where the API is: --url https://…/v1.

$usage" 2
room=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
case $room in *[!A-Za-z0-9/._+-]*) fail "$room: move this to a folder whose name has no spaces or the like." ;; esac
node=$(cd "$room" && npm exec --offline -c 'node -p process.execPath') || fail "Run npm ci in $room first."
case $("$node" -p 'process.versions.node.split(".")[0] >= 24') in true) ;; *) fail "Node 24 is needed. Run npm ci in $room." ;; esac

if [ -z "$root" ]; then
  [ "$(id -u)" = 0 ] || fail 'Run this as root (sudo).'
  # sd_booted(3)
  command -v systemctl >/dev/null && [ -d /run/systemd/system ] || fail 'systemd does not run on this host.'
  [ -x /usr/sbin/postfix ] || fail 'There is no Postfix on this host: apt-get install postfix, or as your system has it.'
  case $(/usr/sbin/postconf -dh smtpd_forbid_bare_newline 2>/dev/null) in
    '') fail "This Postfix ($(/usr/sbin/postconf -dh mail_version)) takes messages that are smuggled in others. Update it to 3.7.9 or later, or to what your system has mended: apt-get install postfix, or as your system has it." ;;
  esac
  if systemctl is-enabled --quiet postfix.service 2>/dev/null && [ -e /etc/postfix/main.cf ]; then
    printf '%s\n' "This host has a Postfix of its own (/etc/postfix/main.cf). It goes on, and keeps its ports." >&2
  fi
fi

token=${SCANNER_TOKEN-}
[ -n "$token" ] || token=$(sed -n 's/^SCANNER_TOKEN=//p' "$options" 2>/dev/null) || token=''
if [ -z "$token$root" ] && [ ! -e "/var/lib/scanner/scanners/$id/private-key.pem" ]; then
  fail "Scanner $id is not enrolled yet, and needs an access token with the scopes scanners/read and scanners/write for that: SCANNER_TOKEN=… scanner/install.sh …"
fi

mkdir -p "$units" "$root/etc/scanner" "$root/var/lib/scanner"
chmod 711 "$root/var/lib/scanner"
for unit in "$room"/scanner/systemd/*.service; do
  sed -e "s|@ROOM@|$room|g" -e "s|@NODE@|$node|g" "$unit" > "$units/${unit##*/}"
done
(
  umask 077
  {
    printf 'SCANNER_OPTIONS=--url %s%s\n' "$url" "${name:+ --host-name $name}"
    [ -z "$name" ] || printf 'GUARD_OPTIONS=--host-name %s\n' "$name"
    [ -z "$token" ] || printf 'SCANNER_TOKEN=%s\n' "$token"
  } > "$options"
)

[ -z "$root" ] || exit 0
systemctl daemon-reload
for one in $services; do systemctl enable "$one.service"; done
# Of an update they know by their own restart alone; Postfix reads nothing of this folder.
systemctl try-restart "scanner-guard@$id.service"
systemctl restart "scanner-agent@$id.service"
printf '%s\n' "Scanner $id: journalctl -fu scanner-agent@$id shows what it does."
