import { describe, expect, it } from 'vitest';
import { isMachineError } from '../../../../src/base/machine-error.ts';
import { commandEntries } from '../../../../src/cli/commands/index.ts';
import { renderError, underName } from '../../../../src/cli/talk/render-error.ts';
import type { SshTarget } from '../../../../src/ssh/contract.ts';
import { checkHostKey } from '../../../../src/ssh/keys/host-key-check.ts';
import { closedFailure, networkFailure } from '../../../../src/ssh/session/failures.ts';
import { checkTarget } from '../../../../src/ssh/target.ts';

const say = underName(
  'docker-machine',
  commandEntries.map(({ name }) => name),
);

const target: SshTarget = {
  machineName: 'h1',
  host: '192.0.2.1',
  port: 22,
  user: 'root',
  keyPath: '',
  knownHostsPath: '/nowhere/known_hosts',
  hostKeyAlias: 'h1',
  trust: 'pinned',
};

const network = (code: string) => networkFailure(Object.assign(new Error(code), { code }), target);

function thrown(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

/** Every error of a connection whose hint names a command. */
const failures = [
  network('ECONNREFUSED'),
  network('EHOSTUNREACH'),
  closedFailure(target, new Error('reset'), ''),
  await checkHostKey(
    target,
    { pinned: [], user: undefined, whyRevoked: async () => undefined },
    Buffer.from('key'),
  ).catch((error: unknown) => error),
  thrown(() => checkTarget({ ...target, host: '-x' })),
];

describe('called docker-machine, the program', () => {
  it('speaks of docker-machine in the hints about a connection', () => {
    for (const failure of failures) {
      expect(isMachineError(failure) ? failure.hint : '').toContain('mymachine ');
      const shown = renderError(failure, say);
      expect(shown).toMatch(/docker-machine (?:status|ip|host-key|inspect) h1/);
      expect(shown).not.toContain('mymachine');
    }
  });

  it('leaves alone what is no command of it', () => {
    for (const text of [
      'mymachine.json',
      '/etc/10-mymachine.conf',
      'made by mymachine, which',
      '~/mymachine ls',
    ])
      expect(say(text)).toBe(text);
    expect(say('`mymachine ls`, "mymachine --help" (sudo mymachine image build)')).toBe(
      '`docker-machine ls`, "docker-machine --help" (sudo docker-machine image build)',
    );
  });
});
