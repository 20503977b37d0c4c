import { afterEach, beforeEach, expect, test } from 'vitest';
import { throughReboot } from '../../../../src/machine/life/power.ts';
import { Machine } from '../../../../src/machine/machine.ts';
import type { SshConnector, SshSession, SshTarget } from '../../../../src/ssh/contract.ts';
import { sshError } from '../../../../src/ssh/errors.ts';
import { UserStore } from '../user-store.ts';

let user: UserStore;

beforeEach(async () => {
  user = await UserStore.make();
  await user.addMachine('h1');
});
afterEach(() => user.remove());

/**
 * What the host says to each question in turn: a boot's id,
 * or the code that it is answered with. The last is repeated.
 */
function hostThatSays(answers: readonly string[]) {
  let asked = 0;
  const session = async (target: SshTarget): Promise<SshSession> => {
    const answer = answers[Math.min(asked, answers.length - 1)] ?? '';
    asked += 1;
    if (answer === 'MM_SSH_TIMEOUT' || answer === 'MM_SSH_AUTH')
      throw sshError(answer, { message: 'no', hint: 'none' });
    const result = { stdout: `${answer}\n`, stderr: '', exitCode: 0, signalName: undefined };
    const unused = () => Promise.reject(new Error('only asked for its boot'));
    return {
      target,
      remoteAddress: '192.0.2.1',
      exec: async () => result,
      writeFile: unused,
      connectUnix: unused,
      close: () => undefined,
    };
  };
  const connector: SshConnector = { session, sessionWhenUp: session, closeAll: () => undefined };
  return { connector, questions: () => asked };
}

async function restarted(answers: readonly string[]) {
  const host = hostThatSays(answers);
  // Time passes as it is slept.
  const clock = {
    now: () => user.now,
    sleep: async (ms: number) => {
      user.now += ms;
    },
  };
  const machine = await Machine.open({ ...user.deps, clock, ssh: async () => host.connector }, 'h1');
  let isAsked = false;
  await throughReboot(machine, 60_000, async () => {
    isAsked = true;
  });
  expect(isAsked).toBe(true);
  return host.questions();
}

test('a host that answers from the old boot, and then not at all, is waited for until it answers from a new one', async () => {
  expect(await restarted(['one', 'one', 'one', 'MM_SSH_TIMEOUT', 'two'])).toBe(5);
});

test('a host that did not answer before is waited for until it does', async () => {
  expect(await restarted(['MM_SSH_TIMEOUT', 'MM_SSH_TIMEOUT', 'two'])).toBe(3);
});

test('a host that does not let us in cannot be asked, and is not waited for', async () => {
  expect(await restarted(['MM_SSH_AUTH'])).toBe(1);
});

test('a host that stays in its boot is an error with what to do', async () => {
  await expect(restarted(['one'])).rejects.toMatchObject({
    code: 'MM_MACHINE_STATE',
    message: expect.stringContaining('60 s'),
    hint: expect.any(String),
  });
});
