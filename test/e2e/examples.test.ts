import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandGroups } from '../../src/cli/commands/index.ts';
import { startEc2 } from '../testbed/ec2/server.ts';
import type { TestHost } from '../testbed/host.ts';
import { startHosts, type Testbed } from '../testbed/testbed.ts';
import { newUser, type User } from './support/user.ts';

// Every example of `mymachine COMMAND --help`, and every command line of README and docs, is run as
// it stands, in a shell, and must succeed.
// host1 and host2 are made by the driver nspawn, web1 and web2 are adopted.

/** Examples that are not run here, and why. What is left out is printed. */
const LEFT_OUT: ReadonlyMap<string, string> = new Map([
  [
    'create --driver amazonec2 --amazonec2-region eu-central-1 --amazonec2-instance-type t3.small web1',
    'the tests of the driver amazonec2 make instances',
  ],
  [
    'create --driver qemu --qemu-memory 4096 --qemu-cpus 4 host1',
    'the tests of the driver qemu boot machines',
  ],
  [
    'create --driver virtualbox --virtualbox-memory 4096 --virtualbox-cpu-count 4 host1',
    'the tests of the driver virtualbox boot machines',
  ],
  [
    '--tls-ca-cert own.pem --tls-ca-key own-key.pem --tls-client-cert me.pem --tls-client-key me-key.pem create -d generic ... host1',
    'the dots stand for what is to be filled in',
  ],
  [
    '--tls-ca-cert ca.pem --tls-client-cert cert.pem --tls-client-key key.pem \\',
    'it goes on in the next line',
  ],
  ['create --driver none --url tcp://192.0.2.10:2376 host2', 'test/cli/transcripts/life runs it'],
  ['quickstart --driver qemu host2', 'the tests of the driver qemu boot machines'],
  ['image pull debian-13', "it fetches the distribution's image from the internet"],
  ['image build mine --suite trixie --engine', 'the tests of the driver qemu build images'],
  ['use', 'it is for a machine called default: test/cli/transcripts/switch runs it'],
  ['image rm mine', 'test/cli/transcripts/upkeep removes images'],
  ['upgrade --engine-version 28.5 host1 host2', "it needs Docker's repository on the internet"],
  ['completion powershell >> $PROFILE', 'it is for PowerShell'],
  ['shell-init fish | source', 'it is for fish: test/cli/shells runs it there'],
]);

/** Before all others: they make the machines. */
const FIRST = ['create', 'quickstart'];
/** Behind all others, in this order: they change machines, or remove them. */
const LAST = ['provision', 'regenerate-certs', 'upgrade', 'restart', 'stop', 'kill', 'start', 'rm'];

const root = join(import.meta.dirname, '../..');
let user: User;
let testbed: Testbed;
let ec2: Awaited<ReturnType<typeof startEc2>>;

function place(verb: string): number {
  return FIRST.includes(verb) ? FIRST.indexOf(verb) - FIRST.length : LAST.indexOf(verb) + 1;
}

/** What a user would have done before, or would answer. */
const PREPARED: Readonly<Record<string, string>> = {
  mount: `mymachine ssh host1 'sudo install -d -o "$(id -un)" /srv/data'; mkdir -p data etc; `,
  active: 'eval "$(mymachine env host1)"; ',
  stop: 'mymachine start host1 host2 || true; ',
  kill: 'mymachine start host1 host2 || true; ',
  start: 'mymachine stop host1 host2 || true; ',
  'regenerate-certs': 'yes | ',
  rm: 'mymachine create host1 || true; yes | ',
};

const entries = commandGroups.flatMap((group) => group.entries);
const ofHelp = await Promise.all(
  entries.map(async (entry) => {
    const { command } = await entry.load();
    return (command.examples ?? []).map((line) => ({ verb: entry.name, line }));
  }),
);
const pages = ['README.md', 'docs', 'docs/drivers'].flatMap((path) =>
  path.endsWith('.md')
    ? [join(root, path)]
    : readdirSync(join(root, path))
        .filter((name) => name.endsWith('.md'))
        .map((name) => join(root, path, name)),
);
/** Lines such as `$ mymachine ls  # what it shows`. */
const ofDocs = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/^\$ mymachine (.+?)(?: +# .*)?$/gm)].map(([, line = '']) => ({
    verb: line.split(' ')[0] ?? '',
    line,
  })),
);
const seen = new Set<string>();
const examples = [...ofHelp.flat(), ...ofDocs]
  .filter(({ line }) => !seen.has(line) && seen.add(line))
  .sort((a, b) => place(a.verb) - place(b.verb));

/** The examples' address and login are those of the documentation. */
function onHost(line: string, host: TestHost): string {
  return line
    .replace('192.0.2.10', host.address)
    .replace('--generic-ssh-user admin', `--generic-ssh-user ${host.user}`);
}

/** As a user's shell runs it who has followed docs/shells.md. */
function run(verb: string, line: string) {
  const script = `${PREPARED[verb] ?? ''}mymachine ${line}`;
  return user.shell('bash', `set -e; eval "$(mymachine shell-init bash)"; ${script}`);
}

beforeAll(async () => {
  testbed = await startHosts({ suite: 'bookworm', engine: true, names: ['web1', 'web2'] });
  ec2 = await startEc2({ hosts: false });
  user = await newUser({
    GENERIC_SSH_KEY: testbed.host('web1').keyPath,
    MACHINE_DRIVER: 'nspawn',
    AWS_ENDPOINT: ec2.url,
    ...{
      AWS_ACCESS_KEY_ID: 'AKIATESTBED0000',
      AWS_SECRET_ACCESS_KEY: 'secret',
      AWS_EC2_METADATA_DISABLED: 'true',
    },
  });
  const { home } = user.sandbox;
  for (const folder of ['site', '.zsh/completions', '.config/fish/completions'])
    await mkdir(join(home, folder), { recursive: true });
  await mkdir(join(home, '.local/share/bash-completion/completions'), { recursive: true });
  await Promise.all(['notes.txt', 'site/index.html'].map((file) => writeFile(join(home, file), 'text\n')));
  const web2 = testbed.host('web2');
  await user.must([
    ...[
      'create',
      '--driver',
      'generic',
      '--generic-ip-address',
      web2.address,
      '--generic-ssh-user',
      web2.user,
    ],
    ...['--generic-ssh-key', web2.keyPath, 'web2'],
  ]);
}, 600_000);

afterAll(async () => {
  await user?.mymachine(['mount', '-u', 'host1:/etc', './etc']);
  await user?.mymachine(['rm', '-y', '-f', 'host1', 'host2', 'web1', 'web2']);
  await ec2?.close();
  await testbed?.close();
  await user?.sandbox.remove();
});

for (const { verb, line } of examples) {
  const isMount = verb === 'mount' && !existsSync('/dev/fuse');
  const why = isMount ? 'this kernel has no FUSE' : LEFT_OUT.get(line);
  if (why !== undefined) {
    console.log(`Left out: mymachine ${line}: ${why}`);
    continue;
  }
  test(`mymachine ${line}`, async () => {
    const outcome = await run(verb, onHost(line, testbed.host('web1')));
    expect(outcome, `${outcome.stdout}\n${outcome.stderr}`).toMatchObject({ code: 0 });
  }, 240_000);
}

test('what is left out is an example still', () => {
  const lines = new Set(examples.map(({ line }) => line));
  expect([...LEFT_OUT.keys()].filter((line) => !lines.has(line))).toEqual([]);
});
