import { printable } from '../../base/printable.ts';
import type { ConnectStage } from '../session/failures.ts';

/** What `ssh -v` says beside its debug lines when all is well. */
const NOISE = /^(?:OpenSSH_\d|Authenticated to |Transferred: |Bytes per second|Warning: Permanently added)/;
const MOST_LINES = 40;

/** What the system's ssh tells by `LogLevel DEBUG1`, read as it comes. Bounded and printable. */
export class ClientLog {
  stage: ConnectStage = 'way';
  /** ssh has accepted the host's key, which the host has proved to own. */
  hasMet = false;
  /** The user is logged in, and the master takes clients. */
  isReady = false;
  /** The key in the certificate that the host has shown. */
  certified: { readonly type: string; readonly fingerprint: string } | undefined;
  /** The keys that the host was offered. */
  readonly offered: string[] = [];
  readonly #said: string[] = [];
  #part = '';

  add(text: string): void {
    const lines = (this.#part + text).split(/\r?\n/);
    this.#part = (lines.pop() ?? '').slice(0, 10_000);
    for (const line of lines) this.#take(line);
  }

  /** ssh's own words, without its debug lines. */
  get said(): string {
    return this.#said.join('\n');
  }

  #take(line: string): void {
    const [, debug] = /^debug\d: (.*)/.exec(line) ?? [];
    if (debug === undefined) {
      if (/^Authenticated to /.test(line)) this.stage = 'login';
      if (line.trim() !== '' && !NOISE.test(line)) this.#said.push(printable(line, 500));
      if (this.#said.length > MOST_LINES) this.#said.shift();
      return;
    }
    const [, offer] = /^Offering public key: (.*)/.exec(debug) ?? [];
    const [, type, fingerprint] = /^Server host certificate: (\S+) (SHA256:\S+?),/.exec(debug) ?? [];
    if (offer !== undefined && this.offered.length < MOST_LINES) this.offered.push(printable(offer, 200));
    if (type !== undefined && fingerprint !== undefined) {
      this.certified = { type: type.replace(/-cert-v01@openssh\.com$/, ''), fingerprint };
    }
    if (/^(?:Connection established|Executing proxy command)/.test(debug)) this.stage = 'greeting';
    if (/^SSH2_MSG_NEWKEYS received/.test(debug)) {
      this.hasMet = true;
      this.stage = 'login';
    }
    // The agent may ask the user.
    if (/^Server accepts key: .* agent$/.test(debug)) this.stage = 'agent';
    if (/^Server accepts key: .*-SK(?:-CERT)? SHA256:/.test(debug)) this.stage = 'touch';
    if (/^Entering interactive session/.test(debug)) this.isReady = true;
  }
}
