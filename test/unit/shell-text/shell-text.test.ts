import { describe, expect, test } from 'vitest';
import { keeperArgv } from '../../../src/drivers/nspawn/container/supervisor.ts';
import joinAndRun from '../../../src/drivers/nspawn/network/join-and-run.sh';
import prepareHostKey from '../../../src/machine/life/prepare-host-key.sh';
import reboot from '../../../src/machine/life/reboot.sh';
import switchHostKey from '../../../src/machine/life/switch-host-key.sh';
import { openRootShell, type RootShellInput } from '../../../src/provision/host/root-shell.ts';
import {
  commitProgram,
  factsProgram,
  installProgram,
  settledFactsProgram,
  uninstallProgram,
  upgradeProgram,
} from '../../../src/provision/scripts/programs.ts';
import endCommand from '../../../src/ssh/session/end-command.sh';
import { writeFileArgv } from '../../../src/ssh/session/write-file.ts';
import { checkRemoteFolder } from '../../../src/ssh/system/sshfs.ts';
import { recordingReport } from '../../contract/ssh/ports.ts';

/** The text of every program that is sent to a host, byte for byte. */
const programs = {
  facts: factsProgram,
  'settled-facts': settledFactsProgram,
  install: installProgram,
  uninstall: uninstallProgram,
  upgrade: upgradeProgram,
  commit: commitProgram,
  'end-command': endCommand,
  'write-file': writeFileArgv('/etc/it', 0o640, 12).join('\0'),
  'prepare-host-key': prepareHostKey,
  'switch-host-key': switchHostKey,
  reboot,
  'join-and-run': joinAndRun,
  supervisor: keeperArgv({
    folder: '/f',
    rootDir: '/r',
    netns: 'n',
    unit: 'u',
    unifiedGroup: '/g',
    otherGroups: ['/o'],
    hasTun: true,
    hasModules: true,
  }).join('\0'),
};

/** What a session is asked to run, and what it says of each. */
function session(answers: readonly { stdout?: string; stderr?: string; exitCode?: number }[]) {
  const asked: string[] = [];
  const exec = async (argv: readonly string[], options: { input?: string } = {}) => {
    asked.push(`${argv.join('\0')}\n<<<\n${options.input ?? ''}`);
    return { stdout: '', stderr: '', exitCode: 0, signalName: undefined, ...answers[asked.length - 1] };
  };
  return { asked, exec, target: { user: 'me', machineName: 'm1', host: 'h' } };
}

async function rootShell(by: ReturnType<typeof session>): Promise<string> {
  const signal = new AbortController().signal;
  const input = { session: by, machineName: 'm1', signal, sudoPassword: async () => 'secret' };
  const ports = { ...input, report: recordingReport(), clock: { now: () => 0, sleep: async () => {} } };
  const { shell } = await openRootShell(ports as unknown as RootShellInput, 'echo marker', 'marker');
  await shell.change('echo two', { input: 'name dmFsdWU=\n' });
  return by.asked.join('\n===\n');
}

describe('the text of what is sent to hosts is as recorded', () => {
  test.each(Object.entries(programs))('%s', async (name, text) => {
    await expect(text).toMatchFileSnapshot(`golden/${name}.txt`);
  });
  test('a root shell without a password', async () => {
    const by = session([{ stdout: 'marker\n' }]);
    await expect(await rootShell(by)).toMatchFileSnapshot('golden/root-shell.txt');
  });
  test('a root shell with one', async () => {
    const by = session([{ stderr: 'sudo: a password is required', exitCode: 1 }, { stdout: 'root\n' }]);
    await expect(await rootShell(by)).toMatchFileSnapshot('golden/root-shell-password.txt');
  });
  test('a look at a folder', async () => {
    const by = session([{}]);
    const target = by.target as unknown as Parameters<typeof checkRemoteFolder>[1]['target'];
    await checkRemoteFolder(by as unknown as Parameters<typeof checkRemoteFolder>[0], {
      target,
      path: '~/x',
    });
    await expect(by.asked[0]).toMatchFileSnapshot('golden/remote-folder.txt');
  });
});
