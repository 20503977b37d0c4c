/**
 * Shell functions that make a signed package repository in /srv/repo of a host,
 * laid out like Docker's. `engine_tree` gives the distribution's engine unpacked,
 * to be packed again under another name or version: uncompressed, which is quick.
 */
export const repositoryFunctions = `set -eu
export DEBIAN_FRONTEND=noninteractive GNUPGHOME=/root/gnupg
repo=/srv/repo/debian; index=$repo/dists/bookworm/stable/binary-amd64
new_repository() {
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends gnupg >/dev/null
  mkdir -p -m 700 $GNUPGHOME; mkdir -p $index $repo/pool
  gpg --batch --quiet --passphrase '' --quick-gen-key test@example.com
  gpg --armor --export >$repo/gpg
}
engine_tree() { # FOLDER
  cd /tmp; apt-get download -qq docker.io; dpkg-deb -R docker.io_*.deb "$1"; rm docker.io_*.deb
}
package() { # NAME VERSION [FOLDER]
  work=$(mktemp -d); mkdir $work/DEBIAN
  printf 'Package: %s\\nVersion: %s\\nArchitecture: amd64\\nMaintainer: test\\nDescription: test\\n' "$1" "$2" >$work/DEBIAN/control
  if [ $# -gt 2 ]; then
    work=$3
    sed -i "s/^Package:.*/Package: $1/;s/^Version:.*/Version: $2/" $work/DEBIAN/control
    [ "$1" = docker.io ] || sed -i '/^Conflicts:/d;/^Breaks:/d;/^Replaces:/d;/^Recommends:/d' $work/DEBIAN/control
  fi
  file=pool/$1_$(echo "$2" | tr ':~' '__').deb
  dpkg-deb -Znone -b $work $repo/$file >/dev/null
  { cat $work/DEBIAN/control; echo "Filename: $file"; echo "Size: $(stat -c %s $repo/$file)"; echo "SHA256: $(sha256sum <$repo/$file | cut -c1-64)"; echo; } >>$index/Packages
}
publish() {
  cd $repo/dists/bookworm
  { echo 'Suite: bookworm'; echo 'Codename: bookworm'; echo 'Components: stable'; echo 'Architectures: amd64'; echo "Date: $(date -Ru)"; echo SHA256:
    printf ' %s %s %s\\n' "$(sha256sum <stable/binary-amd64/Packages | cut -c1-64)" "$(stat -c %s stable/binary-amd64/Packages)" stable/binary-amd64/Packages; } >Release
  gpg --batch --quiet --yes --clearsign -o InRelease Release
  gpgconf --kill all
}
use_repository() {
  cp $repo/gpg /etc/apt/keyrings/docker.asc
  echo "deb [signed-by=/etc/apt/keyrings/docker.asc] file://$repo bookworm stable" >/etc/apt/sources.list.d/docker.list
}
`;
