import type { Duplex } from 'node:stream';
import { isObject } from '../base/json.ts';
import { type MachineError, messageOf } from '../base/machine-error.ts';
import type { Clock } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import {
  explain,
  isApiVersion,
  negotiate,
  oldestAssumed,
  readContainers,
  readProblem,
  readVersion,
} from './answers.ts';
import {
  BodyTooLarge,
  get,
  openWire,
  peekAtDates,
  type Reply,
  type TlsContexts,
  WireAgent,
} from './connect.ts';
import {
  type CertificateDates,
  type EngineClient,
  type EngineEndpoint,
  formatEngineUrl,
} from './contract.ts';
import { explainRefusal, type Situation, wireCode } from './diagnose-tls.ts';
import { engineError } from './errors.ts';

export interface EngineClientOptions {
  /** For hints such as "mymachine start NAME". */
  readonly machineName: string;
  readonly clock: Clock;
  /** Time for each call, its connection included. Default 20 s. */
  readonly timeoutMs?: number;
  /** Time until the host has taken a connection. Default 3 s. */
  readonly connectTimeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Shared by clients of engines that take the same certificates. */
  readonly tlsContexts?: TlsContexts | undefined;
  /** Bound on a reply. Default 16 MiB. */
  readonly maxBodyBytes?: number;
}

/** How long a quiet connection waits for the engine's alert about our certificate. */
const alertWaitMs = 1500;

/** The least time for an answer, behind a connection. */
const ANSWER_MS = 5000;

/** A client of one engine. It connects at the first call. `close` ends connections and calls. */
export function createEngineClient(endpoint: EngineEndpoint, options: EngineClientOptions): EngineClient {
  return new WireEngineClient(endpoint, options);
}

class WireEngineClient implements EngineClient {
  readonly #endpoint: EngineEndpoint;
  readonly #options: EngineClientOptions;
  readonly #where: string;
  readonly #timeoutMs: number;
  readonly #connectTimeoutMs: number;
  readonly #contexts: TlsContexts;
  readonly #closing = new AbortController();
  readonly #open = new Set<Duplex>();
  readonly #agent: WireAgent;
  #apiVersion: string | undefined;
  #shown: CertificateDates | undefined;

  constructor(endpoint: EngineEndpoint, options: EngineClientOptions) {
    this.#endpoint = endpoint;
    this.#options = options;
    this.#where =
      endpoint.kind === 'stream' ? `${options.machineName} (through SSH)` : formatEngineUrl(endpoint);
    // A call that may take long to connect has time for its answer, too.
    const { timeoutMs = 20_000, connectTimeoutMs = 0 } = options;
    this.#timeoutMs = connectTimeoutMs < timeoutMs ? timeoutMs : connectTimeoutMs + ANSWER_MS;
    this.#connectTimeoutMs = connectTimeoutMs || Math.min(timeoutMs, 3000);
    this.#contexts = options.tlsContexts ?? new Map();
    this.#agent = new WireAgent(() => this.#connect());
  }

  async ping(): Promise<{ readonly apiVersion: string }> {
    const reply = await this.#get('/_ping');
    const stated = reply.header('api-version');
    if (!/^OK\s*$/.test(reply.body)) throw this.#notAnEngine('/_ping');
    const apiVersion = isApiVersion(stated) ? stated : oldestAssumed;
    this.#apiVersion ??= negotiate(apiVersion);
    return { apiVersion };
  }

  /** The path has no API version, which every engine takes: one round trip tells all. */
  async version() {
    const version = readVersion(await this.#getJson('/version'));
    if (version === undefined) throw this.#notAnEngine('/version');
    this.#apiVersion = negotiate(version.apiVersion, version.minApiVersion);
    return version;
  }

  async info() {
    const info = await this.#getVersioned('/info');
    if (!isObject(info)) throw this.#notAnEngine('/info');
    return info;
  }

  async containers() {
    const containers = readContainers(await this.#getVersioned('/containers/json?all=1'));
    if (containers === undefined) throw this.#notAnEngine('/containers/json');
    return containers;
  }

  serverCertificate(): CertificateDates | undefined {
    return this.#shown;
  }

  close(): void {
    this.#closing.abort(this.#closed());
    this.#agent.destroy();
    for (const stream of this.#open) stream.destroy();
  }

  async #getVersioned(path: string): Promise<unknown> {
    if (this.#apiVersion === undefined) await this.ping();
    try {
      return await this.#getJson(`/v${this.#apiVersion}${path}`);
    } catch (error) {
      // An engine that is too new for us says its minimum in /version alone.
      if (!/too old|minimum supported API/i.test(messageOf(error))) throw error;
      const before = this.#apiVersion;
      await this.version();
      if (this.#apiVersion === before) throw error;
      return await this.#getJson(`/v${this.#apiVersion}${path}`);
    }
  }

  async #getJson(path: string): Promise<unknown> {
    const reply = await this.#get(path);
    try {
      return JSON.parse(reply.body) as unknown;
    } catch (error) {
      throw this.#notAnEngine(path, error);
    }
  }

  /** One call within its deadline. @throws MM_ENGINE_API for a status that is not 2xx */
  async #get(path: string): Promise<Reply> {
    const { signal, clear } = this.#deadline();
    try {
      const maxBodyBytes = this.#options.maxBodyBytes ?? 16 * 1024 * 1024;
      const reply = await get(this.#agent, path, { signal, maxBodyBytes });
      if (reply.status < 200) throw this.#notAnEngine(path, new Error(`the status ${reply.status}`));
      if (reply.status > 299) throw this.#problem(reply);
      return reply;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof BodyTooLarge) throw this.#notAnEngine(path, error);
      if (this.#endpoint.kind === 'tls' && /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(wireCode(error)))
        this.#shown = await peekAtDates(this.#endpoint, signal, this.#contexts);
      const explained = explain(error, this.#situation());
      if (explained.code !== 'MM_ENGINE_PROTOCOL') throw explained;
      throw (await this.#explainHangUp(error, signal)) ?? explained;
    } finally {
      clear();
    }
  }

  /** Opens a connection for the pool. It outlives the call that wanted it, for others to use. */
  async #connect(): Promise<Duplex> {
    const { signal, clear } = this.#deadline();
    const [untaken, taken] = [new AbortController(), new AbortController()];
    const patienceMs = this.#endpoint.kind === 'stream' ? this.#timeoutMs : this.#connectTimeoutMs;
    this.#options.clock.sleep(patienceMs, taken.signal).then(
      () => untaken.abort(this.#untaken()),
      () => undefined,
    );
    const either = AbortSignal.any([signal, untaken.signal]);
    try {
      const { stream, dates } = await openWire(this.#endpoint, either, this.#contexts, () => taken.abort());
      this.#open.add(stream);
      this.#shown = dates;
      stream.once('close', () => this.#open.delete(stream));
      // Between two calls nobody listens, and the engine may hang up then.
      stream.on('error', () => {});
      return stream;
    } finally {
      taken.abort();
      clear();
    }
  }

  /** Ends with the time for a call, the client's end, or an interruption. */
  #deadline(): { readonly signal: AbortSignal; readonly clear: () => void } {
    const [late, done] = [new AbortController(), new AbortController()];
    this.#options.clock.sleep(this.#timeoutMs, done.signal).then(
      () => late.abort(this.#late()),
      () => undefined,
    );
    const signals = [late.signal, this.#closing.signal, this.#options.signal];
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
    return { signal, clear: () => done.abort() };
  }

  /**
   * Finds out why the engine hung up.
   * In TLS 1.3 our handshake ends before the engine has seen our certificate. The reset that
   * answers our request may overtake the alert that says why. So we check our certificate
   * ourselves, and else wait for the alert on a connection that sends nothing.
   */
  async #explainHangUp(error: unknown, signal: AbortSignal): Promise<MachineError | undefined> {
    const hungUp = ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'EPROTO'].includes(wireCode(error));
    if (this.#endpoint.kind !== 'tls' || !hungUp) return undefined;
    const own = explainRefusal(this.#situation(), error);
    if (own !== undefined) return own;
    try {
      const { stream } = await openWire(this.#endpoint, signal, this.#contexts);
      const done = new AbortController();
      const alert = await new Promise<unknown>((resolve) => {
        const end = () => resolve(undefined);
        stream.once('error', resolve).once('close', end).resume();
        this.#options.clock.sleep(alertWaitMs, done.signal).then(end, end);
      });
      done.abort();
      stream.destroy();
      return alert === undefined ? undefined : explain(alert, this.#situation());
    } catch (second) {
      return signal.aborted ? undefined : explain(second, this.#situation());
    }
  }

  #problem(reply: Reply): MachineError {
    const name = this.#options.machineName;
    if (this.#endpoint.kind === 'tcp' && reply.status === 400 && /HTTPS server/.test(reply.body)) {
      return engineError('MM_ENGINE_TLS_ONLY', {
        message: `The engine at ${this.#where} speaks TLS, and there are no certificates for it`,
        hint: `Put ca.pem, cert.pem and key.pem of this engine into the folder of machine ${name}.`,
      });
    }
    return engineError('MM_ENGINE_API', {
      message: `The engine at ${this.#where} answered ${reply.status}: ${readProblem(reply.body) || 'nothing more'}`,
      hint: `See what it says itself: "mymachine ssh ${name} journalctl -u docker -n 20".`,
    });
  }

  #untaken(): MachineError {
    return engineError('MM_ENGINE_TIMEOUT', {
      message: `Nobody took the connection to ${this.#where} within ${this.#connectTimeoutMs / 1000} s`,
      hint: `Is the machine running, and is its port open to this computer? Look with "mymachine status ${this.#options.machineName}"; for a slow network set MYMACHINE_CONNECT_TIMEOUT.`,
    });
  }

  #late(): MachineError {
    const seconds = this.#timeoutMs / 1000;
    return engineError('MM_ENGINE_TIMEOUT', {
      message: `The engine at ${this.#where} did not answer within ${seconds} s`,
      hint: `Is the machine running, and is its port open to this computer? Look with "mymachine status ${this.#options.machineName}".`,
    });
  }

  #closed(): MachineError {
    return engineError('MM_ENGINE_PROTOCOL', {
      message: `The connection to ${this.#where} was closed by us`,
    });
  }

  #notAnEngine(path: string, cause?: unknown): MachineError {
    const why =
      cause instanceof BodyTooLarge
        ? 'more than is accepted'
        : cause === undefined
          ? 'something else'
          : printable(messageOf(cause), 100);
    return engineError('MM_ENGINE_PROTOCOL', {
      message: `What answers at ${this.#where} is not a Docker Engine: GET ${path} gave ${why}`,
      hint: `Check the address of machine ${this.#options.machineName}: "mymachine url ${this.#options.machineName}".`,
      cause,
    });
  }

  #situation(): Situation {
    return {
      endpoint: this.#endpoint,
      where: this.#where,
      machineName: this.#options.machineName,
      now: this.#options.clock.now(),
      shown: this.#shown,
    };
  }
}
