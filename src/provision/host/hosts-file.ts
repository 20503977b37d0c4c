/** Our line of /etc/hosts: what stood there before (null for nothing), and what does now. */
export interface HostsLine {
  readonly before: string | null;
  readonly after: string;
}

/**
 * /etc/hosts with a line for the host's own name, as Debian has it: in place of the 127.0.1.1 line,
 * or added. undefined when the name is in there.
 */
export function withOwnName(
  text: string,
  name: string,
): { readonly text: string; readonly line: HostsLine } | undefined {
  const lines = text.split('\n');
  if (lines.some((line) => (line.split('#')[0] ?? '').split(/\s+/).slice(1).includes(name))) return undefined;
  const after = `127.0.1.1 ${name}`;
  const at = lines.findIndex((line) => /^\s*127\.0\.1\.1\s/.test(line));
  if (at >= 0) {
    const before = lines[at] ?? null;
    return { text: lines.with(at, after).join('\n'), line: { before, after } };
  }
  const separator = text === '' || text.endsWith('\n') ? '' : '\n';
  return { text: `${text}${separator}${after}\n`, line: { before: null, after } };
}

/** /etc/hosts as it was without our line; what else was changed there stays. */
export function withoutOwnName(text: string, line: HostsLine | undefined): string {
  if (line === undefined) return text;
  const lines = text.split('\n');
  const at = lines.indexOf(line.after);
  if (at < 0) return text;
  return (line.before === null ? lines.toSpliced(at, 1) : lines.with(at, line.before)).join('\n');
}
