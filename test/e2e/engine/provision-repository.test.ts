import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { distributions } from '../../../src/provision/host/distributions.ts';
import { inspectHost } from '../../../src/provision/host/facts.ts';
import { newRecord } from '../../../src/provision/host/record.ts';
import { installEngine } from '../../../src/provision/install.ts';
import { startHosts, type Testbed } from '../../testbed/testbed.ts';
import { repositoryFunctions } from '../support/apt-repository.ts';
import { type Adopted, adopt, failureOf, standOf } from '../support/provisioning.ts';

/** A repository whose docker-ce is the distribution's engine. */
const makeRepository = `${repositoryFunctions}
new_repository
engine_tree /tmp/engine
package docker-ce 5:28.5.2-1~debian.12~bookworm /tmp/engine
rm -r /tmp/engine
for version in 5:27.5.1-1~debian.12~bookworm 5:28.5.1-1~debian.12~bookworm 5:28.50.0-1~debian.12~bookworm; do package docker-ce $version; done
for version in 5:28.5.2-1~debian.12~bookworm 5:28.5.1-1~debian.12~bookworm; do package docker-ce-cli $version; done
for name in containerd.io docker-buildx-plugin docker-compose-plugin; do package $name 1.0-1; done
publish
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
    const { facts, shell } = await inspectHost(adopted);
    const [debian] = distributions;
    if (debian === undefined) throw new Error('no distribution');
    const installed = await installEngine({
      shell,
      report: adopted.report,
      distribution: { ...debian, repository: { ...debian.repository, url: 'file:///srv/repo/debian' } },
      codename: 'bookworm',
      spec: { ...adopted.spec, install: 'repository', version },
      record: newRecord(facts, 'm1'),
      mayRemove: false,
    });
    if ('removes' in installed) throw new Error(`It removes ${installed.removes.join(' ')}`);
    return installed;
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
