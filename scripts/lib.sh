# Shared by the doors in this folder; POSIX sh, sourced.
# Sets ROOT, the checkout. Functions say on stderr what went wrong and what to do next.

ROOT=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd -P)
VENV=$ROOT/.venv

say() { printf '%s\n' "$*" >&2; }

die() {
    say "$(basename -- "$0"): $*"
    exit 1
}

have() { command -v "$1" >/dev/null 2>&1; }

# as_root COMMAND...: as root, or through sudo.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then
        "$@"
    elif have sudo; then
        sudo -- "$@"
    else
        say "needs root: run it as root, or install sudo"
        return 1
    fi
}

# quietly COMMAND...: shows its output only where it fails.
quietly() {
    _log=$(mktemp)
    if "$@" >"$_log" 2>&1 </dev/null; then
        rm -f "$_log"
        return 0
    fi
    tail -n 25 "$_log" >&2
    rm -f "$_log"
    return 1
}

# find_python: prints the path of the first Python 3.11 or newer.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 /usr/bin/python3; do
        path=$(command -v "$name" 2>/dev/null) || continue
        # sys.executable, not the name: a version manager's shim depends on the folder.
        path=$("$path" -c 'import sys
if sys.version_info >= (3, 11): print(sys.executable)' 2>/dev/null) || continue
        [ -n "$path" ] && printf '%s\n' "$path" && return 0
    done
    return 1
}

# package_manager: prints apt, dnf, zypper, pacman, apk, or nothing.
package_manager() {
    for manager in apt-get dnf zypper pacman apk; do
        have "$manager" && printf '%s\n' "${manager%-get}" && return 0
    done
    return 0
}

# translated MANAGER DEBIAN-NAME...: the same packages under that manager's names.
translated() {
    _manager=$1
    shift
    for package in "$@"; do
        case $_manager:$package in
        dnf:libvirt-dev | zypper:libvirt-dev) package=libvirt-devel ;;
        pacman:libvirt-dev) package=libvirt ;;
        dnf:pkg-config) package=pkgconf-pkg-config ;;
        pacman:pkg-config | apk:pkg-config) package=pkgconf ;;
        apk:gcc) package="gcc musl-dev" ;;
        dnf:python3-dev | zypper:python3-dev) package=python3-devel ;;
        pacman:python3-dev | pacman:python3-venv) package=python ;;
        dnf:python3-venv | apk:python3-venv) package=python3 ;;
        zypper:python3-venv) package=python3-base ;;
        dnf:libvirt-daemon-system) package=libvirt-daemon-driver-qemu ;;
        zypper:libvirt-daemon-system) package=libvirt-daemon-qemu ;;
        pacman:libvirt-daemon-system | pacman:libvirt-clients) package=libvirt ;;
        apk:libvirt-daemon-system) package="libvirt-daemon libvirt-qemu" ;;
        dnf:libvirt-clients | zypper:libvirt-clients | apk:libvirt-clients) package=libvirt-client ;;
        dnf:qemu-system-x86) package=qemu-kvm ;;
        zypper:qemu-system-x86) package=qemu-x86 ;;
        apk:qemu-system-x86) package=qemu-system-x86_64 ;;
        dnf:qemu-utils | apk:qemu-utils) package=qemu-img ;;
        zypper:qemu-utils) package=qemu-tools ;;
        pacman:qemu-utils) package=qemu-img ;;
        dnf:dnsmasq-base | zypper:dnsmasq-base | pacman:dnsmasq-base | apk:dnsmasq-base)
            package=dnsmasq ;;
        dnf:iproute2) package=iproute ;;
        esac
        printf '%s ' "$package"
    done
}

# install_command MANAGER PACKAGE...: the line that a person would type.
install_command() {
    _manager=$1
    shift
    case $_manager in
    apt) _line="apt-get install --no-install-recommends" ;;
    dnf) _line="dnf install" ;;
    zypper) _line="zypper install" ;;
    pacman) _line="pacman -S --needed" ;;
    apk) _line="apk add" ;;
    *) _line="install what Debian calls" ;;
    esac
    _names=$(translated "$_manager" "$@")
    printf '%s %s\n' "$_line" "${_names% }"
}

# install_packages DEBIAN-NAME...: through apt; elsewhere says the command and fails.
install_packages() {
    _manager=$(package_manager)
    _line=$(install_command "$_manager" "$@")
    if [ "$_manager" != apt ] || [ "${TUIVM_NO_INSTALL:-}" ]; then
        say "missing system packages. As root:"
        say "    $_line"
        return 1
    fi
    say "installing: $*"
    set -- env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
    if [ "$(id -u)" -ne 0 ] && have sudo; then
        sudo -v || return 1
    fi
    as_root "$@" >/dev/null 2>&1 </dev/null && return 0
    # The lists may be absent or old: once more with fresh ones, and its words if it fails.
    quietly as_root apt-get update -q || say "apt-get update failed: is the network up?"
    quietly as_root "$@" && return 0
    say "could not install them. As root, then try again:"
    say "    $_line"
    return 1
}

no_python() {
    say "$(basename -- "$0"): needs Python 3.11 or newer, and found none in PATH. For example:"
    say "    Debian 12+, Ubuntu 24.04+   apt-get install python3 python3-venv python3-dev"
    say "    Fedora                      dnf install python3 python3-devel"
    say "    RHEL 9 and its kin          dnf install python3.12 python3.12-devel"
    say "    openSUSE                    zypper install python311 python311-devel"
    say "    Arch                        pacman -S python"
    say "    Alpine                      apk add python3 python3-dev"
    exit 1
}

# build_needs PYTHON: prints the Debian packages that libvirt-python's build lacks here.
build_needs() {
    have pkg-config || have pkgconf || printf 'pkg-config '
    have cc || have gcc || printf 'gcc '
    pkg-config --exists libvirt 2>/dev/null || printf 'libvirt-dev '
    "$1" -c 'import ensurepip, venv' 2>/dev/null || printf 'python3-venv '
    "$1" -c 'import os, sys, sysconfig
sys.exit(not os.path.exists(os.path.join(sysconfig.get_path("include"), "Python.h")))' \
        2>/dev/null || printf 'python3-dev '
}

# venv_is EXTRA: true where .venv already holds this checkout, this pyproject and EXTRA.
venv_is() {
    [ -x "$VENV/bin/python" ] && [ -x "$VENV/bin/tuivm" ] || return 1
    _want=$(venv_stamp) || return 1
    for stamp in "$@"; do
        [ "$(cat "$VENV/.stamp-$stamp" 2>/dev/null)" = "$_want" ] && return 0
    done
    return 1
}

# What an installation depends on: the project's file, the place, the interpreter.
venv_stamp() {
    _python=$("$VENV/bin/python" -c 'import sys; print(sys.version)' 2>/dev/null) || return 1
    printf '%s %s %s\n' "$(cksum <"$ROOT/pyproject.toml")" "$ROOT" "$_python"
}

# ensure_venv run|dev: .venv with the program, and with dev its tests' needs.
ensure_venv() {
    venv_is "$1" dev && return 0
    if have flock; then
        # Another one may just be making it.
        exec 9>"$ROOT/.venv.lock" && flock 9
        if venv_is "$1" dev; then
            exec 9>&-
            return 0
        fi
    fi
    _python=$(find_python) || no_python
    _needs=$(build_needs "$_python")
    if [ "$_needs" ]; then
        # Unquoted on purpose: a list of names.
        install_packages $_needs || exit 1
    fi
    if ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
        say "making $VENV"
        rm -rf "$VENV"
        quietly "$_python" -m venv "$VENV" || die "$_python -m venv failed: see above"
    fi
    _target=$ROOT
    [ "$1" = dev ] && _target="$ROOT[dev]"
    say "installing Python packages (a minute the first time)"
    quietly "$VENV/bin/python" -m pip install -q --no-input --disable-pip-version-check \
        -e "$_target" || die "pip could not install them (see above): check the network, try again"
    venv_stamp >"$VENV/.stamp-$1"
    exec 9>&-
}
