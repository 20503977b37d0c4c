import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { isObject } from '../base/json.ts';
import { isMachineError, messageOf } from '../base/machine-error.ts';
import type { Ports } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { imageError } from '../images/errors.ts';
import type { Checksum } from './checksum.ts';
import { type HttpClient, refused } from './http.ts';

export interface DownloadRequest {
  readonly url: string;
  /** Where the file grows. It stays, with a note beside it, when the download breaks off, and the next one goes on there. */
  readonly path: string;
  readonly checksum: Checksum;
  /** For the progress: what it is. */
  readonly title: string;
}

/** Attempts in a row that bring nothing, before it is given up. */
const FRUITLESS_ATTEMPTS = 4;
const PAUSE_MS = 1000;
/** No cloud image is as large; a site that never ends must not fill the disk. */
const MAX_BYTES = 16 * 1024 ** 3;

/**
 * Fetches a file and checks it while it comes. A connection that is cut or falls silent is taken up where it was; so is a
 * download that an earlier run left. What does not have the publisher's checksum is deleted: MM_IMAGE_CHECKSUM.
 */
export async function download(ports: Ports, http: HttpClient, request: DownloadRequest): Promise<void> {
  let fruitless = 0;
  for (;;) {
    const before = await sizeOf(request.path);
    try {
      const hash = await attempt(ports, http, request);
      const found = hash.digest('hex');
      if (found === request.checksum.hex) {
        await rm(notePath(request), { force: true });
        return;
      }
      await discard(request);
      throw imageError('MM_IMAGE_CHECKSUM', {
        message: `${printable(request.url, 300)} has another ${request.checksum.algorithm} than its publisher's list says; it was deleted`,
        hint: 'Try again. If it stays so, something between here and the site changes what is downloaded.',
        details: `expected ${request.checksum.hex}\nreceived ${found}`,
      });
    } catch (error) {
      ports.signal.throwIfAborted();
      if (isMachineError(error) && error.code !== 'MM_IMAGE_UNREACHABLE') throw error;
      fruitless = (await sizeOf(request.path)) > before ? 0 : fruitless + 1;
      if (fruitless >= FRUITLESS_ATTEMPTS) throw isMachineError(error) ? error : brokeOff(request, error);
      ports.report.debug('image', `download broke off (${messageOf(error)}); going on`);
      await ports.clock.sleep(PAUSE_MS * fruitless, ports.signal);
    }
  }
}

function brokeOff(request: DownloadRequest, cause: unknown): Error {
  return imageError('MM_IMAGE_DOWNLOAD', {
    message: `The download of ${printable(request.url, 300)} broke off: ${printable(messageOf(cause), 200)}`,
    hint: 'Try again later: it goes on where it was.',
    cause,
  });
}

/** One request to the end of the file; gives the hash over all of it. */
async function attempt(ports: Ports, http: HttpClient, request: DownloadRequest): Promise<Hash> {
  const validator = await readNote(request);
  // Without a validator nobody can tell whether the rest belongs to what we have.
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
  await writeNote(request, answer.header('etag'), answer.header('last-modified'));
  const file = await open(request.path, start > 0 ? 'r+' : 'w', 0o600);
  try {
    const done = await copy(ports, request, { body: answer.body, file, hash, start, total });
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
  },
): Promise<number> {
  let done = from.start;
  for await (const chunk of from.body) {
    await from.file.write(chunk, 0, chunk.length, done);
    from.hash.update(chunk);
    done += chunk.length;
    if (done > MAX_BYTES) throw refused(request.url, 413);
    ports.report.progress(request.title, done, from.total, 'bytes');
  }
  return done;
}

const notePath = ({ path }: DownloadRequest) => `${path}.json`;

async function discard(request: DownloadRequest): Promise<void> {
  await rm(request.path, { force: true });
  await rm(notePath(request), { force: true });
}

/** What If-Range takes: a strong ETag, else the date; RFC 9110, 13.1.5. */
async function writeNote(request: DownloadRequest, etag: string, lastModified: string): Promise<void> {
  const validator = etag !== '' && !etag.startsWith('W/') ? etag : lastModified;
  await writeFile(notePath(request), JSON.stringify({ url: request.url, validator }));
}

async function readNote(request: DownloadRequest): Promise<string> {
  try {
    const note: unknown = JSON.parse(await readFile(notePath(request), 'utf8'));
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
