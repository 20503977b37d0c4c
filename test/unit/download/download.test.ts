import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Ports } from '../../../src/base/ports.ts';
import { localPrograms } from '../../../src/cli/computer/programs.ts';
import { type DownloadRequest, download } from '../../../src/download/download.ts';
import { httpClient } from '../../../src/download/http.ts';

// undici looks at its clocks once a second.
vi.setConfig({ testTimeout: 60_000 });

const content = Buffer.alloc(300_000, 'the image ');
const hex = createHash('sha512').update(content).digest('hex');

let folder = '';
let server: Server;
let requests: IncomingMessage[] = [];
let answer: (request: IncomingMessage, response: ServerResponse) => void;
let url = '';
let progress: number[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'download-'));
  requests = [];
  progress = [];
  server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.qcow2`;
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(folder, { recursive: true });
});

function ports(signal = new AbortController().signal, now = () => Date.now()): Ports {
  return {
    clock: { now, sleep: async () => undefined },
    report: {
      info: () => undefined,
      warn: () => undefined,
      debug: () => undefined,
      step: (_, work) => work(),
      progress: (_, done) => progress.push(done),
    },
    programs: localPrograms({}),
    signal,
  };
}

const request = (): DownloadRequest => ({
  url,
  path: join(folder, 'image.part'),
  checksum: { algorithm: 'sha512', hex },
  title: 'the image',
});

async function fetchIt(
  stallMs = 2000,
  signal?: AbortSignal,
  more: Partial<DownloadRequest> = {},
  now?: () => number,
): Promise<void> {
  const context = ports(signal, now);
  const http = await httpClient({}, context.signal, { connectMs: 1000, stallMs });
  try {
    await download(context, http, { ...request(), ...more });
  } finally {
    await http.close();
  }
}

const whole = (response: ServerResponse, etag = '"1"') =>
  response.writeHead(200, { 'content-length': content.length, etag }).end(content);

/**
 * Serves ranges as a good site does, but ends the connection after `limit` bytes of each answer.
 */
function cutting(limit: number, etag = '"1"') {
  return (incoming: IncomingMessage, response: ServerResponse) => {
    const from = Number(/^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')?.[1] ?? 0);
    const honoured = from > 0 && incoming.headers['if-range'] === etag;
    const start = honoured ? from : 0;
    response.writeHead(honoured ? 206 : 200, {
      etag,
      'content-length': content.length - start,
      ...(honoured ? { 'content-range': `bytes ${start}-${content.length - 1}/${content.length}` } : {}),
    });
    const part = content.subarray(start, start + limit);
    response.write(part);
    // What is still under way when a connection ends is lost, so it ends when all has come.
    const cut = () => {
      if (start + part.length === content.length) response.end();
      else if (progress.at(-1) === start + part.length) response.destroy();
      else setTimeout(cut, 5);
    };
    cut();
  };
}

test('a file is fetched, checked, and its progress told', async () => {
  answer = (_, response) => whole(response);
  await fetchIt();
  expect((await readFile(request().path)).equals(content)).toBe(true);
  expect(progress.at(-1)).toBe(content.length);
  expect(await readdir(folder)).toEqual(['image.part']);
});

test('a connection that is cut again and again is taken up where it was', async () => {
  answer = cutting(70_000);
  await fetchIt();
  expect((await readFile(request().path)).equals(content)).toBe(true);
  expect(requests.length).toBeGreaterThan(3);
  expect(requests.slice(1).every(({ headers }) => headers.range !== undefined)).toBe(true);
});

test('what an earlier run left is gone on with', async () => {
  await writeFile(request().path, content.subarray(0, 200_000));
  await writeFile(`${request().path}.json`, JSON.stringify({ url, validator: '"1"' }));
  answer = cutting(content.length);
  await fetchIt();
  expect(requests.map(({ headers }) => headers.range)).toEqual(['bytes=200000-']);
  expect((await readFile(request().path)).equals(content)).toBe(true);
});

test('a site that ignores ranges, or has a newer file, sends it from the start', async () => {
  await writeFile(request().path, Buffer.alloc(200_000, 'old'));
  await writeFile(`${request().path}.json`, JSON.stringify({ url, validator: '"old"' }));
  answer = (_, response) => whole(response);
  await fetchIt();
  expect((await readFile(request().path)).equals(content)).toBe(true);
});

test('what was left of another address is not gone on with', async () => {
  await writeFile(request().path, Buffer.alloc(200_000, 'old'));
  await writeFile(
    `${request().path}.json`,
    JSON.stringify({ url: 'http://elsewhere.example/', validator: '"1"' }),
  );
  answer = (_, response) => whole(response);
  await fetchIt();
  expect(requests.map(({ headers }) => headers.range)).toEqual([undefined]);
});

test('a part that is longer than the file makes the site refuse the range, and is thrown away', async () => {
  await writeFile(request().path, Buffer.alloc(content.length + 5));
  await writeFile(`${request().path}.json`, JSON.stringify({ url, validator: '"1"' }));
  answer = (incoming, response) => {
    if (incoming.headers.range !== undefined) response.writeHead(416).end();
    else whole(response);
  };
  await fetchIt();
  expect((await readFile(request().path)).equals(content)).toBe(true);
});

test('a file with another checksum is deleted and refused', async () => {
  answer = (_, response) => response.end('something else');
  await expect(fetchIt()).rejects.toMatchObject({ code: 'MM_DOWNLOAD_CHECKSUM' });
  expect(await readdir(folder)).toEqual([]);
});

test('a file that is not there is refused at once, with its status', async () => {
  answer = (_, response) => response.writeHead(404).end();
  await expect(fetchIt()).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_FAILED',
    message: expect.stringContaining('404'),
  });
  expect(requests.length).toBe(1);
});

test('a site that falls silent is given up after some attempts, and what came is kept', async () => {
  answer = (incoming, response) => {
    if (incoming.headers.range !== undefined) return;
    response.writeHead(200, { 'content-length': content.length, etag: '"1"' });
    response.write(content.subarray(0, 50_000));
  };
  await expect(fetchIt(150)).rejects.toMatchObject({ hint: expect.stringContaining('HTTPS_PROXY') });
  expect((await readFile(request().path)).length).toBe(50_000);
});

test('a site that only fails is tried a few times', async () => {
  answer = (_, response) => response.writeHead(503).end();
  await expect(fetchIt()).rejects.toMatchObject({ code: 'MM_DOWNLOAD_FAILED' });
  expect(requests.length).toBe(4);
});

test('redirects are followed a few times and no further', async () => {
  answer = (incoming, response) => {
    if (incoming.url === '/there') whole(response);
    else response.writeHead(302, { location: '/there' }).end();
  };
  await fetchIt();
  answer = (_, response) => response.writeHead(302, { location: '/again' }).end();
  requests = [];
  await rm(request().path);
  await expect(fetchIt()).rejects.toMatchObject({ message: expect.stringContaining('too often') });
  expect(requests.length).toBe(6);
});

test('an interruption ends it, and what came is kept', async () => {
  const controller = new AbortController();
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': content.length, etag: '"1"' });
    response.write(content.subarray(0, 50_000), () =>
      setTimeout(() => controller.abort(new Error('stop')), 50),
    );
  };
  await expect(fetchIt(30_000, controller.signal)).rejects.toThrow('stop');
  expect((await readFile(request().path)).length).toBe(50_000);
});

/** Writes small pieces until the other side ends, as quickly as they are taken, or at intervals. */
function endless(response: ServerResponse, piece: Buffer, everyMs?: number): void {
  const more = () => {
    if (response.destroyed) return;
    if (everyMs === undefined) response.write(piece, more);
    else setTimeout(() => response.write(piece, more), everyMs);
  };
  response.on('error', () => undefined);
  more();
}

test('an answer without a length or an end is no longer than it may be, and leaves nothing', async () => {
  answer = (_, response) => endless(response, Buffer.alloc(256 * 1024));
  await expect(fetchIt(5000, undefined, { maxBytes: 1024 * 1024 })).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_TOO_LARGE',
    message: expect.stringContaining('1 MiB'),
  });
  expect(await readdir(folder)).toEqual([]);
});

test('what would fill the disk is refused before a byte of it is written', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': 2 ** 50 });
    response.write('a');
  };
  await expect(fetchIt(5000, undefined, { maxBytes: 2 ** 51 })).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_TOO_LARGE',
    hint: expect.stringContaining('room'),
  });
  expect(await readdir(folder)).toEqual([]);
  expect(requests.length).toBe(1);
});

test('a length beyond what may be is refused at once', async () => {
  answer = (_, response) => whole(response);
  const tight = fetchIt(5000, undefined, { maxBytes: content.length - 1 });
  await expect(tight).rejects.toMatchObject({ code: 'MM_DOWNLOAD_TOO_LARGE' });
  expect(progress).toEqual([]);
  await fetchIt(5000, undefined, { maxBytes: content.length });
});

test('a site that sends a byte now and then is given up, though it never falls silent', async () => {
  answer = (_, response) => {
    response.writeHead(200, { 'content-length': content.length, etag: '"1"' });
    endless(response, Buffer.from('a'), 1);
  };
  let now = 0;
  const slow = fetchIt(5000, undefined, {}, () => (now += 10_000));
  await expect(slow).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_FAILED',
    message: expect.stringContaining('too slow'),
  });
  expect(requests.length).toBe(4);
});

test('a text that comes a byte at a time is given up', async () => {
  answer = (_, response) => endless(response, Buffer.from('a'), 1);
  const limits = { connectMs: 1000, stallMs: 5000, textMs: 200 };
  const http = await httpClient({}, new AbortController().signal, limits);
  await expect(http.text(url)).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_UNREACHABLE',
    message: expect.stringContaining('did not end'),
  });
  await http.close();
});

test('what a redirect says besides is not waited for', async () => {
  answer = (incoming, response) => {
    if (incoming.url === '/there') whole(response);
    else endless(response.writeHead(302, { location: '/there' }), Buffer.from('a'), 1);
  };
  await fetchIt(60_000);
  expect(requests.length).toBe(2);
}, 20_000);

test('nobody there at all is told as such', async () => {
  const http = await httpClient({}, new AbortController().signal, { connectMs: 1000, stallMs: 1000 });
  const port = (server.address() as AddressInfo).port;
  await new Promise((resolve) => server.close(resolve));
  await expect(http.text(`http://127.0.0.1:${port}/`)).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_UNREACHABLE',
  });
  await http.close();
  server.listen(0);
});

test('a text without an end is not read to its end', async () => {
  answer = (_, response) => {
    const piece = Buffer.alloc(1024 * 1024, 'x');
    const more = () => response.write(piece, more);
    more();
    response.on('error', () => undefined);
  };
  const http = await httpClient({}, new AbortController().signal, { connectMs: 1000, stallMs: 5000 });
  await expect(http.text(url)).rejects.toMatchObject({
    code: 'MM_DOWNLOAD_FAILED',
    message: expect.stringContaining('longer than 4 MiB'),
  });
  await http.close();
});

test('a proxy is asked when there is one, and left out for the names that NO_PROXY has', async () => {
  const seen: string[] = [];
  const proxy = createServer((incoming, response) => {
    seen.push(incoming.url ?? '');
    response.end('from the proxy');
  }).on('connect', (incoming, socket) => {
    seen.push(`CONNECT ${incoming.url}`);
    socket.end('HTTP/1.1 502 no\r\n\r\n');
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  answer = (_, response) => response.end('from the site');
  const address = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const limits = { connectMs: 1000, stallMs: 1000 };
  const through = await httpClient({ http: address }, new AbortController().signal, limits);
  const around = await httpClient({ http: address, no: '127.0.0.1' }, new AbortController().signal, limits);
  await through.text(url).catch(() => undefined);
  expect(seen.length).toBe(1);
  expect(await around.text(url)).toBe('from the site');
  expect(seen.length).toBe(1);
  await Promise.all([through.close(), around.close()]);
  await new Promise((resolve) => proxy.close(resolve));
});
