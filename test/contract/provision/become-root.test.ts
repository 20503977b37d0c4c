import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock as clock } from '../../../src/cli/computer/clock.ts';
import { openRootShell } from '../../../src/provision/host/root-shell.ts';
import { instructionText } from '../../../src/provision/scripts/programs.ts';
import type { SessionConnector } from '../../../src/ssh/session/connector.ts';
import { recordingReport, testConnector } from '../ssh/ports.ts';
import { removeSshd, type Sshd, startSshd } from '../ssh/sshd.ts';
import { needsSshd } from '../ssh/without.ts';

/**
 * A sudo that wants the password "secret". Like sudo-rs, it takes all that has arrived on stdin,
 * not the password's line alone.
 */
const SWALLOWING = `case " $* " in *" -n "*) echo 'sudo: interactive authentication is required' >&2; exit 1;; esac
[ "$(dd bs=65536 count=1 2>/dev/null | head -n 1)" = secret ] || { echo 'sudo: Sorry, try again' >&2; exit 1; }
while [ "$1" != -- ]; do shift; done
shift
exec "$@"`;

const says = (text: string, status = 1) => `printf '%s\\n' "${text}" >&2; exit ${status}`;

// The login user is root, whom \`id\` on the host calls by another number.
describe.runIf(needsSshd && process.getuid?.() === 0)('becoming root', () => {
  let sshd: Sshd | undefined;
  let connector: SessionConnector | undefined;
  afterEach(async () => {
    connector?.closeAll();
    await removeSshd(sshd);
  });

  /** A host whose login user has that sudo; without one, with these settings of sshd. */
  const open = async (sudo: string | undefined, settings: readonly string[] = []) => {
    sshd = await startSshd(settings);
    const bin = join(sshd.dir, 'bin');
    await mkdir(bin);
    await writeFile(join(bin, 'id'), '#!/bin/sh\necho 1000\n', { mode: 0o755 });
    if (sudo !== undefined) await writeFile(join(bin, 'sudo'), `#!/bin/sh\n${sudo}\n`, { mode: 0o755 });
    // bash reads it under sshd.
    await writeFile(join(sshd.dir, '.bashrc'), `export PATH="${bin}:$PATH"\n`);
    connector = testConnector(sshd.dir);
    const session = await connector.session(sshd.target());
    const ports = { clock, report: recordingReport(), signal: new AbortController().signal };
    const input = { ...ports, session, machineName: 'm1', sudoPassword: async () => 'secret' };
    return openRootShell(input, 'echo marker', 'marker');
  };

  test('works with a sudo that swallows what follows the password', async () => {
    const { output, shell } = await open(SWALLOWING);
    expect(output).toBe('marker\n');
    expect(await shell.run('cat', { instructions: [] })).toBe(instructionText([]));
    const long = `: ${'x'.repeat(200_000)}\necho end`;
    expect(await shell.change(long, {})).toBe('end\n');
  });

  test.each([
    [
      'requiretty',
      'sudo: sorry, you must have a tty to run sudo',
      'MM_PROVISION_SUDO',
      /wants a terminal/,
      /!requiretty/,
    ],
    [
      'an expired password',
      'sudo: Account or password is expired, reset your password and try again',
      'MM_PROVISION_LOGIN',
      /password of the user \w+ has expired/,
      /passwd/,
    ],
    [
      'no right',
      'ann is not in the sudoers file.',
      'MM_PROVISION_SUDO',
      /may not use sudo/,
      /usermod -aG sudo/,
    ],
    [
      "no right, in sudo-rs's words",
      "I'm sorry ann. I'm afraid I can't do that",
      'MM_PROVISION_SUDO',
      /may not use sudo/,
      /usermod -aG sudo/,
    ],
  ])('tells %s by what sudo says', async (_what, text, code, message, hint) => {
    await expect(open(says(text))).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
      details: expect.stringContaining(text),
    });
  });

  test.each([
    ['a nologin shell', 'This account is currently not available.', 1, /nologin/, /usermod -s/],
    [
      'an expired password of the login',
      'WARNING: Your password has expired. Password change required but no TTY available.',
      1,
      /password of the user \w+ has expired/,
      /passwd/,
    ],
    [
      'an expired account',
      'Your account has expired; contact your administrator.',
      1,
      /account of the user/,
      /chage/,
    ],
    ['a shell that answers nonsense', 'Welcome to BoxOS 3', 0, /no shell that runs commands/, /ForceCommand/],
    ['a shell that answers nothing', '', 0, /no shell that runs commands/, /ForceCommand/],
  ])('tells %s by what the login says', async (_what, text, status, message, hint) => {
    const command = `printf '%%s\\\\n' '${text}'; exit ${status}`.replace('%%', '%').replace('\\\\n', '\\n');
    await expect(open(undefined, [`ForceCommand ${command}`])).rejects.toMatchObject({
      code: 'MM_PROVISION_LOGIN',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });
});
