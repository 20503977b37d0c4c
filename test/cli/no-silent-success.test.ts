import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { startFakeEngine } from '../testbed/fake-engine.ts';
import { RUNS_IN_NODE, Sandbox } from './program.ts';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
});

afterEach(() => user.remove());

test('an engine that switches to another protocol is no engine to any command', async () => {
  const engine = await startFakeEngine({ certDir: join(user.store, 'certs'), switches: true });
  try {
    await user.run(['create', '-d', 'none', '--url', engine.url, 'h1']);
    for (const command of ['env', 'config', 'version']) {
      const outcome = await user.run([command, 'h1']);
      expect(outcome, command).toMatchObject({ code: 1, stdout: '' });
      expect(outcome.stderr, command).toContain('Error id: MM_ENGINE_PROTOCOL');
    }
    const listed = await user.run(['ls']);
    expect(listed.stdout).toContain('is not a Docker Engine');
  } finally {
    await engine.close();
  }
});

if (!RUNS_IN_NODE) console.log('Left out: an input that keeps no process alive, in the executable.');

test.runIf(RUNS_IN_NODE)('a command that nothing will ever wake again is no success', async () => {
  await user.run(['create', '-d', 'none', '--url', 'tcp://192.0.2.10:2376', 'h1']);
  // An input that never ends, and keeps no process alive.
  const input = join(user.home, 'input.mjs');
  await writeFile(
    input,
    `import { PassThrough } from 'node:stream';
    Object.defineProperty(process, 'stdin', { value: new PassThrough() });`,
  );
  const outcome = await user.run(['rm', 'h1'], { env: { NODE_OPTIONS: `--import=${input}` } });
  expect(outcome.code).toBe(1);
  expect(outcome.stderr).toContain('Error id: MM_NO_RESULT');
  expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
});
