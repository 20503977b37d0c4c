import type { Readable } from 'node:stream';
import { isMachineError, messageOf } from '../base/machine-error.ts';
import { boundedText } from '../base/net.ts';
import { printable } from '../base/printable.ts';
import { downloadError } from './errors.ts';

/**
 * Proxies as URLs, and the list of NO_PROXY.
 * undefined in their place leaves it to undici, which reads the usual variables.
 */
export interface ProxySettings {
  readonly http?: string;
  readonly https?: string;
  readonly no?: string;
}

/** How long a site may take; in milliseconds. */
export interface HttpLimits {
  readonly connectMs: number;
  /** Longest silence, before the answer and within it. */
  readonly stallMs: number;
  /** For a whole text. */
  readonly textMs?: number;
}

export const HTTP_LIMITS: HttpLimits = { connectMs: 10_000, stallMs: 30_000 };
const TEXT_MS = 60_000;
const MAX_REDIRECTS = 5;
const MAX_TEXT_BYTES = 4 * 1024 * 1024;

export interface HttpAnswer {
  readonly status: number;
  /** Of a header by its lower-case name; '' when it is missing. */
  header(name: string): string;
  readonly body: Readable;
  /** Ends an answer whose body nobody wants. */
  drop(): void;
}

export interface HttpClient {
  /** GET, following a few redirects. A status is a result. @throws MM_DOWNLOAD_UNREACHABLE */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<HttpAnswer>;
  /**
   * A text of at most 4 MiB.
   * @throws MM_DOWNLOAD_FAILED when the answer is longer or its status is not 200
   */
  text(url: string): Promise<string>;
  close(): Promise<void>;
}

/** undici loads slowly, so it is loaded when something is fetched. */
export async function httpClient(
  proxy: ProxySettings | undefined,
  signal: AbortSignal,
  limits: HttpLimits = HTTP_LIMITS,
): Promise<HttpClient> {
  // The bare name gives Bun's stand-in, which knows no proxy and no time limit.
  const { EnvHttpProxyAgent, request } = await import('undici/index.js');
  const dispatcher = new EnvHttpProxyAgent({
    connect: { timeout: limits.connectMs },
    headersTimeout: limits.stallMs,
    bodyTimeout: limits.stallMs,
    ...(proxy === undefined
      ? {}
      : { httpProxy: proxy.http ?? '', httpsProxy: proxy.https ?? '', noProxy: proxy.no ?? '' }),
  });
  const get: HttpClient['get'] = async (url, headers = {}) => {
    let at = new URL(url);
    for (let redirects = 0; ; redirects += 1) {
      const answer = await request(at, { dispatcher, headers, signal }).catch((error: unknown) => {
        signal.throwIfAborted();
        throw unreachable(at, error);
      });
      const location = first(answer.headers['location']);
      const { statusCode: status } = answer;
      // undici ends a destroyed body with an error that nobody else would catch.
      const drop = () => void answer.body.on('error', () => undefined).destroy();
      if (status < 300 || status >= 400 || status === 304 || location === '')
        return { status, header: (name) => first(answer.headers[name]), body: answer.body, drop };
      drop();
      const next = new URL(location, at);
      if (redirects === MAX_REDIRECTS || (at.protocol === 'https:' && next.protocol !== 'https:')) {
        throw downloadError('MM_DOWNLOAD_FAILED', {
          message: `${at.host} redirects ${redirects === MAX_REDIRECTS ? 'too often' : 'to an address without TLS'}`,
          hint: 'Something on the way (a captive portal, a proxy) may be answering instead of the site.',
        });
      }
      at = next;
    }
  };
  return {
    get,
    async text(url) {
      const answer = await get(url);
      if (answer.status !== 200) {
        answer.drop();
        throw refused(url, answer.status);
      }
      const { textMs = TEXT_MS } = limits;
      const late = new Error(`its answer did not end within ${textMs / 1000} s`);
      AbortSignal.timeout(textMs).addEventListener('abort', () => answer.body.destroy(late));
      try {
        const text = await boundedText(answer.body, MAX_TEXT_BYTES);
        if (text !== undefined) return text;
      } catch (error) {
        signal.throwIfAborted();
        throw unreachable(new URL(url), error);
      }
      throw downloadError('MM_DOWNLOAD_FAILED', {
        message: `${printable(url, 300)} is longer than ${MAX_TEXT_BYTES / 1024 / 1024} MiB, which a list of checksums never is`,
        hint: 'Something on the way (a captive portal, a proxy) may be answering instead of the site.',
      });
    },
    close: () => dispatcher.destroy(),
  };
}

export function refused(url: string, status: number): Error {
  return downloadError('MM_DOWNLOAD_FAILED', {
    message: `${printable(url, 300)} was answered with HTTP status ${status}`,
    hint: 'The site may have moved the file.',
  });
}

function unreachable(url: URL, error: unknown): Error {
  if (isMachineError(error)) return error;
  return downloadError('MM_DOWNLOAD_UNREACHABLE', {
    message: `${url.host} cannot be reached: ${printable(reasonOf(error), 200)}`,
    hint: 'See that this computer has a way out (HTTPS_PROXY, NO_PROXY).',
    cause: error,
  });
}

/** An error of several addresses has no message of its own. */
function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return messageOf(error);
}

function first(value: string | string[] | undefined): string {
  return (Array.isArray(value) ? value[0] : value) ?? '';
}
