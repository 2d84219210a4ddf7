#!/bin/sh
# Fetches the programs of others that the matrix drives, and unpacks them below build/peers; installs nothing, and asks nothing of the
# network where all is there:
#   containerd, docker           Debian unstable's, links to containerd-VERSION and docker-VERSION
#   docker-20.10                 the docker of this Debian
# apt does the fetching, in a state directory of its own: what it downloads has been checked against Debian's signatures. Where it
# fetches from is what this machine's own apt is configured with.
set -eu
cd "$(dirname "$0")/.."
peers=$PWD/build/peers
state=$peers/.apt

missing() { [ ! -x "$peers/containerd/usr/bin/containerd" ] || [ ! -x "$peers/docker/usr/sbin/dockerd" ] || [ ! -x "$peers/docker-20.10/usr/sbin/dockerd" ]; }
fail() { echo "peers: $*" >&2; exit 1; }

missing || { echo "peers: $(cd "$peers" && echo *-[0-9]*) are there"; exit 0; }
for tool in apt-get dpkg-deb; do command -v $tool > /dev/null || fail "$tool is missing: the peers are Debian's packages"; done
codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Component: main' "Release: $codename" | head -n 1)
[ -n "$mirror" ] || fail "apt has no source for Debian's main"

# apt SUITE COMMAND...: apt-get as if this machine had the suite and nothing installed
apt() {
  suite=$1
  shift
  own=$state/$suite
  mkdir -p "$own/lists/partial" "$own/archives/partial" "$own/parts" "$own/etc"
  : > "$own/status"
  printf 'deb [signed-by=%s] %s %s main\n' /usr/share/keyrings/debian-archive-keyring.gpg "$mirror" "$suite" > "$own/sources.list"
  # apt would fetch as the user _apt, which may not be let into here; what it fetches is checked either way.
  apt-get -qq -o Dir::Etc::SourceList="$own/sources.list" -o Dir::Etc::SourceParts="$own/parts" -o Dir::Etc::Preferences=/dev/null \
    -o Dir::Etc::PreferencesParts="$own/parts" -o Dir::State="$own" -o Dir::State::Lists="$own/lists" -o Dir::State::Status="$own/status" \
    -o Dir::Cache="$own" -o APT::Sandbox::User=root -o Acquire::Retries=3 -o Acquire::Languages=none -o APT::Update::Error-Mode=any "$@"
}

# fetch SUITE NAME FIELDS PACKAGE...: unpacks packages into one directory NAME-VERSION, by the first FIELDS numbers of the first one's version
fetch() {
  suite=$1 name=$2 fields=$3
  shift 3
  rm -rf "$state/debs" "$state/tree"
  mkdir -p "$state/debs" "$state/tree"
  (cd "$state/debs" && apt "$suite" download "$@") || fail "cannot fetch $* of Debian $suite"
  for deb in "$state/debs"/*.deb; do dpkg-deb -x "$deb" "$state/tree"; done
  version=$(dpkg-deb -f "$state/debs/$1"_*.deb Version | sed 's/^[0-9]*://' | grep -Eo '^[0-9]+(\.[0-9]+)*' | cut -d. -f"1-$fields")
  rm -rf "$peers/$name-$version"
  mv "$state/tree" "$peers/$name-$version"
  echo "peers: $name-$version of Debian $suite: $(cd "$state/debs" && echo *.deb)"
}

mkdir -p "$state"
trap 'rm -rf "$state"' EXIT
for suite in unstable "$codename"; do
  apt "$suite" update 2> "$state/error" || { sed "s,//[^/ ]*,//…,g; s,'[^' ]*','…',g" "$state/error" >&2; fail "cannot read the list of Debian $suite's packages: is this machine offline?"; }
done
fetch unstable containerd 3 containerd
ln -sfn "containerd-$version" "$peers/containerd"
fetch unstable docker 2 docker.io docker-cli
ln -sfn "docker-$version" "$peers/docker"
fetch "$codename" docker 2 docker.io
