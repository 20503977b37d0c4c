import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import { parseFacts } from '../../../../src/provision/host/facts.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');
const units =
  'Id=docker.service\nLoadState=loaded\nActiveState=active\nUnitFileState=enabled\n\nId=docker.socket\nActiveState=inactive\n';
const answer = (...lines: string[]) =>
  ['Welcome to the host!', 'mymachine-facts-1', 'hostname h1', ...lines, 'end yes', ''].join('\n');

describe('parseFacts', () => {
  it('reads values, files, units, certificates, ports and disks', () => {
    const facts = parseFacts(
      answer(
        'systemd yes',
        `file daemon.json ${base64('{"a": 1}\n')}`,
        'dockerd /usr/sbin/dockerd',
        `units ${base64(units)}`,
        `unit /lib/docker.service ${base64('[Service]\n')}`,
        `info ${base64('{"ServerVersion": "28.0.0-rc.1", "ContainersRunning": 2, "LiveRestoreEnabled": true, "Swarm": {"LocalNodeState": "inactive"}}')}`,
        'tls /etc/docker/ca.pem 644 0',
        'sha256 /etc/docker/ca.pem abcd',
        'ports 0016 0948 ',
        `disks ${base64('Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 50 4711 51% /var/my data\n')}`,
      ),
    );
    expect(facts).toMatchObject({
      hostname: 'h1',
      systemd: true,
      dockerd: '/usr/sbin/dockerd',
      engineVersion: '28.0.0-rc.1',
      service: { loaded: true, active: true, enabled: true },
      units: [{ path: '/lib/docker.service', text: '[Service]\n' }],
      engine: { running: 2, liveRestore: true },
      running: 2,
      inSwarm: false,
    });
    expect(facts.files.get('daemon.json')).toBe('{"a": 1}\n');
    expect(facts.tls.get('/etc/docker/ca.pem')).toEqual({ mode: '644', uid: '0', sha256: 'abcd' });
    expect([...facts.listeningPorts]).toEqual(expect.arrayContaining([22, 2376]));
    expect(facts.disks.get('/var/my data')).toBe(4711);
  });

  it.each([
    ['Docker version 20.10.24+dfsg1, build 297e128', '20.10.24'],
    ['Docker version 28.5.2+dfsg4, build ecc6942', '28.5.2'],
    ['dockerd: command not found', ''],
  ])('takes the number from %j', (text, version) => {
    expect(parseFacts(answer(`version ${text}`)).engineVersion).toBe(version);
  });

  it('counts containers by their processes when the engine cannot be asked', () => {
    const facts = parseFacts(answer('shims 3', `info ${base64('Service Unavailable')}`));
    expect(facts).toMatchObject({ engine: undefined, running: 3 });
  });

  it('knows whom the group docker names, and whether there is one', () => {
    expect(parseFacts(answer('group :ann,bob'))).toMatchObject({
      hasGroup: true,
      groupMembers: ['ann', 'bob'],
    });
    expect(parseFacts(answer('group :'))).toMatchObject({ hasGroup: true, groupMembers: [] });
    expect(parseFacts(answer())).toMatchObject({ hasGroup: false, groupMembers: [] });
  });

  it('knows a swarm of an engine that is off by its file', () => {
    expect(parseFacts(answer('swarm yes')).inSwarm).toBe(true);
  });

  it.each([
    ['', 'nothing'],
    ['mymachine-facts-1\nhostname h1\n', 'an answer that was cut off'],
    ['sudo: something\nend yes\n', 'an answer of something else'],
    [answer(`file daemon.json ${base64('x'.repeat(65_537))}`), 'a file without end'],
  ])('refuses %j', (output) => {
    try {
      parseFacts(output);
    } catch (error) {
      expect(isMachineError(error, 'MM_PROVISION_HOST')).toBe(true);
      return;
    }
    expect.unreachable();
  });
});
