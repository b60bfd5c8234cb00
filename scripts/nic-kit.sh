#!/bin/bash
# Fetches what the NIC test needs beyond installed packages: a kernel for the guest
# (Debian's cloud kernel has UIO and VFIO, and no driver for our NICs), and a QEMU with
# an 82576 (igb; QEMU 8 and later), where the installed one is older. Packages are downloaded by
# apt-get and unpacked, never installed; no rights are needed. What is there
# already is not fetched again. Prints where the kit is; its last line is its size.
#
#   scripts/nic-kit.sh          KIT=${XDG_CACHE_HOME:-~/.cache}/dataplane/nic
set -eu
KIT=${KIT:-${XDG_CACHE_HOME:-$HOME/.cache}/dataplane/nic}
MODULES="uio uio_pci_generic irqbypass vfio vfio_virqfd vfio_iommu_type1 vfio-pci-core vfio-pci"

fail() { echo "nic-kit: $*" >&2; exit 1; }

command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || fail "wants apt-get and dpkg-deb, so Debian or a relative"
# shellcheck disable=SC1091
[ -r /etc/os-release ] && . /etc/os-release
mkdir -p "$KIT"
exec 9>"$KIT/.lock"
flock -w 300 9 || fail "another run holds $KIT/.lock"
TMP=$(mktemp -d "$KIT/.tmp.XXXXXX")
trap 'rm -rf "$TMP"' EXIT

# apt with lists and caches of our own, and the sources in the file $1; ours is what
# is fetched here, the signatures are checked as ever.
private() {
	local sources=$1
	shift
	mkdir -p "$TMP/lists/partial" "$TMP/cache/archives/partial"
	"$@" -qq -o Dir::State::lists="$TMP/lists" -o Dir::Cache="$TMP/cache" -o APT::Sandbox::User= \
		${sources:+-o Dir::Etc::sourcelist="$sources" -o Dir::Etc::sourceparts=/dev/null}
}

# The kernel package that the metapackage stands for.
kernel_package() { # how to run apt-cache...
	"$@" depends linux-image-cloud-amd64 2>/dev/null | awk '/Depends: linux-image-/ {print $2; exit}'
}

download_kernel() {
	local pkg
	pkg=$(kernel_package apt-cache)
	if [ -n "$pkg" ] && (cd "$TMP" && apt-get -qq -o APT::Sandbox::User= download "$pkg") 2>/dev/null; then
		return 0
	fi
	# No lists on this machine, or old ones: fetch the lists of its own sources.
	private "" apt-get update || fail "cannot read this machine's package lists"
	pkg=$(kernel_package private "" apt-cache)
	[ -n "$pkg" ] || fail "this machine's package sources have no linux-image-cloud-amd64"
	(cd "$TMP" && private "" apt-get download "$pkg")
}

kernel() {
	if [ -s "$KIT/kernel/vmlinuz" ]; then return 0; fi
	download_kernel
	dpkg-deb -x "$TMP"/linux-image-*.deb "$TMP/k"
	mkdir "$TMP/kernel"
	cp "$TMP"/k/boot/vmlinuz-* "$TMP/kernel/vmlinuz"
	basename "$TMP"/k/lib/modules/* >"$TMP/kernel/release"
	for m in $MODULES; do # what this kernel has of them, in the order of loading
		f=$(find "$TMP/k/lib/modules" -name "$m.ko*" | head -1)
		[ -n "$f" ] || continue
		cp "$f" "$TMP/kernel/"
		basename "$f" >>"$TMP/kernel/modules"
	done
	grep -q uio_pci_generic "$TMP/kernel/modules" && grep -q vfio-pci "$TMP/kernel/modules" || fail "the kernel lacks modules"
	rm -rf "$KIT/kernel"
	mv "$TMP/kernel" "$KIT/kernel"
}

# Whether the QEMU in $1 knows the 82576.
has_igb() { [ "$("$1" --version 2>/dev/null | sed -n 's/^QEMU emulator version \([0-9]*\).*/\1/p')" -ge 8 ] 2>/dev/null; }

# Where this machine has its release from.
own_mirror() { # how to run apt-get...
	"$@" indextargets --format '$(REPO_URI) $(RELEASE)' 'Created-By: Packages' |
		awk -v r="$VERSION_CODENAME" '$2 == r {print $1; exit}'
}

# A newer QEMU from the backports of this release, from the machine's own mirror. It
# uses the libraries that the installed QEMU brought.
qemu() {
	local own mirror key
	own=$(command -v qemu-system-x86_64 || true)
	if has_igb "$own" || [ -x "$KIT/qemu/usr/bin/qemu-system-x86_64" ]; then return 0; fi
	[ "${ID:-}" = debian ] || fail "the installed QEMU has no igb (8.0 or later has), and only Debian has backports"
	mirror=$(own_mirror apt-get)
	if [ -z "$mirror" ]; then
		private "" apt-get update && mirror=$(own_mirror private "" apt-get)
	fi
	[ -n "$mirror" ] || fail "no package source of $VERSION_CODENAME on this machine"
	key=/usr/share/keyrings/debian-archive-keyring.gpg
	echo "deb [signed-by=$key] $mirror $VERSION_CODENAME-backports main" >"$TMP/sources.list"
	rm -rf "$TMP/lists"
	private "$TMP/sources.list" apt-get update || fail "cannot read the backports of $VERSION_CODENAME"
	(cd "$TMP" && private "$TMP/sources.list" apt-get download qemu-system-x86 qemu-system-common qemu-system-data seabios)
	mkdir "$TMP/q"
	for d in "$TMP"/qemu-system-*.deb "$TMP"/seabios_*.deb; do dpkg-deb -x "$d" "$TMP/q"; done
	find "$TMP/q/usr/bin" -type f ! -name qemu-system-x86_64 -delete
	rm -rf "$TMP/q/usr/share/doc" "$TMP/q/usr/share/man" "$KIT/qemu"
	mv "$TMP/q" "$KIT/qemu"
}

kernel
qemu
rm -rf "$KIT"/.tmp.*
echo "nic-kit: $KIT: kernel $(cat "$KIT/kernel/release"), $(du -sh "$KIT/kernel" | cut -f1)"
[ -d "$KIT/qemu" ] && echo "nic-kit: $("$KIT/qemu/usr/bin/qemu-system-x86_64" --version | head -1), $(du -sh "$KIT/qemu" | cut -f1)"
echo "nic-kit: $(du -sh "$KIT" | cut -f1) in all"
