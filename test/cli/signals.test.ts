import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandEntries } from '../../src/cli/commands/index.ts';
import { type FakeEngine, startFakeEngine } from '../testbed/fake-engine.ts';
import { RUNS_IN_NODE, Sandbox } from './program.ts';

let user: Sandbox;
let engine: FakeEngine;

beforeAll(async () => {
  user = await Sandbox.make();
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
  await user.run(['create', '-d', 'none', '--url', engine.url, 'h1']);
  // At its end the process writes down who listens to signals.
  await writeFile(
    join(user.home, 'listeners.mjs'),
    `import { writeFileSync } from 'node:fs';
    process.on('exit', () => {
      const signals = process.eventNames().filter((name) => /^SIG/.test(String(name)));
      const counts = signals.map((name) => [name, process.listenerCount(name)]);
      writeFileSync(process.env.LISTENERS, JSON.stringify(Object.fromEntries(counts)));
    });`,
  );
}, 60_000);

afterAll(async () => {
  await engine.close();
  await user.remove();
});

/** Command lines that go as far as they can without a host. */
const LINES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  create: [
    ['create', '-d', 'none', '--url', 'tcp://192.0.2.10:2376', 'h2'],
    ['create', '-d', 'generic', '--generic-ip-address', '127.0.0.1', '--generic-ssh-port', '1', 'h3'],
  ],
  quickstart: [['quickstart', 'h1']],
  config: [['config', 'h1']],
  completion: [['completion', 'bash']],
  'shell-init': [['shell-init', 'bash']],
  gc: [['gc', '--dry-run']],
  image: [
    ['image', 'ls'],
    ['image', 'rm', 'none-such'],
  ],
  rm: [
    ['rm', 'h2'],
    ['rm', '-y', 'h2'],
  ],
  prefs: [
    ['prefs', 'set', 'engine-label', 'a=1'],
    ['prefs'],
    ['create', '-d', 'none', '--url', 'tcp://192.0.2.20:2376', 'h4'],
    ['prefs', 'unset', 'engine-label'],
    ['prefs', 'unset', 'engine-label'],
  ],
  scp: [['scp', 'h1:a', 'b']],
  mount: [['mount', 'h1:/srv', 'mnt']],
  'regenerate-certs': [['regenerate-certs', '-f', 'h1']],
  help: [['help', 'create']],
  active: [['active']],
  drivers: [['drivers']],
  ls: [['ls'], ['ls', '--format', '{{.Name}}'], ['ls', '--filter', 'name=h']],
  use: [['use']],
};

const OURS = { SIGINT: 1, SIGTERM: 1, SIGHUP: 1 };

if (!RUNS_IN_NODE) console.log('Left out: listeners to signals in the executable, which tells of none.');

test.runIf(RUNS_IN_NODE).each(commandEntries.map(({ name }) => name))(
  '%s leaves no listener to a signal but ours',
  async (name) => {
    for (const line of LINES[name] ?? [[name, 'h1']]) {
      const seen = join(user.home, 'seen.json');
      await rm(seen, { force: true });
      await user.run(line, {
        env: { NODE_OPTIONS: `--import=${join(user.home, 'listeners.mjs')}`, LISTENERS: seen },
      });
      expect(JSON.parse(await readFile(seen, 'utf8')), line.join(' ')).toEqual(OURS);
    }
  },
);
