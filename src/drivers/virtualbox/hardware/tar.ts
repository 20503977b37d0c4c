/**
 * A file, or without content a folder, of a tar archive (POSIX ustar):
 * a header of 512 bytes and the content, filled up to the next 512.
 */
export function tarFile(name: string, content: Uint8Array | undefined): Buffer {
  const size = content?.length ?? 0;
  const entry = Buffer.alloc(512 + Math.ceil(size / 512) * 512);
  const octal = (value: number, digits: number) => value.toString(8).padStart(digits, '0');
  entry.write(name, 0, 100, 'utf8');
  entry.write(content === undefined ? '0000700' : '0000644', 100);
  entry.write('0000000', 108);
  entry.write('0000000', 116);
  entry.write(octal(size, 11), 124);
  entry.write(octal(0, 11), 136);
  entry.write('        ', 148);
  entry.write(content === undefined ? '5' : '0', 156);
  entry.write('ustar\u000000', 257, 'latin1');
  const sum = entry.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  entry.write(`${octal(sum, 6)}\u0000 `, 148, 'latin1');
  if (content !== undefined) entry.set(content, 512);
  return entry;
}
