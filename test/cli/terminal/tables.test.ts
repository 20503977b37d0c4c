import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Sandbox } from '../program.ts';
import { onPty, SCRIPT } from './pty.ts';

let user: Sandbox;

beforeAll(async () => {
  user = await Sandbox.make();
  await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:1', 'a-machine-of-a-name']);
  await user.run(['create', '-d', 'none', '--url', 'tcp://127.0.0.1:2', 'h2']);
  await user.run(['prefs', 'set', 'driver', 'qemu']);
});

afterAll(() => user.remove());

const LISTS = [
  'drivers',
  'image ls',
  'image ls --all',
  'prefs',
  'ls',
  'gc',
  'host-key h2',
  'active',
  'version',
];

describe.runIf(existsSync(SCRIPT)).each(LISTS)('%s on a terminal', (words) => {
  test.each([80, 120])('of %i columns is not wider, and cuts nothing off', async (columns) => {
    const { shown } = await onPty(user, `"$P" ${words} | cat; echo =====; "$P" ${words}`, { columns });
    const [piped = '', wrapped = ''] = shown.replaceAll('\r', '').split('=====\n');
    for (const line of wrapped.split('\n'))
      if (line.trim().includes(' ')) expect(line.length, line).toBeLessThanOrEqual(columns);
    // Headers of columns that hold nothing may be left out.
    const seen = wrapped.split(/\s+/);
    for (const word of piped.split(/\s+/))
      if (!['SWARM', 'ERRORS', 'CREATED', 'WITH'].includes(word)) expect(seen, word).toContain(word);
  });
});
