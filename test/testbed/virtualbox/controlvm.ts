import type { RunResult } from '../../../src/base/ports.ts';
import * as answers from './answers.ts';
import type { Guest } from './guest.ts';
import { parseForward, parseReport } from './hardware.ts';
import type { Reply } from './shim.ts';

export interface ControlPorts {
  /** The real program, for what is written down beside being done. */
  real(args: readonly string[]): Promise<RunResult>;
  save(guest: Guest): Promise<Reply>;
}

/** `controlvm NAME WORD...` of a machine that runs. */
export async function controlGuest(
  guest: Guest,
  words: readonly string[],
  ports: ControlPorts,
): Promise<Reply> {
  const [verb = '', ...rest] = words;
  switch (verb) {
    case 'poweroff':
      await guest.powerOff();
      return answers.doneWithProgress;
    case 'acpipowerbutton':
      await guest.pressPowerButton();
      return answers.done();
    case 'reset':
      await guest.reset();
      return answers.done();
    case 'pause':
      if (guest.state === 'paused') return answers.wrongState('Invalid machine state: Paused');
      await guest.pause();
      return answers.done();
    case 'resume':
      if (guest.state === 'running')
        return answers.wrongState('Cannot resume the machine as it is not paused (machine state: Running)');
      await guest.resume();
      return answers.done();
    case 'savestate':
      return ports.save(guest);
  }
  const slot = Number(/^(?:natpf|setlinkstate)([1-8])$/.exec(verb)?.[1]);
  if (verb.startsWith('natpf') && slot > 0) return changeForward(guest, slot, rest, ports);
  if (verb.startsWith('setlinkstate') && slot > 0) {
    await guest.setLink(slot, rest[0] === 'on');
    return answers.done();
  }
  return answers.notSupported(`controlvm ${verb}`);
}

/** The rule goes into the machine's settings, as it does with VirtualBox, and into effect. */
async function changeForward(
  guest: Guest,
  slot: number,
  rest: readonly string[],
  { real }: ControlPorts,
): Promise<Reply> {
  const { uuid } = guest.hardware;
  const isRemoval = rest[0] === 'delete';
  const report = parseReport((await real(['showvminfo', uuid, '--machinereadable'])).stdout);
  const rules = [...report].flatMap(([key, rule]) =>
    key.startsWith('Forwarding(') ? [parseForward(rule)] : [],
  );
  const { stdout, stderr, exitCode = 1 } = await real(['modifyvm', uuid, `--natpf${slot}`, ...rest]);
  if (exitCode !== 0) return { stdout, stderr, exitCode };
  const rule = isRemoval ? rules.find(({ name }) => name === rest[1]) : parseForward(rest[0] ?? '');
  if (rule !== undefined) await (isRemoval ? guest.removeForward(slot, rule) : guest.addForward(slot, rule));
  return answers.done();
}
