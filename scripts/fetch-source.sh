#!/usr/bin/env bash
# fetch-source.sh PACKAGE FOLDER: the source of a Debian package, unpacked in FOLDER/PACKAGE.
#
# Third-party code is never part of this repository. It comes as a Debian source package from
# wherever this machine gets its binary packages: apt runs with a private configuration in which
# each `deb` line has become `deb-src`, so nothing of the system changes and no root is needed.
# apt verifies the signatures; on top of that the upstream tarball must have the sha256 that
# source-sha256.txt pins. What has been downloaded stays in FOLDER/archives and is used again.
set -eu

package=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
pins=$(dirname "$0")/source-sha256.txt
archives=$folder/archives
apt=$folder/apt

# One at a time: apt's lists are shared, and make fetches several sources at once.
exec 9> "$folder/.lock"
flock 9

fail()
{
    echo "fetch-source: $package: $*" >&2
    exit 1
}

# The pinned upstream tarball is there and is the right one.
verify()
{
    grep " ${package}_" "$pins" | (cd "$archives" && sha256sum --check --quiet --strict) 2>&1
}

private_sources()
{
    local list='' parts='' file
    eval "$(apt-config shell list Dir::Etc::sourcelist/f parts Dir::Etc::sourceparts/d)"
    mkdir -p "$apt/parts" "$apt/lists/partial" "$apt/cache/archives/partial"
    for file in "$list" "${parts%/}"/*.list; do
        [ ! -f "$file" ] || sed -n 's/^deb[[:space:]]/deb-src /p' "$file"
    done > "$apt/sources.list"
    for file in "${parts%/}"/*.sources; do
        [ ! -f "$file" ] || sed 's/^Types:.*/Types: deb-src/' "$file" \
            > "$apt/parts/$(basename "$file")"
    done
    cat > "$apt/apt.conf" <<END
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "$apt/parts";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "";
Acquire::Languages "none";
END
}

download()
{
    command -v apt-get > /dev/null || fail "apt-get is not here; put $(grep -o "${package}_.*" \
        "$pins") and its .dsc and .debian.tar from Debian into $archives"
    private_sources
    export APT_CONFIG=$apt/apt.conf
    # Several packages are fetched one after the other: one update serves them all.
    if [ -z "$(find "$apt/updated" -mmin -30 2> /dev/null)" ]; then
        apt-get -qq update || fail "apt-get update of the source lists failed (no network?)"
        touch "$apt/updated"
    fi
    (cd "$archives" && apt-get -qq --download-only source "$package") ||
        fail "the source package cannot be downloaded from this machine's package sources"
}

grep -q " ${package}_" "$pins" || fail "no checksum in $pins"
command -v dpkg-source > /dev/null || fail "dpkg-source is missing (package dpkg-dev)"
mkdir -p "$archives"
if ! verify > /dev/null; then
    echo "fetching the source of $package"
    download
    verify || fail "the downloaded tarball is not the pinned one ($pins)"
fi
dsc=$(find "$archives" -name "${package}_*.dsc" | sort | tail -n 1)
[ -n "$dsc" ] || fail "its .dsc file is missing in $archives"
rm -rf "${folder:?}/$package"
dpkg-source -q --no-check --no-copy -x "$dsc" "$folder/$package" > /dev/null
