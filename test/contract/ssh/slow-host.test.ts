import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Clock } from '../../../src/base/ports.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import { type Listening, listen } from '../../testbed/listen.ts';
import { testConnector } from './ports.ts';
import { freePort, removeSshd, type Sshd, startSshd } from './sshd.ts';
import { needsSshd } from './without.ts';

/** Time that passes by being slept. Each long sleep ends with one event of the test's. */
class EventClock implements Clock {
  readonly slept: number[] = [];
  #now = 0;
  readonly #event: (signal: AbortSignal | undefined) => Promise<void>;

  constructor(event: (signal: AbortSignal | undefined) => Promise<void>) {
    this.#event = event;
  }

  now(): number {
    return this.#now;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted();
    this.#now += ms;
    if (ms < 5000) return;
    this.slept.push(ms);
    await this.#event(signal);
    signal?.throwIfAborted();
  }
}

/** Lets this process read what has arrived for it. */
async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

describe.runIf(needsSshd)('while a host boots', () => {
  let sshd: Sshd;
  let listening: Listening | undefined;
  let connector: SessionConnector | undefined;
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterEach(async () => {
    connector?.closeAll();
    await listening?.close();
  });
  afterAll(() => removeSshd(sshd));

  test('a last try that the end cuts short does not hide why the one before failed', async () => {
    const port = await freePort();
    const silent = createServer();
    let now = 0;
    const clock: Clock = {
      now: () => now,
      async sleep(ms, signal) {
        signal?.throwIfAborted();
        // The watch over the first try, which is refused. Then a pause, and the last watch.
        if (ms === 1000) return once(signal as AbortSignal, 'abort').then(() => signal?.throwIfAborted());
        if (ms === 200) {
          await new Promise<void>((resolve) => silent.listen(port, '127.0.0.1', resolve));
          now = 200;
        } else now = 1000;
      },
    };
    connector = testConnector(sshd.dir, { clock });
    const waiting = connector.sessionWhenUp(sshd.target({ port }), { timeoutMs: 1000 });
    await expect(waiting).rejects.toMatchObject({ code: 'MM_SSH_REFUSED' });
    expect(now).toBe(1000);
    silent.close();
  });

  test('a login that makes progress is left alone, however slow it is', async () => {
    let connections = 0;
    let isFree = false;
    const held: { into: Socket; chunk: Buffer }[] = [];
    const arrived: (() => void)[] = [];
    // A slow way: what the host sends waits until the clock lets a piece of it pass.
    const way = createServer((socket) => {
      connections += 1;
      const host = connect(sshd.port, '127.0.0.1');
      socket.pipe(host);
      host.on('data', (chunk: Buffer) => {
        if (isFree) return void socket.write(chunk);
        held.push({ into: socket, chunk });
        for (const go of arrived.splice(0)) go();
      });
      for (const end of [socket, host]) end.on('error', () => undefined);
      socket.once('close', () => host.destroy());
      host.once('close', () => socket.destroy());
    });
    listening = await listen(way);
    const clock = new EventClock(async (signal) => {
      while (held.length === 0) {
        if (signal?.aborted === true) return;
        await new Promise<void>((resolve) => {
          arrived.push(resolve);
          signal?.addEventListener('abort', () => resolve(), { once: true });
        });
      }
      const next = held.shift();
      // What has been let through is with the client when it has read it.
      if (next !== undefined)
        await new Promise<void>((resolve) => next.into.write(next.chunk, () => resolve()));
      await turns(20);
    });
    connector = testConnector(sshd.dir, { clock });
    const target = sshd.target({ port: listening.port });
    const session = await connector.sessionWhenUp(target, { timeoutMs: 600_000 });
    isFree = true;
    for (const { into, chunk } of held.splice(0)) into.write(chunk);
    expect((await session.exec(['echo', 'hello'])).stdout).toBe('hello\n');
    expect(connections).toBe(1);
    // Longer than any single try used to be given.
    expect(clock.slept.length).toBeGreaterThan(3);
  });

  test('a host that takes the connection and says nothing gets more time with each try', async () => {
    const greeted: (() => void)[] = [];
    let clients = 0;
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      // The client says who it is once it is connected.
      socket.once('data', () => {
        clients += 1;
        for (const go of greeted.splice(0)) go();
      });
    });
    listening = await listen(silent);
    let tries = 0;
    const clock = new EventClock(async () => {
      // A try has two such times: until it is taken, and until it is given up.
      tries += 0.5;
      while (clients < tries) await new Promise<void>((resolve) => greeted.push(resolve));
      await turns(20);
    });
    connector = testConnector(sshd.dir, { clock });
    const target = sshd.target({ port: listening.port });
    await expect(connector.sessionWhenUp(target, { timeoutMs: 100_000 })).rejects.toMatchObject({
      code: 'MM_SSH_TIMEOUT',
      message: expect.stringMatching(/does not answer as an SSH server within 100 s/),
    });
    const distinct = [...new Set(clock.slept)];
    expect(distinct.slice(0, 3)).toEqual([5000, 10_000, 20_000]);
  });
});
