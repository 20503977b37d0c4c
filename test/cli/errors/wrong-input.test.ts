import { afterAll, beforeAll, expect, test } from 'vitest';
import { commandEntries } from '../../../src/cli/commands/index.ts';
import { Sandbox } from '../program.ts';

let user: Sandbox;

beforeAll(async () => {
  user = await Sandbox.make();
  await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'h1']);
});

afterAll(() => user.remove());

const NONE = ['create', '-d', 'none', '--dry-run'];
const URL = ['--url', 'tcp://192.0.2.1:2376'];

/** Behind these names everything is somebody else's, or there is no --json. */
const FOREIGN = ['ssh', 'scp'];

const verbs = commandEntries.map(({ name }) => name);

const onMachines = verbs.filter((name) =>
  /^(start|stop|restart|kill|rm|ssh|ip|url|host-key|env|config|provision|upgrade|regenerate-certs|status|inspect|version)$/.test(
    name,
  ),
);

type Case = readonly [line: readonly string[], id: string, code: number];

const CASES: readonly Case[] = [
  [['nope'], 'MM_COMMAND', 1],
  [['--nope', 'ls'], 'MM_USAGE', 2],
  [['--storage-path'], 'MM_USAGE', 2],
  ...verbs.filter((name) => !FOREIGN.includes(name)).map((name): Case => [[name, '--nope'], 'MM_USAGE', 2]),
  ...verbs
    .filter((name) => !FOREIGN.includes(name))
    .map((name): Case => [[name, '--debug=maybe'], 'MM_USAGE', 2]),
  ...onMachines.map(
    (name): Case => [[name, ...(name === 'rm' ? ['-y'] : []), 'nobody'], 'MM_MACHINE_UNKNOWN', 1],
  ),
  ...onMachines.map(
    (name): Case => [[name], name === 'version' ? '' : 'MM_ARGUMENTS', name === 'version' ? 0 : 1],
  ),
  [['scp', 'a'], 'MM_ARGUMENTS', 1],
  [['mount'], 'MM_ARGUMENTS', 1],
  [['create'], 'MM_ARGUMENTS', 1],
  [['completion'], 'MM_USAGE', 2],
  [['image', 'rm'], 'MM_USAGE', 2],
  [['prefs', 'set'], 'MM_USAGE', 2],
  ...['url', 'host-key', 'env', 'status', 'inspect', 'version'].map(
    (name): Case => [[name, 'h1', 'b'], 'MM_ARGUMENTS', 1],
  ),
  ...['gc', 'drivers', 'active'].map((name): Case => [[name, 'h1'], 'MM_ARGUMENTS', 1]),
  ...['quickstart', 'use', 'help', 'shell-init'].map((name): Case => [[name, 'a', 'b'], 'MM_ARGUMENTS', 1]),
  [[...NONE, ...URL, 'a', 'b'], 'MM_ARGUMENTS', 1],
  [[...NONE, ...URL, 'a_b'], 'MM_MACHINE_NAME', 1],
  [[...NONE, '--url=', 'h2'], 'MM_DRIVER_FLAGS', 2],
  [[...NONE, ...URL, '--url', 'x', 'h2'], 'MM_DRIVER_FLAGS', 2],
  [[...NONE, ...URL, '--engine-label', 'x', 'h2'], 'MM_USAGE', 2],
  [[...NONE, ...URL, '--engine-install=x', 'h2'], 'MM_USAGE', 2],
  [['ls', '--timeout='], 'MM_USAGE', 2],
  [['ls', '--timeout', 'soon'], 'MM_USAGE', 2],
  [['ls', '--timeout', '5', '--timeout', '0'], 'MM_USAGE', 2],
  [['ls', '--filter='], 'MM_ARGUMENTS', 1],
  [['image', 'pull', '--arch', 'x', 'debian-13'], 'MM_USAGE', 2],
  [['config', '--swarm', 'h1'], 'MM_MACHINE_STATE', 1],
  [['gc', '--driver', 'none'], 'MM_ARGUMENTS', 1],
];

/** docker-machine's own words for these say what to do themselves. */
const SAY_IT = ['MM_MACHINE_UNKNOWN'];

test.each(CASES)('%j ends with %s and %i, with what to do', async (line, id, code) => {
  const { stderr, ...rest } = await user.run(line);
  expect(rest.code, stderr).toBe(code);
  if (id === '') return;
  expect(stderr.trimEnd().split('\n').at(-1)).toBe(`Error id: ${id}`);
  // A wrong command line gets the help of the command.
  const isHelped = id === 'MM_USAGE' ? /^Incorrect Usage\.\n\nUsage: mymachine / : /^Hint: .*[.?]$/m;
  if (!SAY_IT.includes(id)) expect(stderr).toMatch(isHelped);
});

test.each(CASES.filter(([, id]) => id !== ''))(
  '--json %j is an object with the id',
  async (line, id, code) => {
    const { stderr, ...rest } = await user.run(['--json', ...line]);
    const error = JSON.parse(stderr.trim().split('\n').at(-1) ?? '');
    // A command that prints no JSON knows no such option.
    const isRefused = error.id === 'MM_USAGE' && error.message.endsWith('not defined: -json');
    expect(isRefused ? [id, code] : [error.id, rest.code]).toEqual([id, code]);
    if (isRefused) expect(rest.code).toBe(2);
    if (!SAY_IT.includes(id)) expect(error.hint).toMatch(/[.?]$/);
  },
);

test('a variable with a wrong value is named, with what to do', async () => {
  for (const [name, value] of [
    ['MACHINE_DEBUG', 'maybe'],
    ['MYMACHINE_CONNECT_TIMEOUT', 'soon'],
  ] as const) {
    const { code, stderr } = await user.run(['--json', 'url', 'h1'], { env: { [name]: value } });
    const error = JSON.parse(stderr);
    expect([code, error.id]).toEqual([1, 'MM_ENVIRONMENT']);
    expect(error.message).toContain(name);
    expect(error.hint).toBe('Correct that variable, or unset it.');
  }
});
