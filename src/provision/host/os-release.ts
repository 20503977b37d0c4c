/** What an os-release file says; missing values are ''. */
export interface OsRelease {
  /** Such as 'debian'. The file's default for a missing ID is 'linux'. */
  readonly id: string;
  readonly idLike: readonly string[];
  /** Such as '12' or '24.04'; '' on Debian unstable. */
  readonly versionId: string;
  readonly codename: string;
  readonly prettyName: string;
}

/**
 * Parses os-release(5): shell-like assignments, quoted or bare, `\` escapes `"`, `$`, `\` and the backtick; the last
 * assignment of a name counts, and lines that are none are passed over.
 */
export function parseOsRelease(text: string): OsRelease {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const match = /^\s*([A-Za-z_][A-Za-z0-9_]*)=(.*)$/.exec(line);
    if (match?.[1] !== undefined && match[2] !== undefined) values.set(match[1], unquote(match[2].trim()));
  }
  const idLike = values.get('ID_LIKE') ?? '';
  return {
    id: values.get('ID') || 'linux',
    idLike: idLike.split(/\s+/).filter((word) => word !== ''),
    versionId: values.get('VERSION_ID') ?? '',
    codename: values.get('VERSION_CODENAME') ?? values.get('UBUNTU_CODENAME') ?? '',
    prettyName: values.get('PRETTY_NAME') ?? '',
  };
}

function unquote(value: string): string {
  if (/^'[^']*'$/.test(value)) return value.slice(1, -1);
  const inner = /^"(?:[^"\\]|\\.)*"$/.test(value) ? value.slice(1, -1) : value;
  return inner.replace(/\\(["$\\`])/g, '$1');
}
