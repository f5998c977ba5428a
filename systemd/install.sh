#!/usr/bin/env bash
# Puts LatXGen Edge onto a kiosk as a service, and takes it off again. May be run again at any time: it replaces what is
# its own, keeps the configuration, the secrets and the results, and starts the service anew.
set -euo pipefail

usage() {
    cat <<'USAGE'
usage: sudo systemd/install.sh [--prefix DIR] [--python PROGRAM] [--source PATH] [--extras LIST] [--no-start] [--dry-run]
       sudo systemd/install.sh --uninstall [--purge] [--prefix DIR] [--dry-run]

  --prefix DIR      virtual environment of the program; made where there is none; default /opt/latx-edge
  --python PROGRAM  Python 3.10 or newer to make it with; default python3
  --source PATH     checkout or wheel to install; default the checkout that holds this script; none: the environment
                    already has the program
  --extras LIST     optional parts to install, comma-separated, or none; default realsense
  --no-start        install and enable, but do not start
  --uninstall       stop and remove everything but configuration, secrets, results and the user that owns them
  --purge           with --uninstall: remove these too; results are lost
  --dry-run         say what would be done, and do nothing

Where DESTDIR is set, files alone are put below it, as a package is built; no program is installed and no service touched.
Exit codes: 0 done, 1 a step failed (its own words are above), 2 wrong usage or configuration, 7 something is missing.
USAGE
}

readonly UNITS=(latx-edge.service latx-edge-engine.service)
# Where each file of this folder goes.
declare -rA PLACES=(
    [latx-edge.service]=/etc/systemd/system/latx-edge.service
    [latx-edge-engine.service]=/etc/systemd/system/latx-edge-engine.service
    [sysusers.conf]=/etc/sysusers.d/latx-edge.conf
    [tmpfiles.conf]=/etc/tmpfiles.d/latx-edge.conf
    [build_engines.py]=/usr/local/lib/latx-edge/build_engines.py
    [udev.rules]=/etc/udev/rules.d/60-latx-edge.rules
)
readonly CONFIG=/etc/latx-edge/config.toml COMMAND=/usr/local/bin/latx-edge OWN_USER=latx-edge
readonly KEPT=(/etc/latx-edge /var/lib/latx-edge)
readonly MARK=.made-by-latx-edge-install

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
destdir=${DESTDIR:-}
prefix=/opt/latx-edge python=python3 source=$(dirname "$here") extras=realsense
start=yes uninstall=no purge=no dry=no

fail() {
    echo "install.sh: $2" >&2
    exit "$1"
}

run() {
    if [ "$dry" = yes ]; then
        printf 'would run:'
        printf ' %q' "$@"
        echo
    else
        "$@"
    fi
}

# How it ended; a dry run has ended nothing.
tell() {
    if [ "$dry" = yes ]; then echo "nothing was done; it would end with: $1"; else echo "$1"; fi
}

# Whether there is a running system to act on: not where files are only laid out below DESTDIR.
live() { [ -z "$destdir" ]; }
systemd_runs() { live && { [ -d /run/systemd/system ] || [ "$dry" = yes ]; }; }

while [ $# -gt 0 ]; do
    case $1 in
        --prefix | --python | --source | --extras)
            [ -n "${2:-}" ] || fail 2 "$1 needs a value"
            declare "${1#--}=$2"
            shift ;;
        --no-start) start=no ;;
        --uninstall) uninstall=yes ;;
        --purge) purge=yes ;;
        --dry-run) dry=yes ;;
        -h | --help) usage; exit 0 ;;
        *) usage >&2; fail 2 "unknown argument: $1" ;;
    esac
    shift
done
[[ $prefix == /* ]] || fail 2 "--prefix: expected an absolute path, found $prefix"
[ "$purge" = no ] || [ "$uninstall" = yes ] || fail 2 "--purge goes with --uninstall"
live && [ "$dry" = no ] && [ "$(id -u)" -ne 0 ] && fail 2 "only root may install a service: use sudo"

install_program() {
    if [ ! -x "$prefix/bin/python" ]; then
        command -v "$python" >/dev/null || fail 7 "$python is missing"
        "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || fail 7 "$python is older than Python 3.10"
        "$python" -c 'import ensurepip' 2>/dev/null || fail 7 "$python cannot make environments (apt-get install python3-venv)"
        # JetPack's TensorRT is a system package: the environment sees it, but takes everything else from its own.
        local options=()
        "$python" -c 'import tensorrt' 2>/dev/null && options=(--system-site-packages)
        run "$python" -m venv "${options[@]}" "$prefix"
        run touch "$prefix/$MARK"
    fi
    if [ "$source" != none ]; then
        [ -e "$source" ] || fail 2 "--source: no such file or folder: $source"
        local wanted=$source
        [ "$extras" = none ] || wanted="${source}[$extras]"
        local pip=("$prefix/bin/python" -m pip install --disable-pip-version-check --quiet)
        run "${pip[@]}" --upgrade "$wanted"
        # pip leaves a wheel out whose version is installed already, however its content differs.
        [[ $source != *.whl ]] || run "${pip[@]}" --force-reinstall --no-deps "$source"
    fi
    [ "$dry" = yes ] || [ -x "$prefix/bin/latx-edge" ] || fail 7 "$prefix/bin/latx-edge is missing (leave out --source none)"
    run ln -sfn "$prefix/bin/latx-edge" "$COMMAND"
}

install_files() {
    local name
    for name in "${!PLACES[@]}"; do
        run install -D -m 0644 "$here/$name" "$destdir${PLACES[$name]}"
        if [ "$prefix" != /opt/latx-edge ]; then
            run sed -i "s|/opt/latx-edge|$prefix|g" "$destdir${PLACES[$name]}"
        fi
    done
}

install_config() {
    if live; then
        run systemd-sysusers "${PLACES[sysusers.conf]}"
        run systemd-tmpfiles --create "${PLACES[tmpfiles.conf]}"
    fi
    if [ -e "$destdir$CONFIG" ]; then
        echo "kept: $destdir$CONFIG"
    else
        run install -D -m 0640 "$here/config.toml" "$destdir$CONFIG"
        if live; then run chgrp "$OWN_USER" "$CONFIG"; fi
    fi
    if live; then
        local code=0
        run "$prefix/bin/latx-edge" config check "$CONFIG" || code=$?
        [ "$code" -ne 2 ] || fail 2 "mend $CONFIG and run this again"
        [ "$code" -eq 0 ] || fail 1 "$prefix/bin/latx-edge does not run here"
    fi
}

reload_udev() {
    if live && command -v udevadm >/dev/null && [ -S /run/udev/control ]; then
        run udevadm control --reload
        run udevadm trigger --subsystem-match=usb --attr-match=idVendor=8086
    fi
}

install_all() {
    if live; then install_program; fi
    install_files
    install_config
    reload_udev
    systemd_runs || { tell "installed; no systemd is running here, so nothing was started"; return; }
    run systemctl daemon-reload
    run systemctl enable --quiet "${UNITS[0]}"
    if [ "$start" = yes ]; then
        run systemctl restart "${UNITS[0]}" || fail 1 "the service did not start: journalctl -u ${UNITS[0]}"
        tell "installed and started; how it does: sudo latx-edge doctor"
    else
        tell "installed; to start it: systemctl start ${UNITS[0]}"
    fi
}

uninstall_all() {
    local name
    if systemd_runs; then
        for name in "${UNITS[@]}"; do
            if systemctl cat "$name" >/dev/null 2>&1; then run systemctl disable --now --quiet "$name"; fi
        done
    fi
    for name in "${PLACES[@]}"; do
        run rm -f "$destdir$name"
    done
    [ ! -d "$destdir/usr/local/lib/latx-edge" ] || run rmdir --ignore-fail-on-non-empty "$destdir/usr/local/lib/latx-edge"
    if live; then
        [ "$(readlink "$COMMAND" 2>/dev/null)" != "$prefix/bin/latx-edge" ] || run rm -f "$COMMAND"
        [ ! -e "$prefix/$MARK" ] || run rm -rf "$prefix"
        run rm -rf /var/cache/latx-edge /var/cache/latx-edge-engine
    fi
    if systemd_runs; then
        run systemctl daemon-reload
        reload_udev
    fi
    if [ "$purge" = yes ]; then
        for name in "${KEPT[@]}"; do
            run rm -rf "$destdir$name"
        done
        if live && getent passwd "$OWN_USER" >/dev/null; then run userdel "$OWN_USER"; fi
        tell "removed, with configuration, secrets and results"
    else
        tell "removed; kept: ${KEPT[*]} and the user $OWN_USER (--purge removes them)"
    fi
}

if [ "$uninstall" = yes ]; then uninstall_all; else install_all; fi
