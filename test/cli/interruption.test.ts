import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, readFile, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Outcome, PROGRAM, Sandbox } from './program.ts';

let user: Sandbox;
/** Takes connections and never says a word: whoever talks to it waits. */
let silentHost: Server;

beforeEach(async () => {
  user = await Sandbox.make();
  silentHost = createServer((socket) => socket.on('error', () => undefined)).listen(0, '127.0.0.1');
  await once(silentHost, 'listening');
});

afterEach(async () => {
  silentHost.close();
  await user.remove();
});

const recordOf = (name: string) => join(user.store, 'machines', name, 'config.json');

/** A machine of the driver generic whose host is the silent one. */
async function adopt(name: string): Promise<void> {
  const made = await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', name]);
  expect(made.code, made.stderr).toBe(0);
  const config = JSON.parse(await readFile(recordOf(name), 'utf8'));
  const { URL: _, ...base } = config.Driver;
  const { port } = silentHost.address() as AddressInfo;
  const Driver = {
    ...base,
    IPAddress: '127.0.0.1',
    SSHUser: 'root',
    SSHPort: port,
    EnginePort: 1,
    SSHKey: '',
  };
  await writeFile(recordOf(name), JSON.stringify({ ...config, Driver, DriverName: 'generic' }));
}

/**
 * Runs the program and presses Ctrl-C once, when the
 * last of so many connections to the host has been made.
 */
async function interrupted(
  args: readonly string[],
  connections = 1,
  signals: readonly NodeJS.Signals[] = ['SIGINT'],
): Promise<Outcome> {
  let child: ChildProcess | undefined;
  let seen = 0;
  silentHost.on('connection', () => {
    seen += 1;
    if (seen !== connections) return;
    setTimeout(() => {
      for (const signal of signals) child?.kill(signal);
    }, 300);
  });
  return user.run(args, {
    onStart: (started) => {
      child = started;
    },
  });
}

test('Ctrl-C ends a command with an id, a hint and 130', async () => {
  await adopt('h1');
  const outcome = await interrupted(['provision', 'h1']);
  expect(outcome).toMatchObject({ code: 130 });
  expect(outcome.stderr).toBe(
    'Interrupted\nHint: Run the same command again: what is done already stays done.\nError id: MM_INTERRUPTED\n',
  );
});

test.each([
  ['SIGTERM twice, as timeout sends it to the program and its group', ['SIGTERM', 'SIGTERM']],
  ['SIGHUP of a terminal that goes, by the system and by the shell', ['SIGHUP', 'SIGHUP']],
  ['SIGINT by the terminal and by npx', ['SIGINT', 'SIGINT', 'SIGTERM']],
] as const)('%s, interrupts once', async (_, signals) => {
  await adopt('h1');
  const outcome = await interrupted(['upgrade', 'h1'], 1, signals);
  expect(outcome).toMatchObject({ code: 130, stderr: expect.stringContaining('Error id: MM_INTERRUPTED') });
});

test('Ctrl-C of a command over several machines ends with 130 as well, and names each that was not finished', async () => {
  await adopt('h1');
  await adopt('h2');
  const outcome = await interrupted(['provision', 'h1', 'h2'], 2);
  expect(outcome).toMatchObject({ code: 130 });
  expect(outcome.stderr).toMatch(/^h1: Interrupted\n[\s\S]*^h2: Interrupted\n/m);
});

test('Ctrl-C of a command that reads shows nothing that was not found out', async () => {
  await adopt('h1');
  const config = await readFile(recordOf('h1'), 'utf8');
  const { port } = silentHost.address() as AddressInfo;
  await writeFile(recordOf('h1'), config.replace('"EnginePort":1', `"EnginePort":${port}`));
  const outcome = await interrupted(['ls']);
  expect(outcome).toMatchObject({ code: 130, stdout: '' });
  expect(outcome.stderr).toContain('Error id: MM_INTERRUPTED');
});

test('Ctrl-C of a copy, which ends scp as well, ends with 130 and not as scp does', async () => {
  await adopt('h1');
  // Its own group of processes, as a shell gives to each command on a terminal.
  const child = spawn(PROGRAM, ['scp', 'h1:/etc/motd', '.'], {
    env: user.environment(),
    cwd: user.home,
    stdio: ['ignore', 'ignore', 'pipe'],
    detached: true,
  });
  let seen = 0;
  silentHost.on('connection', () => {
    seen += 1;
    // The first one only asks whether the host is up.
    if (seen === 2) setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGINT'), 300);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  expect(stderr).toContain('Error id: MM_INTERRUPTED');
  expect(code).toBe(130);
});

test('Ctrl-C of rm -f keeps the record of a host that was not removed', async () => {
  await adopt('h1');
  // --restore is what makes removing an adopted host
  // take time, as the removal of any other host does.
  const outcome = await interrupted(['rm', '-f', '--restore', 'h1']);
  expect(outcome).toMatchObject({ code: 130 });
  expect(outcome.stdout).not.toContain('Successfully removed');
  expect(outcome.stderr).toBe(
    'Interrupted while removing "h1"\nHint: It stays in the list: "mymachine rm h1" goes on.\nError id: MM_INTERRUPTED\n',
  );
  await access(recordOf('h1'));
});

test('Ctrl-C instead of an answer ends with 130, and nothing was done', async () => {
  await adopt('h1');
  const child = spawn(PROGRAM, ['rm', 'h1'], { env: user.environment(), stdio: 'pipe' });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    if (text.includes('Are you sure?')) child.kill('SIGINT');
  });
  const [code] = await once(child, 'close');
  expect(code, stderr).toBe(130);
  expect(stderr).toContain('Error id: MM_INTERRUPTED');
  await access(recordOf('h1'));
});
