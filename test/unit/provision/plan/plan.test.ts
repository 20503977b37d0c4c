import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { EngineSpec } from '../../../../src/provision/contract.ts';
import { engineConfiguration, scopeDropInPath } from '../../../../src/provision/engine/configuration.ts';
import { daemonJsonPath } from '../../../../src/provision/engine/daemon-json.ts';
import { type Facts, parseFacts } from '../../../../src/provision/host/facts.ts';
import { newRecord, parseRecord, recordText } from '../../../../src/provision/host/record.ts';
import { planChanges } from '../../../../src/provision/plan/plan.ts';

const spec: EngineSpec = {
  install: 'auto',
  installUrl: '',
  version: '',
  port: 2376,
  labels: [],
  registryMirrors: [],
  insecureRegistries: [],
  storageDriver: '',
  options: [],
  env: [],
};
const tls = { ca: 'ca', serverCert: 'cert', serverKey: 'key' };
const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const unit = {
  path: '/lib/systemd/system/docker.service',
  text: '[Service]\nExecStart=/usr/sbin/dockerd -H fd://\n',
};

/** A host with a running engine that nobody has configured. */
function plainHost(changes: Partial<Facts> = {}): Facts {
  const facts = parseFacts('mymachine-facts-1\nend yes\n');
  return {
    ...facts,
    hostname: 'old',
    systemd: true,
    dockerd: '/usr/sbin/dockerd',
    service: { loaded: true, active: true, enabled: true, socketActive: true },
    units: [unit],
    files: new Map([['hosts', '127.0.0.1 localhost\n']]),
    engine: { running: 0, liveRestore: false },
    ...changes,
  };
}

const plan = (
  facts: Facts,
  engine: Partial<EngineSpec> = {},
  { adopted = true, loginUser = 'root' } = {},
) => {
  const record = parseRecord(facts.files.get('managed.json')) ?? newRecord(facts, 'm1');
  const full = { ...spec, ...engine };
  const configuration = engineConfiguration(facts, full, record.daemon);
  const input = { machineName: 'm1', rename: true, adopted, engine: full, tls };
  return planChanges({ facts, input, loginUser, record, configuration });
};

/** The host as it is after a plan was carried out. */
function carriedOut(facts: Facts, made: ReturnType<typeof plan>): Facts {
  const content = (path: string) => made?.commit.files.find((file) => file.path === path)?.content;
  const dropIn = made?.commit.files.find(({ path }) => path.endsWith('docker.service.d/10-machine.conf'));
  const files = new Map(facts.files);
  for (const [name, path] of [
    ['daemon.json', daemonJsonPath],
    ['scope-drop-in', scopeDropInPath],
    ['managed.json', '/var/lib/mymachine/managed.json'],
    ['hosts', '/etc/hosts'],
  ] as const) {
    const text = content(path);
    if (text !== undefined) files.set(name, text);
  }
  const pem = (name: string, mode: string, text: string) =>
    [`/etc/docker/${name}.pem`, { mode, uid: '0', sha256: sha256(text) }] as const;
  return {
    ...facts,
    files,
    hostname: made?.commit.hostname ?? facts.hostname,
    units: [unit, ...(dropIn === undefined ? [] : [{ path: dropIn.path, text: dropIn.content }])],
    tls: new Map([pem('ca', '644', 'ca'), pem('server', '644', 'cert'), pem('server-key', '600', 'key')]),
    listeningPorts: new Set([2376]),
    engine: { running: facts.running, liveRestore: true },
  };
}

describe('planChanges', () => {
  it('wants everything on a plain host, and nothing more after that', () => {
    const facts = plainHost();
    const made = plan(facts);
    expect(made?.changed).toEqual(['certificates', 'configuration', 'unit', 'service']);
    expect(made?.commit).toMatchObject({ effect: 'restart', units: true, port: 2376, hostname: undefined });
    expect(made?.commit.files.find(({ path }) => path.endsWith('server-key.pem'))?.mode).toBe('0600');
    expect(plan(carriedOut(facts, made))).toBeUndefined();
  });

  it('opens no port of an engine that is reached through SSH, and lets the login user at its socket', () => {
    const facts = plainHost({ hasGroup: true });
    const made = plan(facts, { port: 0 }, { loginUser: 'ubuntu' });
    expect(made?.changed).toEqual(['access']);
    expect(made?.commit).toMatchObject({ member: 'ubuntu', effect: 'none', port: 0 });
    expect(made?.commit.files.map(({ path }) => path).filter((path) => path.endsWith('.pem'))).toEqual([]);
    expect(made?.commit.files.find(({ path }) => path === daemonJsonPath)).toBeUndefined();
    const joined = { ...carriedOut(facts, made), groupMembers: ['ubuntu'], listeningPorts: new Set([22]) };
    expect(plan(joined, { port: 0 }, { loginUser: 'ubuntu' })).toBeUndefined();
    // root needs no group, and with a port nobody does.
    expect(plan(facts, { port: 0 })?.commit.member).toBeUndefined();
    expect(plan(facts, {}, { loginUser: 'ubuntu' })?.commit.member).toBeUndefined();
    // Without the group the socket belongs to root's.
    expect(plan(plainHost(), { port: 0 }, { loginUser: 'ubuntu' })?.commit.effect).toBe('restart');
  });

  it('names a host that had no engine, or that is not adopted', () => {
    const bare = plainHost({ dockerd: '' });
    const state = recordText(newRecord(bare, 'm1'));
    const installed = plainHost({ files: new Map([...bare.files, ['managed.json', state]]) });
    expect(plan(installed)?.commit.hostname).toBe('m1');
    const made = plan(plainHost(), {}, { adopted: false });
    expect(made?.commit.hostname).toBe('m1');
    expect(made?.commit.files.find(({ path }) => path === '/etc/hosts')?.content).toContain('127.0.1.1 m1\n');
    expect(plan(carriedOut(plainHost(), made), {}, { adopted: false })).toBeUndefined();
  });

  it.each<[string, Partial<EngineSpec>, string]>([
    ['labels', { labels: ['a=b'] }, 'reload'],
    ['mirrors', { registryMirrors: ['https://m'] }, 'reload'],
    ['the storage driver', { storageDriver: 'overlay2' }, 'restart'],
    ['the environment', { env: ['A=b'] }, 'restart'],
  ])('does for a change of %s no more than it takes', (_, engine, effect) => {
    const settled = carriedOut(plainHost(), plan(plainHost()));
    expect(plan(settled, engine)?.commit.effect).toBe(effect);
  });

  it.each<[string, Partial<Facts>]>([
    [
      'a key that others can read',
      { tls: new Map([['/etc/docker/server-key.pem', { mode: '644', uid: '0', sha256: sha256('key') }]]) },
    ],
    [
      'an engine that is off',
      { service: { loaded: true, active: false, enabled: true, socketActive: true } },
    ],
    ['a port that nobody listens on', { listeningPorts: new Set([22]) }],
    ['a change that was cut off', { pending: true }],
  ])('finds %s', (_, changes) => {
    const settled = { ...carriedOut(plainHost(), plan(plainHost())), ...changes };
    expect(plan(settled)?.commit.effect).toBe('restart');
  });

  it('tells a running engine to let its containers live before it restarts it', () => {
    const facts = plainHost({ running: 2, files: new Map([['daemon.json', '{"debug": true}']]) });
    const made = plan(facts);
    expect(JSON.parse(made?.commit.beforehand ?? '')).toEqual({ debug: true, 'live-restore': true });
    const written = made?.commit.files.find(({ path }) => path === daemonJsonPath)?.content ?? '';
    expect(JSON.parse(written)).toMatchObject({ debug: true, 'live-restore': true });
    // A reload without the key would leave it on.
    expect(JSON.parse(made?.commit.afterwards ?? '')).not.toHaveProperty('live-restore');
    expect(made?.commit.endsLiveRestore).toBe(true);
  });

  it('goes back to the live-restore of the user, once the containers are taken over', () => {
    const facts = plainHost({ running: 2, files: new Map([['daemon.json', '{"live-restore": false}']]) });
    const { commit } = plan(facts) ?? expect.unreachable();
    const written = commit.files.find(({ path }) => path === daemonJsonPath)?.content ?? '';
    expect(JSON.parse(written)['live-restore']).toBe(true);
    expect(JSON.parse(commit.afterwards ?? '')['live-restore']).toBe(false);
  });

  it('ends the live-restore that an earlier provisioning gave, without a restart', () => {
    const first = carriedOut(plainHost(), plan(plainHost()));
    const record = JSON.parse(first.files.get('managed.json') ?? '');
    record.daemon.scalars['live-restore'] = true;
    const config = { ...JSON.parse(first.files.get('daemon.json') ?? ''), 'live-restore': true };
    const files = new Map([
      ...first.files,
      ['managed.json', JSON.stringify(record)],
      ['daemon.json', JSON.stringify(config)],
    ]);
    const old = { ...first, files, engine: { running: 1, liveRestore: true }, running: 1 };
    const { commit } = plan(old) ?? expect.unreachable();
    expect(commit).toMatchObject({ effect: 'reload', endsLiveRestore: true, beforehand: undefined });
    const written = commit.files.find(({ path }) => path === daemonJsonPath)?.content ?? '';
    expect(JSON.parse(written)).not.toHaveProperty('live-restore');
  });

  it('says that containers of a swarm will not survive', () => {
    expect(plan(plainHost({ running: 2, inSwarm: true }))?.endangered?.count).toBe(2);
  });
});
