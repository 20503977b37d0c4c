/**
 * What the testbed knows of a machine's state, where VBoxManage itself takes it for switched off.
 */
export interface LiveState {
  readonly state: 'running' | 'paused' | 'aborted';
  /** Milliseconds since the epoch. */
  readonly since: number;
}

/** Nanoseconds, without a zone. */
const time = (ms: number) => new Date(ms).toISOString().replace(/Z$/, '000000');

const SESSION = ['SessionName="headless"', 'VideoMode="720,400,0"@0,0 1'];
const REMOTE_DISPLAY = ['VRDEActiveConnection="off"', 'VRDEClients==0'];

/** `showvminfo --machinereadable`. A machine that runs has a few lines more. */
export function withState(text: string, { state, since }: LiveState): string {
  const more = (key: string) =>
    state === 'aborted' ? [] : key === 'draganddrop' ? SESSION : key === 'xhci' ? REMOTE_DISPLAY : [];
  return text
    .split('\n')
    .flatMap((line) => {
      const key = line.split('=')[0] ?? '';
      if (key === 'VMState') return [`VMState="${state}"`];
      if (key === 'VMStateChangeTime') return [`VMStateChangeTime="${time(since)}"`];
      return [line, ...more(key)];
    })
    .join('\n');
}

/** `showvminfo` and `list --long vms`, for people: each machine's lines follow its UUID. */
export function withStates(text: string, live: (uuid: string) => LiveState | undefined): string {
  let current: LiveState | undefined;
  return text
    .split('\n')
    .map((line) => {
      const uuid = /^UUID:\s+(\S+)/.exec(line)?.[1];
      if (uuid !== undefined) current = live(uuid);
      return current !== undefined && /^State:\s/.test(line)
        ? `${'State:'.padEnd(29)}${current.state} (since ${time(current.since)})`
        : line;
    })
    .join('\n');
}
