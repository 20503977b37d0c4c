import { printable } from '../base/printable.ts';
import type { FolderMount, ProvisionInput } from './contract.ts';
import type { RootShell } from './host/root-shell.ts';
import { mountsProgram, readAnswers } from './scripts/programs.ts';

/** Mounts the folders now and at each boot. What cannot be mounted is warned of: the host works. */
export async function mountFolders(
  shell: RootShell,
  { report, session, machineName }: Pick<ProvisionInput, 'report' | 'session' | 'machineName'>,
  folders: readonly FolderMount[],
): Promise<void> {
  if (folders.length === 0) return;
  const output = await shell.run(mountsProgram, {
    instructions: [
      ['owner', session.target.user],
      ...folders.flatMap(
        ({ type, what, where }) =>
          [
            ['type', type],
            ['what', what],
            ['where', where],
          ] as const,
      ),
    ],
  });
  const outcomes = readAnswers(output).all('outcome');
  for (const [index, { type, where, remedy }] of folders.entries()) {
    const [, kind = '', why = ''] = /^(\w+) ?(.*)$/s.exec(outcomes[index] ?? '') ?? [];
    const place = printable(where, 200);
    if (kind === 'covered')
      report.warn(
        `(${machineName}) The shared folder is not mounted at ${place}: the host has something there. Share it under another name.`,
      );
    if (kind === 'missing')
      report.warn(
        `(${machineName}) The shared folder is not mounted at ${place}: the host's kernel has no ${type}. ${remedy}`,
      );
    if (kind === 'failed')
      report.warn(
        `(${machineName}) The shared folder is not mounted at ${place}: ${printable(why, 200) || 'mount failed'}. "journalctl -u 'mymachine-mount-*'" there says more.`,
      );
  }
}
