/** A file's checksum as its publisher gives it. */
export interface Checksum {
  readonly algorithm: 'sha256' | 'sha512';
  /** Lower-case. */
  readonly hex: string;
}

const DIGITS: Readonly<Record<Checksum['algorithm'], number>> = { sha256: 64, sha512: 128 };

/** Finds a file in a list such as SHA256SUMS. Its lines are `HEX  NAME` or `HEX *NAME`. */
export function findChecksum(
  list: string,
  file: string,
  algorithm: Checksum['algorithm'],
): Checksum | undefined {
  for (const line of list.split('\n')) {
    const match = /^([0-9a-fA-F]+)[ \t]+\*?(?:\.\/)?(\S+)\s*$/.exec(line);
    if (match?.[2] === file && match[1]?.length === DIGITS[algorithm]) {
      return { algorithm, hex: match[1].toLowerCase() };
    }
  }
  return undefined;
}

/** `sha256:HEX` or `sha512:HEX`. */
export function parseDigest(text: string): Checksum | undefined {
  const match = /^(sha256|sha512):([0-9a-fA-F]+)$/.exec(text);
  const algorithm = match?.[1] === 'sha512' ? 'sha512' : 'sha256';
  return match?.[2]?.length === DIGITS[algorithm] ? { algorithm, hex: match[2].toLowerCase() } : undefined;
}
