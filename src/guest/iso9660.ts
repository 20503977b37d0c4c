/** A file in the image's root folder. */
export interface IsoFile {
  /** 1-64 characters that Joliet allows: no control characters and none of `* / : ; ? \`. */
  readonly name: string;
  readonly content: Uint8Array;
}

export interface IsoImage {
  /** Up to 16 characters. cloud-init looks for a volume called `cidata`. */
  readonly volumeId: string;
  readonly files: readonly IsoFile[];
  /** Time of all files, in milliseconds since the epoch. The same input gives the same bytes. */
  readonly modified: number;
}

const SECTOR = 2048;
/** Sectors 0-15 are the system's. Descriptors, four path tables and the folders follow. */
const FIRST_DESCRIPTOR = 16;
const FIRST_PATH_TABLE = 19;
const FIRST_FOLDER = 23;
/** Bytes of a path table that names the root folder alone. */
const PATH_TABLE_BYTES = 10;

/**
 * Writes an ISO 9660 image with Joliet names (ECMA-119; Joliet Specification, 1995).
 * Linux, macOS and Windows show the Joliet names. Nobody here reads the plain 8.3 names.
 */
export function writeIso(image: IsoImage): Buffer {
  const files = [...image.files].sort((a, b) => (a.name < b.name ? -1 : 1));
  checkNames(image.volumeId, files);
  const plain = plainNames(files.map(({ name }) => name));
  // A record's length does not depend on its sector, so folders are measured before files.
  const measure = (name: (index: number) => Buffer) =>
    folder(
      0,
      files.map((file, index) => ({ id: name(index), sector: 0, bytes: file.content.length })),
      image.modified,
    ).length;
  const plainId = (index: number) => Buffer.from(plain[index] ?? '', 'latin1');
  const jolietId = (index: number) => utf16be(files[index]?.name ?? '');
  const plainFolder = { sector: FIRST_FOLDER, bytes: measure(plainId) };
  const jolietFolder = { sector: plainFolder.sector + plainFolder.bytes / SECTOR, bytes: measure(jolietId) };
  const places: number[] = [];
  let next = jolietFolder.sector + jolietFolder.bytes / SECTOR;
  for (const file of files) {
    places.push(next);
    next += Math.max(1, Math.ceil(file.content.length / SECTOR));
  }
  const iso = Buffer.alloc(next * SECTOR);
  const put = (sector: number, bytes: Uint8Array) => iso.set(bytes, sector * SECTOR);
  const records = (id: (index: number) => Buffer) =>
    files.map((file, index) => ({ id: id(index), sector: places[index] ?? 0, bytes: file.content.length }));
  put(FIRST_DESCRIPTOR, descriptor(image, next, plainFolder, { joliet: false }));
  put(FIRST_DESCRIPTOR + 1, descriptor(image, next, jolietFolder, { joliet: true }));
  put(FIRST_DESCRIPTOR + 2, Buffer.from('\u00ffCD001\u0001', 'latin1'));
  for (const [index, root] of [plainFolder, jolietFolder].entries()) {
    put(FIRST_PATH_TABLE + 2 * index, pathTable(root.sector, 'little'));
    put(FIRST_PATH_TABLE + 2 * index + 1, pathTable(root.sector, 'big'));
  }
  put(plainFolder.sector, folder(plainFolder.sector, records(plainId), image.modified));
  put(jolietFolder.sector, folder(jolietFolder.sector, records(jolietId), image.modified));
  for (const [index, file] of files.entries()) put(places[index] ?? 0, file.content);
  return iso;
}

function checkNames(volumeId: string, files: readonly IsoFile[]): void {
  if (!/^[A-Za-z0-9_-]{1,16}$/.test(volumeId)) throw new RangeError(`not a volume id: ${volumeId}`);
  for (const { name } of files) {
    if (!/^[^\u0000-\u001f*/:;?\\]{1,64}$/.test(name)) throw new RangeError(`not a Joliet name: ${name}`);
  }
  if (new Set(files.map(({ name }) => name)).size !== files.length)
    throw new RangeError('a name comes twice');
}

/** Distinct 8.3 names with the version number that ECMA-119 wants. */
function plainNames(names: readonly string[]): readonly string[] {
  return names.map((name, index) => {
    const stem = name
      .toUpperCase()
      .replace(/[^A-Z0-9]/g, '_')
      .slice(0, 4);
    return `${stem}${String(index).padStart(4, '0')}.;1`;
  });
}

interface Record {
  readonly id: Uint8Array;
  readonly sector: number;
  readonly bytes: number;
  readonly isFolder?: boolean;
}

/** ECMA-119 9.1. */
function directoryRecord({ id, sector, bytes, isFolder }: Record, modified: number): Buffer {
  const record = Buffer.alloc(33 + id.length + ((33 + id.length) % 2));
  record[0] = record.length;
  both32(record, 2, sector);
  both32(record, 10, bytes);
  const date = new Date(modified);
  record.set(
    [
      date.getUTCFullYear() - 1900,
      date.getUTCMonth() + 1,
      date.getUTCDate(),
      date.getUTCHours(),
      date.getUTCMinutes(),
      date.getUTCSeconds(),
      0,
    ],
    18,
  );
  record[25] = isFolder === true ? 2 : 0;
  both16(record, 28, 1);
  record[32] = id.length;
  record.set(id, 33);
  return record;
}

/** The root folder: itself, itself as parent, and the files. No record crosses a sector's end. */
function folder(sector: number, files: readonly Record[], modified: number): Buffer {
  const build = (bytes: number) => [
    directoryRecord({ id: Buffer.of(0), sector, bytes, isFolder: true }, modified),
    directoryRecord({ id: Buffer.of(1), sector, bytes, isFolder: true }, modified),
    ...files.map((file) => directoryRecord(file, modified)),
  ];
  const offsets: number[] = [];
  let end = 0;
  for (const record of build(0)) {
    if ((end % SECTOR) + record.length > SECTOR) end = Math.ceil(end / SECTOR) * SECTOR;
    offsets.push(end);
    end += record.length;
  }
  const content = Buffer.alloc(Math.ceil(end / SECTOR) * SECTOR);
  for (const [index, record] of build(content.length).entries()) content.set(record, offsets[index] ?? 0);
  return content;
}

function pathTable(rootSector: number, order: 'little' | 'big'): Buffer {
  const table = Buffer.alloc(PATH_TABLE_BYTES);
  table[0] = 1;
  if (order === 'little') {
    table.writeUInt32LE(rootSector, 2);
    table.writeUInt16LE(1, 6);
  } else {
    table.writeUInt32BE(rootSector, 2);
    table.writeUInt16BE(1, 6);
  }
  return table;
}

/** The primary volume descriptor, or Joliet's with names in UTF-16 (ECMA-119 8.4 and 8.5). */
function descriptor(
  { volumeId, modified }: IsoImage,
  sectors: number,
  root: { readonly sector: number; readonly bytes: number },
  { joliet }: { readonly joliet: boolean },
): Buffer {
  const encode = (text: string, bytes: number) =>
    joliet ? utf16be(text.padEnd(bytes / 2, ' ')) : Buffer.from(text.padEnd(bytes, ' '), 'latin1');
  const block = Buffer.alloc(SECTOR);
  block[0] = joliet ? 2 : 1;
  block.write('CD001\u0001', 1, 'latin1');
  block.set(encode('', 32), 8);
  block.set(encode(volumeId, 32), 40);
  both32(block, 80, sectors);
  // The escape sequence for UCS-2 level 3.
  if (joliet) block.write('%/E', 88, 'latin1');
  both16(block, 120, 1);
  both16(block, 124, 1);
  both16(block, 128, SECTOR);
  both32(block, 132, PATH_TABLE_BYTES);
  const table = FIRST_PATH_TABLE + (joliet ? 2 : 0);
  block.writeUInt32LE(table, 140);
  block.writeUInt32BE(table + 1, 148);
  block.set(directoryRecord({ id: Buffer.of(0), ...root, isFolder: true }, modified), 156);
  // Set, publisher, preparer, application and three file names, all blank: 190 to 812.
  block.set(encode('', 622), 190);
  const digits = new Date(modified).toISOString().replace(/\D/g, '').slice(0, 16);
  const unknown = '0'.repeat(16);
  for (const [index, text] of [digits, digits, unknown, unknown].entries())
    block.write(text, 813 + 17 * index, 'latin1');
  block[881] = 1;
  return block;
}

function utf16be(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}

function both16(target: Buffer, offset: number, value: number): void {
  target.writeUInt16LE(value, offset);
  target.writeUInt16BE(value, offset + 2);
}

function both32(target: Buffer, offset: number, value: number): void {
  target.writeUInt32LE(value, offset);
  target.writeUInt32BE(value, offset + 4);
}
