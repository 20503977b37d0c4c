import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distributions } from '../../src/provision/distributions.ts';
import { parseFacts } from '../../src/provision/facts.ts';
import { factsMarker, factsScript } from '../../src/provision/facts-script.ts';
import { installEngine } from '../../src/provision/install.ts';
import { freshState } from '../../src/provision/managed-state.ts';
import { openRootShell } from '../../src/provision/root-shell.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { type Adopted, adopt, failureOf, standOf } from './support/provisioning.ts';

/** A signed package repository in /srv/repo, laid out like Docker's; its docker-ce is the distribution's engine. */
const makeRepository = `set -eu
export DEBIAN_FRONTEND=noninteractive GNUPGHOME=/root/gnupg
apt-get update -qq
apt-get install -y -qq --no-install-recommends gnupg >/dev/null
repo=/srv/repo/debian; index=$repo/dists/bookworm/stable/binary-amd64
mkdir -p -m 700 $GNUPGHOME; mkdir -p $index $repo/pool
gpg --batch --quiet --passphrase '' --quick-gen-key test@example.com
gpg --armor --export >$repo/gpg
package() { # NAME VERSION [FOLDER]
  work=$(mktemp -d); mkdir $work/DEBIAN
  printf 'Package: %s\\nVersion: %s\\nArchitecture: amd64\\nMaintainer: test\\nDescription: test\\n' "$1" "$2" >$work/DEBIAN/control
  [ $# -lt 3 ] || work=$3
  file=pool/$1_$(echo "$2" | tr ':~' '__').deb
  dpkg-deb -Zgzip -z1 -b $work $repo/$file >/dev/null
  { cat $work/DEBIAN/control; echo "Filename: $file"; echo "Size: $(stat -c %s $repo/$file)"; echo "SHA256: $(sha256sum <$repo/$file | cut -c1-64)"; echo; } >>$index/Packages
}
# The distribution's engine under the name of Docker's.
cd /tmp; apt-get download -qq docker.io; dpkg-deb -R docker.io_*.deb engine
sed -i '/^Conflicts:/d;/^Breaks:/d;/^Replaces:/d;/^Recommends:/d;s/^Package:.*/Package: docker-ce/;s/^Version:.*/Version: 5:28.5.2-1~debian.12~bookworm/' engine/DEBIAN/control
package docker-ce 5:28.5.2-1~debian.12~bookworm /tmp/engine
rm -r /tmp/engine /tmp/docker.io_*
for version in 5:27.5.1-1~debian.12~bookworm 5:28.5.1-1~debian.12~bookworm 5:28.50.0-1~debian.12~bookworm; do package docker-ce $version; done
for version in 5:28.5.2-1~debian.12~bookworm 5:28.5.1-1~debian.12~bookworm; do package docker-ce-cli $version; done
for name in containerd.io docker-buildx-plugin docker-compose-plugin; do package $name 1.0-1; done
cd $repo/dists/bookworm
{ echo 'Suite: bookworm'; echo 'Codename: bookworm'; echo 'Components: stable'; echo 'Architectures: amd64'; echo "Date: $(date -Ru)"; echo SHA256:
  printf ' %s %s %s\\n' "$(sha256sum <stable/binary-amd64/Packages | cut -c1-64)" "$(stat -c %s stable/binary-amd64/Packages)" stable/binary-amd64/Packages; } >Release
gpg --batch --quiet --clearsign -o InRelease Release
gpgconf --kill all
`;

describe("installing from a repository like Docker's", () => {
  let testbed: Testbed;
  let adopted: Adopted;

  beforeAll(async () => {
    testbed = await startHosts({ suite: 'bookworm', engine: false, names: ['host1'] });
    adopted = await adopt(testbed.host('host1'));
    await adopted.host.must(['sh', '-c', makeRepository]);
  });
  afterAll(async () => {
    await adopted?.close();
    await testbed?.close();
  });

  const install = async (version: string) => {
    const { output, shell } = await openRootShell(adopted, factsScript, factsMarker);
    const [debian] = distributions;
    if (debian === undefined) throw new Error('no distribution');
    return installEngine({
      shell,
      report: adopted.report,
      distribution: { ...debian, repository: { ...debian.repository, url: 'file:///srv/repo/debian' } },
      codename: 'bookworm',
      wish: { ...adopted.wish, install: 'repository', version },
      managed: freshState(parseFacts(output), 'm1'),
    });
  };

  it('says which versions there are when the wanted one is not', async () => {
    const error = await failureOf(install('28.4'));
    expect(error.code).toBe('MM_ENGINE_VERSION');
    expect(error.details).toContain('5:28.5.1-1~debian.12~bookworm');
    await adopted.restore();
  });

  it('takes the newest of the wanted version, from packages signed with the key, and is gone without a trace', async () => {
    const before = await standOf(adopted.host);
    const { facts, source } = await install('28.5');
    expect(source).toBe('repository');
    expect(facts.dockerd).toBe('/usr/sbin/dockerd');
    expect(facts.service.active).toBe(false);
    const version = await adopted.host.must([
      'dpkg-query',
      '-W',
      '-f',
      '${Version}',
      'docker-ce',
      'docker-ce-cli',
    ]);
    expect(version).toBe('5:28.5.2-1~debian.12~bookworm'.repeat(2));
    expect(await adopted.host.must(['cat', '/etc/apt/sources.list.d/docker.list'])).toBe(
      'deb [arch=amd64 signed-by=/etc/apt/keyrings/docker.asc] file:///srv/repo/debian bookworm stable\n',
    );
    const outcome = await adopted.provision();
    expect(outcome.changed).toContain('service');
    expect(await adopted.ask()).toContain('"Version"');
    await adopted.restore();
    expect(await standOf(adopted.host)).toEqual(before);
  });
});
