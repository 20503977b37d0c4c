/**
 * A local port (on 127.0.0.1) that leads to one of the guest. Host 0 stands for any that is free.
 */
export interface Forward {
  readonly host: number;
  readonly guest: number;
  readonly protocol: 'tcp' | 'udp';
}

/** `HOST:GUEST[/udp]`, `:GUEST` or `GUEST`. undefined for what is none of them. */
export function parsePublish(value: string): Forward | undefined {
  const match = /^(?:(\d{0,5}):)?(\d{1,5})(?:\/(tcp|udp))?$/.exec(value.trim());
  const host = Number(match?.[1] ?? 0);
  const guest = Number(match?.[2] ?? 0);
  if (match === null || host > 65535 || guest < 1 || guest > 65535) return undefined;
  return { host, guest, protocol: match[3] === 'udp' ? 'udp' : 'tcp' };
}

/** QEMU's -netdev user option for it. */
export function hostForward({ host, guest, protocol }: Forward): string {
  return `hostfwd=${protocol}:127.0.0.1:${host}-:${guest}`;
}
