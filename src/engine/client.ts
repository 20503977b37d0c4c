import type { Duplex } from 'node:stream';
import { isObject } from '../base/json.ts';
import { type MachineError, messageOf } from '../base/machine-error.ts';
import type { Clock } from '../base/ports.ts';
import { printable } from '../base/printable.ts';
import { readContainers, readProblem, readVersion } from './answers.ts';
import { isApiVersion, negotiate, oldestAssumed } from './api-version.ts';
import { openWire, peekAtDates, type TlsContexts } from './connect.ts';
import type { CertificateDates, EngineClient, EngineEndpoint } from './contract.ts';
import { explain } from './diagnose.ts';
import { explainRefusal } from './diagnose-tls.ts';
import { engineError } from './errors.ts';
import { BodyTooLarge, get, type Reply, WireAgent } from './request.ts';
import { codeOf, type Situation } from './situation.ts';
import { formatEngineUrl } from './url.ts';

export interface EngineClientOptions {
  /** For hints: "mymachine start NAME". */
  readonly machineName: string;
  /** Tells whether certificates are out of date. */
  readonly clock: Pick<Clock, 'now'>;
  /** Time for each call, with its connection. Default 20 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal | undefined;
  /** Shared by clients of engines that take the same certificates. */
  readonly tlsContexts?: TlsContexts | undefined;
  /** Bound on a reply. Default 16 MiB. */
  readonly maxBodyBytes?: number;
}

/** A quiet connection learns the engine's word on our certificate within this time; it is only asked after a failure. */
const alertWaitMs = 1500;

/** A client of one engine. Nothing is opened before the first call; `close` ends what is open, also calls that run. */
export function createEngineClient(endpoint: EngineEndpoint, options: EngineClientOptions): EngineClient {
  return new WireEngineClient(endpoint, options);
}

class WireEngineClient implements EngineClient {
  readonly #endpoint: EngineEndpoint;
  readonly #options: EngineClientOptions;
  readonly #where: string;
  readonly #timeoutMs: number;
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
    this.#timeoutMs = options.timeoutMs ?? 20_000;
    this.#contexts = options.tlsContexts ?? new Map();
    this.#agent = new WireAgent(() => this.#connect());
  }

  async ping(): Promise<{ readonly apiVersion: string }> {
    const reply = await this.#get('/_ping');
    const stated = reply.header('api-version');
    if (stated === undefined && !/^OK\s*$/.test(reply.body)) throw this.#notAnEngine('/_ping');
    const apiVersion = isApiVersion(stated) ? stated : oldestAssumed;
    this.#apiVersion ??= negotiate(apiVersion);
    return { apiVersion };
  }

  /** Without a version in its path, which every engine takes: one round trip tells everything. */
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
      // An engine too new for all we know says its minimum only in /version.
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

  /** One call within its deadline; a reply that is not 200 is MM_ENGINE_API. */
  async #get(path: string): Promise<Reply> {
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(this.#late()), this.#timeoutMs);
    const signals = [deadline.signal, this.#closing.signal, this.#options.signal];
    const signal = AbortSignal.any(signals.filter((one) => one !== undefined));
    try {
      const maxBodyBytes = this.#options.maxBodyBytes ?? 16 * 1024 * 1024;
      const reply = await get(this.#agent, path, { signal, maxBodyBytes });
      if (reply.status < 200 || reply.status > 299) throw this.#problem(reply);
      return reply;
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof BodyTooLarge) throw this.#notAnEngine(path, error);
      if (this.#endpoint.kind === 'tls' && /^CERT_(HAS_EXPIRED|NOT_YET_VALID)$/.test(codeOf(error)))
        this.#shown = await peekAtDates(this.#endpoint, signal, this.#contexts);
      const explained = explain(error, this.#situation());
      if (explained.code !== 'MM_ENGINE_PROTOCOL') throw explained;
      throw (await this.#explainHangUp(error, signal)) ?? explained;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The pool asks for a wire. It is bound to the client's life and to the time of a call, not to one call: another may get it. */
  async #connect(): Promise<Duplex> {
    const late = new AbortController();
    const timer = setTimeout(() => late.abort(this.#late()), this.#timeoutMs);
    const signals = [late.signal, this.#closing.signal, this.#options.signal];
    try {
      const { stream, dates } = await openWire(
        this.#endpoint,
        AbortSignal.any(signals.filter((one) => one !== undefined)),
        this.#contexts,
      );
      this.#open.add(stream);
      this.#shown = dates;
      stream.once('close', () => this.#open.delete(stream));
      // Between two calls nobody listens, and an engine may well hang up then.
      stream.on('error', () => {});
      return stream;
    } finally {
      clearTimeout(timer);
    }
  }

  /**
   * In TLS 1.3 the client is through with the handshake before the engine has looked at its certificate; the request that
   * is on its way by then can make the reset of the connection overtake the alert that says why. So our certificate is
   * looked at here, and else a connection that sends nothing waits for the alert.
   */
  async #explainHangUp(error: unknown, signal: AbortSignal): Promise<MachineError | undefined> {
    const hungUp = ['ECONNRESET', 'EPIPE', 'ECONNABORTED', 'EPROTO'].includes(codeOf(error));
    if (this.#endpoint.kind !== 'tls' || !hungUp) return undefined;
    const own = explainRefusal(this.#situation(), error);
    if (own !== undefined) return own;
    try {
      const { stream } = await openWire(this.#endpoint, signal, this.#contexts);
      const alert = await new Promise<unknown>((resolve) => {
        const timer = setTimeout(() => resolve(undefined), alertWaitMs);
        stream.once('error', resolve);
        stream.once('close', () => resolve(undefined));
        stream.once('close', () => clearTimeout(timer));
        stream.resume();
      });
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
