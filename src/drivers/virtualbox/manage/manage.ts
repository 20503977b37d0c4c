import { isMachineError } from '../../../base/machine-error.ts';
import type { Ports, Programs, RunResult } from '../../../base/ports.ts';
import { printable } from '../../../base/printable.ts';
import { waitFor } from '../../../base/wait.ts';
import type { DriverContext } from '../../../sdk/context.ts';
import type { MachineState } from '../../../sdk/driver.ts';
import { isOurs, type VirtualBoxConfig } from '../config.ts';
import { virtualboxError } from '../errors.ts';
import { explain, howToInstall } from './explain.ts';
import { parseVmInfo } from './output.ts';

interface ManageOptions {
  readonly timeoutMs?: number;
  readonly input?: Uint8Array;
  /** Waits for a lock that is about to go, as of a machine that has just been switched off. */
  readonly patient?: boolean;
  /** Beside exit status 0 errors are of other machines, such as those whose disk is unplugged. */
  readonly tolerant?: boolean;
}

/** Passes in a moment: the machine's process ends now, or the server, soon after its last call. */
const MOMENTARY =
  /Failed to create the VirtualBox object|NS_ERROR_ABORT|E_ABORT|NS_ERROR_CALL_FAILED|RPC_S_SERVER_UNAVAILABLE|0x800706b[ae]|object is not ready/i;
/** What they print decides what is removed. */
const READERS = ['list', 'showvminfo', 'getextradata'];
const BEING_UNLOCKED = /already locked|while it is locked|being unlocked/;
const RETRY_FOR_MS = 15_000;
const RETRY_EVERY_MS = 300;
const TIMEOUT_MS = 120_000;

/**
 * VBoxManage translates arguments and output, and stops at what the locale lacks.
 * Not every macOS has C.UTF-8. Windows has its own code page, whatever stands here.
 */
function english(platform: NodeJS.Platform = process.platform): Readonly<Record<string, string>> {
  const locale = platform === 'darwin' ? 'en_US.UTF-8' : 'C.UTF-8';
  return { LC_ALL: locale, LANG: locale, LANGUAGE: 'C' };
}

/**
 * Runs VBoxManage and gives what it printed, to the last line.
 * Some commands fail with exit status 0.
 */
export async function manage(
  ports: Ports,
  args: readonly string[],
  options: ManageOptions = {},
): Promise<string> {
  const program = await findManage(ports.programs);
  if (program === undefined) throw missing();
  const wait = { clock: ports.clock, timeoutMs: RETRY_FOR_MS, intervalMs: RETRY_EVERY_MS };
  let stderr = '';
  const output = await waitFor(
    async () => {
      const result = await ports.programs.run([program, ...args], {
        env: english(),
        timeoutMs: options.timeoutMs ?? TIMEOUT_MS,
        signal: ports.signal,
        ...(options.input === undefined ? {} : { input: options.input }),
      });
      say(ports, args, result);
      if (result.timedOut) throw tooSlow(args, options.timeoutMs ?? TIMEOUT_MS);
      ({ stderr } = result);
      const isSound = options.tolerant === true || !/^VBoxManage(?:\.exe)?: error: /m.test(stderr);
      if (result.exitCode === 0 && isSound) {
        if (READERS.includes(args[0] ?? '') && /[^\n]$/.test(result.stdout)) throw cut(args);
        return result.stdout;
      }
      const passes = MOMENTARY.test(stderr) || (options.patient === true && BEING_UNLOCKED.test(stderr));
      if (!passes) throw explain(args, stderr);
      return undefined;
    },
    { ...wait, signal: ports.signal },
  );
  if (output === undefined) throw explain(args, stderr);
  return output;
}

/** What ends early may lack machines, and their networks must not go. */
export function cut(args: readonly string[]): Error {
  return virtualboxError('MM_VBOX_CUT', {
    message: `VBoxManage ${args.slice(0, 3).join(' ')} did not print all that it has`,
    hint: 'It stops at letters that it cannot print: give what is called so in VirtualBox a name of ASCII letters.',
  });
}

function missing(): Error {
  return virtualboxError('MM_VBOX_MISSING', {
    message: 'VBoxManage was not found: VirtualBox is not installed, or not in the usual places',
    hint: howToInstall(),
  });
}

function say({ report }: Ports, args: readonly string[], { exitCode, stdout, stderr }: RunResult): void {
  report.debug(
    'virtualbox',
    `VBoxManage ${printable(args.join(' '), 1000)} -> ${exitCode ?? 'no exit status'}`,
  );
  // The long answers are known; what goes wrong is wanted in full.
  if (exitCode !== 0) {
    for (const line of `${stdout}\n${stderr}`.split('\n').slice(0, 60))
      if (line.trim() !== '') report.debug('virtualbox', printable(line, 1000));
  }
}

function tooSlow(args: readonly string[], timeoutMs: number): Error {
  return virtualboxError('MM_VBOX_FAILED', {
    message: `VBoxManage ${args.slice(0, 2).join(' ')} did not end within ${timeoutMs / 1000} s`,
    hint: 'End the process VBoxSVC when no machine runs, then try again.',
  });
}

/** Installers keep their folder in one of these. On Windows they do not put it into PATH. */
export const FOLDER_VARIABLES = ['VBOX_INSTALL_PATH', 'VBOX_MSI_INSTALL_PATH'];

/** Where installers put VBoxManage when nothing leads to it. */
const USUAL_PLACES: Readonly<Partial<Record<NodeJS.Platform, readonly string[]>>> = {
  linux: ['/usr/bin/VBoxManage', '/usr/lib/virtualbox/VBoxManage', '/opt/VirtualBox/VBoxManage'],
  darwin: ['/usr/local/bin/VBoxManage', '/Applications/VirtualBox.app/Contents/MacOS/VBoxManage'],
  win32: [
    'C:\\Program Files\\Oracle\\VirtualBox\\VBoxManage.exe',
    'C:\\Program Files (x86)\\Oracle\\VirtualBox\\VBoxManage.exe',
  ],
};

/** The full path of VBoxManage, or undefined. */
export async function findManage(
  programs: Programs,
  platform: NodeJS.Platform = process.platform,
): Promise<string | undefined> {
  for (const candidate of ['VBoxManage', ...(USUAL_PLACES[platform] ?? [])]) {
    const path = await programs.find(candidate, FOLDER_VARIABLES);
    if (path !== undefined) return path;
  }
  return undefined;
}

/** What of a context names the machine in VirtualBox. */
type VmContext = Pick<
  DriverContext<VirtualBoxConfig>,
  'clock' | 'report' | 'programs' | 'signal' | 'machine' | 'config'
>;

/** `showvminfo --machinereadable` as its keys and values. */
export type VmInfo = ReadonlyMap<string, string>;

/** How VirtualBox calls the machine: by the machine's id, or docker-machine's by their name. */
export function vmOf({ machine, config }: VmContext): string {
  return isOurs(config) ? machine.id : machine.name;
}

/** What VirtualBox knows of the machine, or undefined when it knows none. */
export async function vmInfo(context: VmContext): Promise<VmInfo | undefined> {
  try {
    return parseVmInfo(await manage(context, ['showvminfo', vmOf(context), '--machinereadable']));
  } catch (error) {
    if (isMachineError(error, 'MM_VBOX_GONE')) return undefined;
    throw error;
  }
}

/** VirtualBox's states (MachineState in its SDK reference) in docker-machine's words. */
const STATES: Readonly<Record<string, MachineState>> = {
  running: 'Running',
  paused: 'Paused',
  saved: 'Saved',
  'aborted-saved': 'Saved',
  poweroff: 'Stopped',
  aborted: 'Stopped',
  teleported: 'Stopped',
  starting: 'Starting',
  restoring: 'Starting',
  settingup: 'Starting',
  stopping: 'Stopping',
  saving: 'Stopping',
  gurumeditation: 'Error',
  stuck: 'Error',
};

export function stateOf(info: VmInfo): MachineState {
  const word = info.get('VMState') ?? '';
  // While snapshots are taken or disks merged the machine runs on.
  return (
    STATES[word] ??
    (/^(?:livesnapshotting|onlinesnapshotting|deletingsnapshotlive)/.test(word) ? 'Running' : 'None')
  );
}
