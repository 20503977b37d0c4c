import { existsSync } from 'node:fs';
import { cp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type FakeEngine, startFakeEngine } from '../../testbed/fake-engine.ts';
import { type Listening, listen } from '../../testbed/listen.ts';
import { PROGRAM, Sandbox } from '../program.ts';
import { onPty, SCRIPT, screenOf } from './pty.ts';

let user: Sandbox;
let engine: FakeEngine;
let gate: Listening;
/** Connections to the engine behind the gate that wait for it to open. */
let held: Socket[] = [];
let isOpen = false;

const pass = (socket: Socket) => {
  const engineSide = connect(Number(engine.address.split(':')[1]), '127.0.0.1');
  engineSide.on('error', () => socket.destroy());
  socket.pipe(engineSide).pipe(socket);
};

function open(): void {
  isOpen = true;
  for (const socket of held.splice(0)) pass(socket);
}

/** A copy of the first machine, behind the gate. */
async function addSlow(name: string): Promise<void> {
  const from = join(user.store, 'machines', 'quick');
  const to = join(user.store, 'machines', name);
  await cp(from, to, { recursive: true });
  const config = (await readFile(join(from, 'config.json'), 'utf8'))
    .replaceAll(engine.url, `tcp://127.0.0.1:${gate.port}`)
    .replaceAll('quick', name);
  await writeFile(join(to, 'config.json'), config);
}

beforeAll(async () => {
  user = await Sandbox.make();
  engine = await startFakeEngine({ certDir: join(user.store, 'certs') });
  gate = await listen(createServer((socket) => (isOpen ? pass(socket) : held.push(socket))));
  await user.run(['create', '-d', 'none', '--url', engine.url, 'quick']);
  await addSlow('slow');
}, 60_000);

afterAll(async () => {
  await Promise.all([engine.close(), gate.close()]);
  await user.remove();
});

beforeEach(() => {
  isOpen = false;
  held = [];
});

const LS = '"$P" ls --timeout 300';
const QUICK = /^quick .* v28\.5\.2$/m;
const ASKING = /^slow +none +asking$/m;
const isWaiting = (shown: string) => QUICK.test(screenOf(shown)) && ASKING.test(screenOf(shown));

describe.runIf(existsSync(SCRIPT))('ls on a terminal', () => {
  test('shows a quick host before a slow one answers, and ends with what a pipe gets', async () => {
    let seen = 0;
    const { shown, code } = await onPty(user, LS, {
      columns: 200,
      onOutput: (until) => {
        if (!isWaiting(until) || held.length === 0) return;
        seen += 1;
        open();
      },
    });
    expect([seen, code]).toEqual([1, 0]);
    expect(screenOf(shown)).toBe((await user.run(['ls', '--timeout', '300'])).stdout);
  });

  test('leaves nothing behind where it is interrupted', async () => {
    let isTyped = false;
    const { shown, code } = await onPty(user, LS, {
      columns: 200,
      onOutput: (until, child) => {
        if (isTyped || !isWaiting(until)) return;
        isTyped = true;
        child.stdin?.write('\u0003');
      },
    });
    expect(code).toBe(130);
    expect(screenOf(shown)).toMatch(/^(\^C)?Interrupted\nHint: .*\nError id: MM_INTERRUPTED\n$/);
  });

  test('draws no more lines than the terminal has, and prints all in the end', async () => {
    const names = Array.from({ length: 20 }, (_, at) => `slow${at}`);
    await Promise.all(names.map(addSlow));
    const { shown } = await onPty(user, LS, {
      columns: 100,
      rows: 10,
      onOutput: (until) => {
        if (until.includes('asking') && until.includes('v28.5.2')) open();
      },
    });
    const drawings = shown.split('\u001b[J').slice(0, -1);
    expect(drawings.length).toBeGreaterThan(0);
    for (const drawing of drawings) expect(drawing.split('\n').length).toBeLessThanOrEqual(10);
    expect(
      shown
        .split('\u001b[J')
        .at(-1)
        ?.match(/v28\.5\.2/g),
    ).toHaveLength(22);
    await Promise.all(names.map((name) => user.run(['rm', '-y', name])));
  });

  test.each([
    ['TERM is dumb', LS, { TERM: 'dumb' }],
    ['it gives names', '"$P" ls -q', {}],
    ['it gives JSON', `${LS} --json | sed '/responseTimeMs/d'`, {}],
    ['it has a format', `${LS} -f '{{.Name}} {{.DockerVersion}}'`, {}],
    ['a filter wants the state', `${LS} --filter state=Running`, {}],
    ['it is a pipe', `${LS} | cat`, { NO_COLOR: '1' }],
  ])('is as it was where %s', async (_, program, env) => {
    open();
    const { shown } = await onPty(user, program, { columns: 200, env });
    expect(shown).not.toContain('\u001b');
    const piped = await user.exec(['sh', '-c', program], { env: { P: PROGRAM, ...env } });
    expect(shown.replaceAll('\r', '')).toBe(piped.stdout);
  });

  test('is drawn in its place again without colours, too', async () => {
    const { shown } = await onPty(user, LS, {
      columns: 200,
      env: { NO_COLOR: '1' },
      onOutput: (until) => {
        if (isWaiting(until)) open();
      },
    });
    expect(shown).not.toMatch(/\u001b\[[\d;]*m/);
    expect(shown).toContain('\u001b[J');
  });
});
