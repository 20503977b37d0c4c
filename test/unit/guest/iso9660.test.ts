import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type IsoFile, writeIso } from '../../../src/guest/iso9660.ts';

const SECTOR = 2048;
const modified = Date.UTC(2026, 0, 2, 3, 4, 5);

/** Reads an image as a kernel does: find the descriptor, walk its root folder's records. */
function readIso(iso: Buffer, joliet: boolean): { label: string; files: Map<string, Buffer> } {
  const type = joliet ? 2 : 1;
  const at = [16, 17, 18].map((sector) => sector * SECTOR).find((offset) => iso[offset] === type) ?? 0;
  expect(iso.toString('latin1', at + 1, at + 6)).toBe('CD001');
  const decode = (bytes: Buffer) =>
    joliet ? Buffer.from(bytes).swap16().toString('utf16le') : bytes.toString('latin1');
  const folder = iso.readUInt32LE(at + 156 + 2) * SECTOR;
  const bytes = iso.readUInt32BE(at + 156 + 14);
  const files = new Map<string, Buffer>();
  for (let sector = folder; sector < folder + bytes; sector += SECTOR) {
    for (let offset = sector; offset < sector + SECTOR && iso[offset] !== 0; offset += iso[offset] ?? 1) {
      const name = iso.subarray(offset + 33, offset + 33 + (iso[offset + 32] ?? 0));
      if (((iso[offset + 25] ?? 0) & 2) !== 0) continue;
      const start = iso.readUInt32LE(offset + 2) * SECTOR;
      expect(iso.readUInt32BE(offset + 6) * SECTOR).toBe(start);
      files.set(decode(name), iso.subarray(start, start + iso.readUInt32LE(offset + 10)));
    }
  }
  return { label: decode(iso.subarray(at + 40, at + 72)).trim(), files };
}

const seed: readonly IsoFile[] = ['user-data', 'meta-data', 'network-config'].map((name) => ({
  name,
  content: Buffer.from(`this is ${name}\n`),
}));

test('a seed’s files come back under their own names, and plain ISO has them too', () => {
  const iso = writeIso({ volumeId: 'cidata', files: seed, modified });
  const joliet = readIso(iso, true);
  expect(joliet.label).toBe('cidata');
  expect([...joliet.files.keys()]).toEqual(['meta-data', 'network-config', 'user-data']);
  expect(joliet.files.get('user-data')?.toString()).toBe('this is user-data\n');
  const plain = readIso(iso, false);
  expect(plain.label).toBe('cidata');
  expect([...plain.files.keys()]).toEqual(['META0000.;1', 'NETW0001.;1', 'USER0002.;1']);
});

test('whatever the files are, they come back whole', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9._ äЖ-]{1,64}$/);
  const file = fc.record({ name, content: fc.uint8Array({ maxLength: 5000 }) });
  fc.assert(
    fc.property(fc.uniqueArray(file, { selector: ({ name }) => name, maxLength: 60 }), (files) => {
      const { files: found } = readIso(writeIso({ volumeId: 'cidata', files, modified }), true);
      expect(found.size).toBe(files.length);
      for (const { name, content } of files) expect(found.get(name)?.equals(content)).toBe(true);
    }),
    { numRuns: 40 },
  );
});

test('the same files in another order give the same bytes, and another time gives others', () => {
  const image = writeIso({ volumeId: 'cidata', files: seed, modified });
  expect(writeIso({ volumeId: 'cidata', files: [...seed].reverse(), modified }).equals(image)).toBe(true);
  expect(writeIso({ volumeId: 'cidata', files: seed, modified: modified + 1000 }).equals(image)).toBe(false);
});

test.each(['', 'a/b', 'a;b', 'new\nline', 'x'.repeat(65)])('the name %j is refused', (name) => {
  expect(() => writeIso({ volumeId: 'cidata', files: [{ name, content: Buffer.of() }], modified })).toThrow(
    RangeError,
  );
});

test('the system’s own tools read it: file, blkid and isoinfo, as far as they are installed', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'iso-'));
  const path = join(folder, 'seed.iso');
  await writeFile(path, writeIso({ volumeId: 'cidata', files: seed, modified }));
  const asked = [
    ['file', '-b', path],
    ['/usr/sbin/blkid', '-p', '-o', 'value', '-s', 'LABEL', path],
    ['isoinfo', '-J', '-i', path, '-f'],
    ['isoinfo', '-J', '-i', path, '-x', '/network-config'],
  ].map(([program = '', ...args]) =>
    promisify(execFile)(program, args).then(
      ({ stdout }) => stdout,
      (error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? undefined : `failed: ${error.message}`),
    ),
  );
  const [file, blkid, names, content] = await Promise.all(asked);
  await rm(folder, { recursive: true });
  if (file !== undefined) expect(file).toMatch(/ISO 9660.*'cidata/);
  if (blkid !== undefined) expect(blkid.trim()).toBe('cidata');
  if (names !== undefined)
    expect(names.trim().split('\n')).toEqual(['/meta-data', '/network-config', '/user-data']);
  if (content !== undefined) expect(content).toBe('this is network-config\n');
});
