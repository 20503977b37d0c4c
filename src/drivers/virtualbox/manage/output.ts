/**
 * Readers of what VBoxManage 6.1 to 7.2 prints. Lines that are not known are dropped:
 * Debian's wrapper warns on stdout, and later versions add some.
 */

export interface Version {
  readonly major: number;
  readonly minor: number;
  readonly patch: number;
}

/** `7.2.22_Debianr175245`, on a line of its own. */
export function parseVersion(stdout: string): Version | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\D|$)/m.exec(stdout);
  if (match === null) return undefined;
  return { major: Number(match[1]), minor: Number(match[2]), patch: Number(match[3]) };
}

/** Whether a version is the wanted one or later. */
export function isAtLeast(version: Version, major: number, minor = 0, patch = 0): boolean {
  const wanted = [major, minor, patch];
  const given = [version.major, version.minor, version.patch];
  for (const [index, number] of wanted.entries()) {
    const own = given[index] ?? 0;
    if (own !== number) return own > number;
  }
  return true;
}

/** `showvminfo --machinereadable`: `key="value"`, `"key"="value"` or `key=value` a line. */
export function parseVmInfo(stdout: string): ReadonlyMap<string, string> {
  const info = new Map<string, string>();
  for (const line of stdout.split(/\r?\n/)) {
    const match = /^(?:"([^"]+)"|([A-Za-z][\w()-]*))=(?:"(.*)"|([^"].*))$/.exec(line);
    if (match === null) continue;
    const value = match[3]?.replace(/\\(["\\])/g, '$1') ?? match[4] ?? '';
    info.set(match[1] ?? match[2] ?? '', value);
  }
  return info;
}

export interface NatForward {
  readonly name: string;
  readonly protocol: string;
  readonly hostIp: string;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** NAT forwards of the first adapter: `Forwarding(0)="ssh,tcp,127.0.0.1,2322,,22"`. */
export function forwardsOf(info: ReadonlyMap<string, string>): readonly NatForward[] {
  return [...info].flatMap(([key, value]) => {
    if (!/^Forwarding\(\d+\)$/.test(key)) return [];
    const [name = '', protocol = '', hostIp = '', hostPort = '', , guestPort = ''] = value.split(',');
    return [{ name, protocol, hostIp, hostPort: Number(hostPort), guestPort: Number(guestPort) }];
  });
}

/** `list vms` and `list runningvms`: `"name" {uuid}` a line. */
export function parseVms(stdout: string): readonly { readonly name: string; readonly uuid: string }[] {
  return [...stdout.matchAll(/^"(.*)" \{([0-9a-f-]{36})\}\r?$/gm)].map(([, name = '', uuid = '']) => ({
    name,
    uuid,
  }));
}

/** Records of `Key:   value` lines. Each begins with `firstKey`. Indented lines are dropped. */
export function parseRecords(stdout: string, firstKey: string): readonly ReadonlyMap<string, string>[] {
  const records: Map<string, string>[] = [];
  for (const line of stdout.split(/\r?\n/)) {
    const match = /^([A-Za-z][\w /.()-]*):\s*(.*?)\s*$/.exec(line);
    if (match === null) continue;
    const [, key = '', value = ''] = match;
    if (key === firstKey) records.push(new Map());
    const record = records.at(-1);
    if (record !== undefined && !record.has(key)) record.set(key, value);
  }
  return records;
}

/**
 * Which machine uses which host-only adapter or network, of `list --long vms`.
 * `seen` are machines whose network cards are there to the last, or that are inaccessible.
 */
export function parseHostOnlyUsers(stdout: string): {
  readonly users: readonly { readonly uuid: string; readonly network: string }[];
  readonly seen: ReadonlySet<string>;
} {
  const users: { uuid: string; network: string }[] = [];
  const seen = new Set<string>();
  for (const part of stdout.split(/^(?=Name: )/m)) {
    const uuid = /^UUID:\s+([0-9a-f-]{36})\r?$/m.exec(part)?.[1];
    if (uuid === undefined) continue;
    if (/^NIC 8:/m.test(part) || part.startsWith('Name:            <inaccessible!>')) seen.add(uuid);
    for (const [, network = ''] of part.matchAll(
      /^NIC \d+:.*Attachment: Host[ -]only (?:Interface|Network) '([^']*)'/gim,
    ))
      users.push({ uuid, network });
  }
  return { users, seen };
}

/** `getextradata … enumerate`: `Key: K, Value: V` a line. */
export function parseExtraData(stdout: string): ReadonlyMap<string, string> {
  return new Map(
    [...stdout.matchAll(/^Key: (.*?), Value: (.*?)\r?$/gm)].map(([, key = '', value = '']) => [key, value]),
  );
}

/** `guestproperty get` and `getextradata` of one key; undefined for "No value set!". */
export function parseValue(stdout: string): string | undefined {
  return /^Value: (.*?)\r?$/m.exec(stdout)?.[1];
}

/** `dhcpserver findlease`. */
export function parseLease(stdout: string): string | undefined {
  return /^IP Address:\s+(\d{1,3}(?:\.\d{1,3}){3})\s*$/m.exec(stdout)?.[1];
}

/** The name in "Interface 'vboxnet0' was successfully created". */
export function parseCreatedAdapter(stdout: string): string | undefined {
  return /^Interface '([^'\r\n]{1,200})' was successfully created/m.exec(stdout)?.[1];
}

/** What went wrong, without the lines for VirtualBox's own developers. */
export function errorLines(stderr: string): readonly string[] {
  return [...stderr.matchAll(/^VBoxManage(?:\.exe)?: error: (.*?)\r?$/gm)]
    .map(([, text = '']) => text)
    .filter((text) => !/^(?:Details: code|Context: )/.test(text));
}
