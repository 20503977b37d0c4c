import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import type { EngineSpec } from '../../../../src/provision/contract.ts';
import {
  engineConfiguration,
  type HostConfiguration,
} from '../../../../src/provision/engine/configuration.ts';
import { nothingOwned } from '../../../../src/provision/engine/daemon-json.ts';

const debianUnit = {
  path: '/lib/systemd/system/docker.service',
  text: `[Unit]
Description=x
[Service]
EnvironmentFile=-/etc/default/docker
# a comment
ExecStart=/usr/sbin/dockerd -H fd:// \\
  --containerd=/run/containerd/containerd.sock $DOCKER_OPTS
ExecReload=/bin/kill -s HUP $MAINPID
`,
};
/** Without its file daemon.json, which has the text `daemonJson`. */
type Host = Omit<HostConfiguration, 'files'> & { readonly daemonJson?: string | undefined };
const host: Host = {
  units: [debianUnit],
  environmentFiles: [],
  socketListeners: [],
};
const spec: EngineSpec = {
  install: 'auto',
  installUrl: 'https://get.docker.com',
  version: '',
  port: 2376,
  labels: ['provider=generic'],
  registryMirrors: [],
  insecureRegistries: [],
  storageDriver: '',
  options: [],
  env: [],
};
const make = (ofHost: Partial<Host> = {}, ofSpec: Partial<EngineSpec> = {}, owned = nothingOwned) => {
  const { daemonJson, ...rest } = { ...host, ...ofHost };
  const files = new Map(daemonJson === undefined ? [] : [['daemon.json', daemonJson]]);
  return engineConfiguration({ ...rest, files }, { ...spec, ...ofSpec }, owned);
};
const dropIn = (path: string, ...lines: string[]) => ({
  path: `/etc/systemd/system/docker.service.d/${path}`,
  text: ['[Service]', ...lines, ''].join('\n'),
});
const errorOf = (work: () => unknown) => {
  try {
    work();
  } catch (error) {
    if (isMachineError(error)) return error;
    throw error;
  }
  throw new Error('no error was thrown');
};

describe('engineConfiguration', () => {
  it("moves -H of Debian's unit to daemon.json and keeps the rest of the command line as it is written", () => {
    const made = make();
    expect(made.config).toEqual({
      hosts: ['fd://', 'tcp://0.0.0.0:2376'],
      tlsverify: true,
      tlscacert: '/etc/docker/ca.pem',
      tlscert: '/etc/docker/server.pem',
      tlskey: '/etc/docker/server-key.pem',
      labels: ['provider=generic'],
    });
    expect(made.dropIn?.path).toBe('/etc/systemd/system/docker.service.d/10-machine.conf');
    expect(made.dropIn?.text.split('\n').slice(1)).toEqual([
      '[Service]',
      'ExecStart=',
      'ExecStart=/usr/sbin/dockerd --containerd=/run/containerd/containerd.sock $DOCKER_OPTS',
      '',
    ]);
  });

  it('needs no drop-in for a unit without -H, and listens on the default socket then', () => {
    const made = make({ units: [{ path: '/u', text: '[Service]\nExecStart=/opt/dockerd\n' }] });
    expect(made.dropIn).toBeUndefined();
    expect(made.config['hosts']).toEqual(['unix:///var/run/docker.sock', 'tcp://0.0.0.0:2376']);
  });

  it('leaves listeners and TLS alone for an engine that is reached through SSH', () => {
    const made = make({}, { port: 0, labels: [] });
    expect(made.config).toEqual({});
    expect(made.dropIn).toBeUndefined();
  });

  it.each([
    '-H unix:///a -H=unix:///b --host unix:///c --host=unix:///d -Hunix:///e',
    '"-H" "unix:///a" -H=unix:///b --host \'unix:///c\' --host="unix:///d" -Hunix:///e',
  ])('finds every spelling of -H in %s', (options) => {
    const made = make({ units: [{ path: '/u', text: `[Service]\nExecStart=/d ${options} --mtu 9\n` }] });
    expect(made.config['hosts']).toEqual(
      ['a', 'b', 'c', 'd', 'e'].map((one) => `unix:///${one}`).concat('tcp://0.0.0.0:2376'),
    );
    expect(made.dropIn?.text).toContain('\nExecStart=/d --mtu 9\n');
  });

  it('moves labels and mirrors of the unit along with ours, since dockerd takes them from one place only', () => {
    const units = [
      debianUnit,
      dropIn('50-mine.conf', 'ExecStart=', 'ExecStart=/d --label a=b --registry-mirror=https://m'),
    ];
    const made = make({ units }, { registryMirrors: ['https://ours'] });
    expect(made.config['labels']).toEqual(['a=b', 'provider=generic']);
    expect(made.config['registry-mirrors']).toEqual(['https://m', 'https://ours']);
    expect(made.dropIn?.path).toBe('/etc/systemd/system/docker.service.d/zz-mymachine.conf');
    expect(made.dropIn?.text).toContain('\nExecStart=/d\n');
  });

  it("takes the place of docker-machine's drop-in", () => {
    const theirs = dropIn(
      '10-machine.conf',
      'ExecStart=',
      'ExecStart=/usr/bin/dockerd -H tcp://0.0.0.0:2376 --tlsverify --tlscacert /x',
    );
    expect(make({ units: [debianUnit, theirs] })).toEqual(make());
  });

  it('is settled by its own result', () => {
    const user = '{\n    "debug": true,\n    "labels": ["mine=1"]\n}\n';
    const first = make({ daemonJson: user });
    expect(JSON.parse(first.daemonJson ?? '')).toMatchObject({
      debug: true,
      labels: ['mine=1', 'provider=generic'],
    });
    const units = [debianUnit, ...(first.dropIn === undefined ? [] : [first.dropIn])];
    const second = make({ daemonJson: first.daemonJson, units }, {}, first.owned);
    expect(second.changed).toEqual([]);
    expect(second).toEqual({ ...first, changed: [] });
  });

  it('takes back a label that is no longer wanted, and none of the user', () => {
    const first = make({ daemonJson: '{"labels":["mine=1"]}' }, { labels: ['a=1', 'b=2'] });
    const second = make({ daemonJson: first.daemonJson }, { labels: ['b=2'] }, first.owned);
    expect(second.config['labels']).toEqual(['mine=1', 'b=2']);
  });

  it('wants no live-restore, with which no swarm can be made, but keeps the one of the user', () => {
    expect(make().config['live-restore']).toBeUndefined();
    expect(make({ daemonJson: '{"live-restore": false}' }).config['live-restore']).toBe(false);
    expect(make({ daemonJson: '{"live-restore": true}' }).config['live-restore']).toBe(true);
    expect(make({}, { options: ['live-restore'] }).config['live-restore']).toBe(true);
  });

  it('takes back the live-restore that it gave before', () => {
    const owned = { ...nothingOwned, scalars: { 'live-restore': true } };
    const made = make({ daemonJson: '{"live-restore": true, "debug": true}' }, {}, owned);
    expect(made.config['live-restore']).toBeUndefined();
    expect(made.config['debug']).toBe(true);
    expect(made.changed).toContain('live-restore');
  });

  it.each<[string, Partial<Host>, Partial<EngineSpec>, RegExp]>([
    ['another certificate', { daemonJson: '{"tlscert": "/x.pem"}' }, {}, /tlscert is "\/x\.pem" there/],
    ['TLS switched off', { daemonJson: '{"tlsverify": false}' }, {}, /tlsverify is false/],
    [
      'another storage driver',
      { daemonJson: '{"storage-driver":"zfs"}' },
      { storageDriver: 'overlay2' },
      /storage-driver is "zfs"/,
    ],
    [
      'a label with another value',
      { daemonJson: '{"labels":["provider=me"]}' },
      {},
      /labels hold "provider=me" there/,
    ],
    [
      'a listener on our port',
      { daemonJson: '{"hosts":["tcp://10.0.0.1:2376"]}' },
      {},
      /hosts hold "tcp:\/\/10\.0\.0\.1:2376"/,
    ],
    ['a list that is none', { daemonJson: '{"labels":"a=b"}' }, {}, /labels is "a=b"/],
    [
      '-H in /etc/default/docker',
      {
        environmentFiles: [
          { path: '/etc/default/docker', text: '# x\nDOCKER_OPTS="-H tcp://0.0.0.0:2375 --dns 1.1.1.1"\n' },
        ],
      },
      {},
      /hosts is set by --host in \/etc\/default\/docker/,
    ],
    [
      'TLS options of the unit',
      { units: [{ path: '/u', text: '[Service]\nExecStart=/d --tlscacert /mine.pem' }] },
      {},
      /tlscacert is "\/mine\.pem"/,
    ],
    [
      'an argument for a key of the file',
      { daemonJson: '{"default-ulimits":{}}' },
      { options: ['default-ulimit=nofile=1:2'] },
      /default-ulimits are set there/,
    ],
  ])('refuses %s and names the key', (_, ofHost, ofSpec, message) => {
    const error = errorOf(() => make(ofHost, ofSpec));
    expect(error.code).toBe('MM_ENGINE_CONFIG_CONFLICT');
    expect(error.message).toMatch(message);
  });

  it('says where daemon.json goes wrong', () => {
    const error = errorOf(() => make({ daemonJson: '{\n  "debug": true,\n}' }));
    expect(error.code).toBe('MM_ENGINE_CONFIG_SYNTAX');
    expect(error.message).toContain('line 3, column 1');
  });

  it('puts options where dockerd wants them', () => {
    const made = make(
      {},
      {
        options: [
          'log-opt max-size=10m',
          'log-opt=max-file=3',
          'dns=1.1.1.1',
          'dns 8.8.8.8',
          'mtu=1400',
          '--debug',
          'ipv6=false',
          'default-ulimit=nofile=1024:2048',
          'brand-new=$x %y',
        ],
      },
    );
    expect(made.config).toMatchObject({
      'log-opts': { 'max-size': '10m', 'max-file': '3' },
      dns: ['1.1.1.1', '8.8.8.8'],
      mtu: 1400,
      debug: true,
      ipv6: false,
    });
    expect(made.dropIn?.text).toContain(
      '$DOCKER_OPTS "--default-ulimit=nofile=1024:2048" "--brand-new=$$x %%y"\n',
    );
  });

  it.each([
    'mtu=big',
    'mtu',
    'debug=perhaps',
    'log-opt=x',
    'tlsverify=false',
    'config-file=/x',
    '=x',
    'a b\nExecStart=/bin/sh',
  ])('refuses the option %j', (option) => {
    expect(errorOf(() => make({}, { options: [option] })).code).toBe('MM_ENGINE_OPTION');
  });

  it.each<[string, Partial<Host>, readonly string[]]>([
    [
      'daemon.json',
      { daemonJson: '{"hosts": ["tcp://0.0.0.0:2375", "unix:///run/own.sock"]}' },
      ['tcp://0.0.0.0:2375'],
    ],
    [
      'the command line',
      {
        units: [
          debianUnit,
          dropIn('50.conf', 'ExecStart=', 'ExecStart=/usr/sbin/dockerd -H unix:// -H :2375'),
        ],
      },
      [':2375'],
    ],
    ['docker.socket', { socketListeners: ['[::]:2375'] }, ['[::]:2375']],
    [
      'docker.socket, which nobody asks',
      {
        daemonJson: '{"hosts": ["unix://"]}',
        units: [{ ...debianUnit, text: '[Service]\nExecStart=/usr/sbin/dockerd' }],
        socketListeners: ['[::]:2375'],
      },
      [],
    ],
    ['daemon.json, with TLS', { daemonJson: '{"hosts": ["tcp://0.0.0.0:2375"], "tlsverify": true}' }, []],
  ])('tells which plain listeners take TLS with ours: of %s', (_, changes, secured) => {
    expect(make(changes).secured).toEqual(secured);
    expect(make(changes, { port: 0 }).secured).toEqual([]);
  });

  it('quotes the environment for systemd and refuses what systemd would ignore', () => {
    expect(make({}, { env: ['HTTP_PROXY=http://u:p%20"x"@h', 'A=b c\\'] }).dropIn?.text).toContain(
      'Environment="HTTP_PROXY=http://u:p%%20\\"x\\"@h"\nEnvironment="A=b c\\\\"\n',
    );
    expect(errorOf(() => make({}, { env: ['no assignment'] })).code).toBe('MM_ENGINE_OPTION');
    expect(errorOf(() => make({}, { env: ['A=\u0007'] })).code).toBe('MM_ENGINE_OPTION');
  });
});
