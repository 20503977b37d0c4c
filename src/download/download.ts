import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, rm, stat, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { freeBytes, textIfAny } from '../base/files.ts';
import { isObject } from '../base/json.ts';
import { isMachineError, messageOf } from '../base/machine-error.ts';
import type { Ports } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { waitFor } from '../base/wait.ts';
import { downloadError } from './errors.ts';
import { type HttpClient, refused } from './http.ts';

export interface DownloadRequest {
  readonly url: string;
  /**
   * Where the file grows. A download that breaks off leaves it there with a note beside it.
   * The next download of the same URL goes on from there.
   */
  readonly path: string;
  readonly checksum: Checksum;
  /** What the progress calls it. */
  readonly title: string;
  /** Bytes of the whole file at most. Left out, as many as the largest images have. */
  readonly maxBytes?: number;
}

/** The download is given up after this many attempts in a row that bring nothing. */
const FRUITLESS_ATTEMPTS = 4;
const PAUSE_MS = 1000;
/** No cloud image is as large. */
const MAX_BYTES = 16 * 1024 ** 3;
const MIB = 1024 * 1024;
/** An answer that never ends must not fill the disk. */
const RESERVE_BYTES = 64 * MIB;
/** Less than this in that time, or in a whole attempt, is no progress. */
const SLOW_BYTES = 16 * 1024;
const SLOW_MS = 60_000;

/**
 * Fetches a file and checks it while it comes.
 * A connection that is cut or falls silent is resumed, and so is the download of an earlier run.
 * A file with another checksum than expected is deleted.
 * @throws MM_DOWNLOAD_CHECKSUM, MM_DOWNLOAD_FAILED, MM_DOWNLOAD_UNREACHABLE
 */
export async function download(ports: Ports, http: HttpClient, request: DownloadRequest): Promise<void> {
  const { clock, report, signal } = ports;
  let fruitless = 0;
  const tryOnce = async (): Promise<string | undefined> => {
    const before = await sizeOf(request.path);
    try {
      return (await attempt(ports, http, request)).digest('hex');
    } catch (error) {
      signal.throwIfAborted();
      if (isMachineError(error) && error.code !== 'MM_DOWNLOAD_UNREACHABLE') throw error;
      const gained = (await sizeOf(request.path)) - before;
      fruitless = gained >= SLOW_BYTES ? 0 : fruitless + 1;
      if (fruitless >= FRUITLESS_ATTEMPTS) throw isMachineError(error) ? error : brokeOff(request, error);
      report.debug('download', `broke off (${messageOf(error)}); going on`);
      return undefined;
    }
  };
  const found = await waitFor(tryOnce, { clock, signal, intervalMs: () => PAUSE_MS * fruitless });
  const { algorithm, hex } = request.checksum;
  if (found === hex) return rm(notePath(request), { force: true });
  await discard(request);
  throw downloadError('MM_DOWNLOAD_CHECKSUM', {
    message: `${printable(request.url, 300)} has another ${algorithm} than its publisher's list says; it was deleted`,
    hint: 'Try again. If it stays so, something between here and the site changes what is downloaded.',
    details: `expected ${hex}\nreceived ${found}`,
  });
}

function brokeOff(request: DownloadRequest, cause: unknown): Error {
  return downloadError('MM_DOWNLOAD_FAILED', {
    message: `The download of ${printable(request.url, 300)} broke off: ${printable(messageOf(cause), 200)}`,
    hint: 'Try again later: it goes on where it was.',
    cause,
  });
}

/** One request to the end of the file. Gives the hash of the whole file. */
async function attempt(ports: Ports, http: HttpClient, request: DownloadRequest): Promise<Hash> {
  const validator = await readNote(request);
  // Without a validator the rest may belong to another version of the file.
  const have = validator === '' ? 0 : await sizeOf(request.path);
  const answer = await http.get(
    request.url,
    have === 0 ? {} : { range: `bytes=${have}-`, 'if-range': validator },
  );
  const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(answer.header('content-range'));
  const goesOn = answer.status === 206 && Number(range?.[1]) === have;
  if (answer.status === 416 || (answer.status === 206 && !goesOn)) {
    answer.drop();
    await discard(request);
    throw new Error('the site has another file now');
  }
  if (answer.status !== 200 && !goesOn) {
    answer.drop();
    if (answer.status >= 500) throw new Error(`HTTP status ${answer.status}`);
    throw refused(request.url, answer.status);
  }
  const hash = createHash(request.checksum.algorithm);
  const start = goesOn ? have : 0;
  if (start > 0) for await (const chunk of createReadStream(request.path)) hash.update(chunk);
  const total = goesOn ? Number(range?.[2]) : Number(answer.header('content-length'));
  const limits = await limitsOf(request, start);
  const excess = excessOf(request, total, limits);
  if (excess !== undefined) {
    answer.drop();
    await discard(request);
    throw excess;
  }
  await writeNote(request, answer.header('etag'), answer.header('last-modified'));
  const file = await open(request.path, start > 0 ? 'r+' : 'w', 0o600);
  try {
    const done = await copy(ports, request, { body: answer.body, file, hash, start, total, limits });
    if (total > 0 && done < total) throw new Error(`it ended after ${done} of ${total} bytes`);
    await file.sync();
  } finally {
    await file.close();
  }
  return hash;
}

async function copy(
  ports: Ports,
  request: DownloadRequest,
  from: {
    readonly body: AsyncIterable<Uint8Array>;
    file: FileHandle;
    hash: Hash;
    start: number;
    total: number;
    limits: Limits;
  },
): Promise<number> {
  let done = from.start;
  const { clock, report } = ports;
  let window = { begin: clock.now(), done };
  for await (const chunk of from.body) {
    await from.file.write(chunk, 0, chunk.length, done);
    from.hash.update(chunk);
    done += chunk.length;
    const excess = excessOf(request, done, from.limits);
    if (excess !== undefined) {
      await discard(request);
      throw excess;
    }
    report.progress(request.title, done, from.total, 'bytes');
    if (clock.now() - window.begin < SLOW_MS) continue;
    if (done - window.done < SLOW_BYTES)
      throw new Error(`the site is too slow: ${done - window.done} bytes in ${SLOW_MS / 1000} s`);
    window = { begin: clock.now(), done };
  }
  return done;
}

/** Bytes of the whole file. */
interface Limits {
  readonly asked: number;
  readonly room: number;
}

/** @param start bytes of it that are on the disk already */
async function limitsOf({ path, maxBytes = MAX_BYTES }: DownloadRequest, start: number): Promise<Limits> {
  return { asked: maxBytes, room: start + (await freeBytes(dirname(path))) - RESERVE_BYTES };
}

function excessOf({ url, path }: DownloadRequest, bytes: number, { asked, room }: Limits): Error | undefined {
  if (bytes > asked) {
    return downloadError('MM_DOWNLOAD_TOO_LARGE', {
      message: `${printable(url, 300)} is larger than ${Math.ceil(asked / MIB)} MiB, and was deleted here`,
      hint: 'Something on the way (a captive portal, a proxy) may be answering instead of the site.',
    });
  }
  if (!(bytes > room)) return undefined;
  return downloadError('MM_DOWNLOAD_TOO_LARGE', {
    message: `${printable(url, 300)} does not fit on the disk: ${dirname(path)} has room for ${Math.max(0, Math.floor(room / MIB))} MiB`,
    hint: 'Make room there, or put the cache elsewhere with --cache-path.',
  });
}

const notePath = ({ path }: DownloadRequest) => `${path}.json`;

async function discard(request: DownloadRequest): Promise<void> {
  await rm(request.path, { force: true });
  await rm(notePath(request), { force: true });
}

/** Keeps what If-Range takes: a strong ETag, or else the date (RFC 9110, 13.1.5). */
async function writeNote(request: DownloadRequest, etag: string, lastModified: string): Promise<void> {
  const validator = etag !== '' && !etag.startsWith('W/') ? etag : lastModified;
  await writeFile(notePath(request), JSON.stringify({ url: request.url, validator }));
}

async function readNote(request: DownloadRequest): Promise<string> {
  try {
    const note: unknown = JSON.parse(await textIfAny(notePath(request)));
    return isObject(note) && note['url'] === request.url
      ? printable(String(note['validator'] ?? ''), 200)
      : '';
  } catch {
    return '';
  }
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

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
