import { chmod, lstat, mkdir, rm, utimes } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { createAtomic, readText } from '../../../base/files.ts';
import { codeOf } from '../../../base/machine-error.ts';
import type { Ports } from '../../../base/ports.ts';

/**
 * Adapters are the computer's, and VirtualBox keeps machines, DHCP servers and our notes by user.
 * So what a user has in a network is a file that all users see, and that nobody else can delete.
 */
const FOLDER =
  process.platform === 'win32' ? 'C:\\ProgramData\\mymachine-virtualbox' : '/var/tmp/mymachine-virtualbox';

/** Claims of the users of this computer: an address, or `dhcp-192.168.60.0`. */
export class Claims {
  readonly #ports: Pick<Ports, 'clock' | 'report'>;
  readonly #folder: string;

  constructor(ports: Pick<Ports, 'clock' | 'report'>, folder: string = FOLDER) {
    this.#ports = ports;
    this.#folder = folder;
  }

  /** Whether it is this user's from now on, and not another's. Told again, it is renewed. */
  async take(name: string): Promise<boolean> {
    const path = join(this.#folder, name);
    try {
      // The mode is set by hand: the umask takes bits away. It is the first user's alone to set.
      if ((await mkdir(this.#folder, { recursive: true })) !== undefined) await chmod(this.#folder, 0o1777);
      if (await createAtomic(path, `${userInfo().username}\n`, 0o644)) return true;
      if (!(await isOwn(path))) return false;
      // What nobody touches for a month is cleaned away there.
      const now = new Date(this.#ports.clock.now());
      await utimes(path, now, now);
      return true;
    } catch (error) {
      // Without the folder, all is as with one user.
      this.#ports.report.debug('virtualbox', `no claim of ${name}: ${codeOf(error)}`);
      return true;
    }
  }

  async release(name: string): Promise<void> {
    const path = join(this.#folder, name);
    if (await isOwn(path)) await rm(path, { force: true });
  }
}

/** Windows does not tell whose a file is: its content does. */
async function isOwn(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() !== true) return false;
  if (process.platform !== 'win32') return found.uid === process.getuid?.();
  return (await readText(path, 1024).catch(() => ''))?.trim() === userInfo().username;
}
