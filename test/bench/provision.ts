import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createAuthority, createServerCertificate } from '../../src/certs/create.ts';
import { Sandbox } from '../cli/program.ts';
import type { TestHost } from '../testbed/host.ts';
import { genericOptions } from '../testbed/host.ts';
import { startHosts, testCacheDir } from '../testbed/testbed.ts';

/**
 * What has to happen on a host, by hand, in one ssh session: the least that provisioning can cost.
 */
const BY_HAND = `set -e
mkdir -p /etc/docker /etc/systemd/system/docker.service.d
printf '%s' "$CA" >/etc/docker/ca.pem
printf '%s' "$CERT" >/etc/docker/server.pem
(umask 077; printf '%s' "$KEY" >/etc/docker/server-key.pem)
echo '{"hosts":["fd://","tcp://0.0.0.0:2376"],"tlsverify":true,"tlscacert":"/etc/docker/ca.pem","tlscert":"/etc/docker/server.pem","tlskey":"/etc/docker/server-key.pem","live-restore":true}' >/etc/docker/daemon.json
printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/dockerd $DOCKER_OPTS\\n' >/etc/systemd/system/docker.service.d/10-machine.conf
if ! [ -x /usr/sbin/dockerd ]; then
  DEBIAN_FRONTEND=noninteractive apt-get -qq update >/dev/null
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends docker.io iptables >/dev/null
fi
systemctl daemon-reload
systemctl restart docker
until ss -tln | grep -q ':2376 '; do sleep 0.05; done
`;

interface Way {
  readonly title: string;
  readonly run: (hosts: readonly TestHost[]) => Promise<void>;
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(2)} s`;
}

function run(argv: readonly string[], input: string, env: Record<string, string>): Promise<void> {
  const [program = '', ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ['pipe', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (data) => (stderr += data));
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${argv.join(' ')}: ${code}\n${stderr}`)),
    );
    child.stdin.end(input);
  });
}

async function byHand(): Promise<Way> {
  const now = Date.now();
  const authority = await createAuthority({ organization: 'bench', now });
  const one = async (host: TestHost) => {
    const pair = await createServerCertificate(authority, {
      organization: 'bench',
      now,
      sans: [host.address],
    });
    const quoted = (text: string) => `'${text}'`;
    const script = `CA=${quoted(authority.cert)}\nCERT=${quoted(pair.cert)}\nKEY=${quoted(pair.key)}\n${BY_HAND}`;
    const options = [
      '-o',
      'StrictHostKeyChecking=no',
      '-o',
      'UserKnownHostsFile=/dev/null',
      '-o',
      'LogLevel=ERROR',
      '-i',
      host.keyPath,
    ];
    // The script comes on stdin: bash reads it whole before it runs it.
    await run(
      ['ssh', '-F', 'none', ...options, `${host.user}@${host.address}`, 'sudo bash -c "$(cat)"'],
      script,
      { PATH: process.env['PATH'] ?? '' },
    );
  };
  return { title: 'by hand over one ssh', run: async (hosts) => void (await Promise.all(hosts.map(one))) };
}

function machineTool(title: string, program: string, extra: readonly string[], sandbox: Sandbox): Way {
  const env = sandbox.environment({ MYMACHINE_CACHE_PATH: testCacheDir });
  const one = (host: TestHost) =>
    run([program, 'create', ...genericOptions(host), ...extra, host.name], '', env);
  return { title, run: async (hosts) => void (await Promise.all(hosts.map(one))) };
}

/** Debian's packages come from the cache on the host, so that no download is measured. */
async function fetchPackages(host: TestHost): Promise<void> {
  const fetch =
    'apt-get -qq update && apt-get -qq install -y --download-only --no-install-recommends docker.io iptables ca-certificates curl';
  await host.must(['sh', '-c', `${fetch} >/dev/null 2>&1`], { env: { DEBIAN_FRONTEND: 'noninteractive' } });
}

/**
 * Until the host has done what it does after a boot: by
 * what is still starting there, no way is to be measured.
 */
async function settled(host: TestHost): Promise<void> {
  await host.must(['sh', '-c', 'systemctl is-system-running --wait || :']);
}

async function measure(way: Way, engine: boolean, count: number, round: number): Promise<number> {
  const names = Array.from(
    { length: count },
    (_, index) =>
      `${engine ? 'e' : 'n'}${count}r${round}h${index}-${way.title.replaceAll(/\W+/g, '').slice(0, 8).toLowerCase()}`,
  );
  const testbed = await startHosts({ suite: 'bookworm', engine, names });
  try {
    await Promise.all(testbed.hosts.map(settled));
    if (!engine) await Promise.all(testbed.hosts.map(fetchPackages));
    const begin = Date.now();
    await way.run(testbed.hosts);
    return Date.now() - begin;
  } finally {
    await testbed.close();
  }
}

const median = (values: readonly number[]) =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

async function table(ways: readonly Way[], engine: boolean, count: number, rounds: number): Promise<void> {
  const times = new Map<string, number[]>(ways.map((way) => [way.title, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const way of ways) times.get(way.title)?.push(await measure(way, engine, count, round));
  const floor = median(times.get(ways[0]?.title ?? '') ?? []);
  console.log(
    `\n${count} host${count > 1 ? 's side by side' : ''}, ${engine ? 'engine already there' : 'without an engine'} (median of ${rounds}, min-max)`,
  );
  for (const [title, values] of times) {
    const range = `${seconds(Math.min(...values))} - ${seconds(Math.max(...values))}`;
    console.log(
      `  ${title.padEnd(24)} ${seconds(median(values)).padStart(8)}   ${range.padEnd(19)}   ${(median(values) / floor).toFixed(2)} x`,
    );
  }
}

/** From `create` to the engine answering, on machines that we make ourselves. */
async function nspawn(sandbox: Sandbox, program: string, engine: boolean): Promise<void> {
  const env = sandbox.environment({ MYMACHINE_CACHE_PATH: testCacheDir });
  const values: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    const begin = Date.now();
    await run([program, 'create', '--driver', 'nspawn', `--nspawn-engine=${engine}`, `n${round}`], '', env);
    if (round > 0) values.push(Date.now() - begin);
    await run([program, 'rm', '-y', `n${round}`], '', env);
  }
  console.log(
    `  nspawn ${engine ? 'with the engine in its image' : 'without an engine in its image'}: ${seconds(median(values))} (${values.map(seconds).join(', ')})`,
  );
}

const sandbox = await Sandbox.make();
const program = join(import.meta.dirname, '../../dist/mymachine.js');
await readFile(program);
const ways = [
  await byHand(),
  machineTool('mymachine create', program, ['--engine-install', 'distro'], sandbox),
];
const old = process.env['DOCKER_MACHINE'];
if (old === undefined)
  console.log('docker-machine is not measured: name its binary with DOCKER_MACHINE=/path/to/docker-machine');
else ways.push(machineTool('docker-machine create', old, [], await Sandbox.make()));

await table(ways, true, 1, 3);
await table(ways, true, 8, 3);
await table(ways.slice(0, 2), false, 1, 3);
await table(ways.slice(0, 2), false, 8, 1);
console.log('\nFrom create to the engine answering over TLS (median of 3)');
await nspawn(sandbox, program, true);
await nspawn(sandbox, program, false);
await sandbox.remove();
process.exit(0);
