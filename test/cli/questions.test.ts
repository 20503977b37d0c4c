import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { PROGRAM, Sandbox } from './program.ts';

const SCRIPT = '/usr/bin/script';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

let user: Sandbox;

beforeEach(async () => {
  user = await Sandbox.make();
  await user.run(['create', '-d', 'none', '--url', 'tcp://192.0.2.10:2376', 'h1']);
});

afterEach(() => user.remove());

/**
 * Runs the program on a terminal of its own, by script(1),
 * and types the keys once the question stands there.
 */
async function typed(command: string, question: string, keys: string) {
  const argv = ['-qec', `"$P" ${command}`, '/dev/null'];
  const child = spawn(SCRIPT, argv, {
    env: user.environment({ P: PROGRAM, TERM: 'xterm-256color', FORCE_COLOR: '1' }),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let text = '';
  let answered = false;
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    text += piece;
    if (answered || !text.includes(question)) return;
    answered = true;
    child.stdin.write(keys);
  });
  const [code] = await once(child, 'close');
  return { text, code };
}

describe.runIf(existsSync(SCRIPT))('on a terminal', () => {
  const SURE = 'Are you sure? (y/n): ';
  const REGENERATE = 'Regenerate TLS machine certs?  Warning: this is irreversible. (y/n): ';

  test("rm asks in docker-machine's words, without colours, for whoever waits for them", async () => {
    const { text, code } = await typed('rm h1', SURE, 'y\r');
    expect(code, text).toBe(0);
    expect(text).toContain('Successfully removed h1');
    const asked = text.slice(text.indexOf(SURE), text.indexOf('Successfully'));
    // Colours alone end with m.
    expect(asked).not.toMatch(/\u001b\[[\d;]*m/);
    // Nor is there a mark before it.
    expect(text).toContain(`\n${SURE}`);
  });

  test('everything that does not begin with y is no, also at once', async () => {
    for (const keys of ['n\r', '\r', 'maybe\r']) {
      const { text, code } = await typed('rm h1', SURE, keys);
      expect([code, text.includes('Successfully')], JSON.stringify(keys)).toEqual([0, false]);
    }
    expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
  });

  test('Ctrl-C instead of an answer ends with 130', async () => {
    const { text, code } = await typed('rm h1', SURE, CTRL_C);
    expect(text).toMatch(/Interrupted\r\n[\s\S]*Error id: MM_INTERRUPTED\r\n$/);
    expect(code).toBe(130);
  });

  test('Ctrl-C ends what create asks for as well', async () => {
    const { text, code } = await typed('create -d none', 'Name of the machine:', CTRL_C);
    expect(text).toContain('Error id: MM_INTERRUPTED');
    expect(code).toBe(130);
  });

  test.each([
    ['rm h1', SURE],
    ['create -d none', 'Name of the machine:'],
    ['create -d none h2', 'URL of host'],
    ['regenerate-certs h1', REGENERATE],
  ])('the end of input is no answer to %s, which is a failure', async (command, question) => {
    const { text, code } = await typed(command, question, CTRL_D);
    expect(text).toContain('Error id: MM_NO_ANSWER');
    expect(code).toBe(1);
    expect((await user.run(['ls', '-q'])).stdout).toBe('h1\n');
  });

  test('regenerate-certs takes no for an answer', async () => {
    expect((await typed('regenerate-certs h1', REGENERATE, 'n\r')).code).toBe(0);
  });
});
