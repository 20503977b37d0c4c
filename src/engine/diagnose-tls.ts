import { X509Certificate } from 'node:crypto';
import { codeOf, type MachineError, messageOf } from '../base/machine-error.ts';
import { printable } from '../base/printable.ts';
import { datesOfCertificate } from './connect.ts';
import type { CertificateDates, EngineEndpoint } from './contract.ts';
import { engineError } from './errors.ts';

type TlsEndpoint = Extract<EngineEndpoint, { kind: 'tls' }>;

/** What is known where an error is explained. */
export interface Situation {
  readonly endpoint: EngineEndpoint;
  /** `tcp://1.2.3.4:2376`, or where a stream leads. */
  readonly where: string;
  readonly machineName: string;
  readonly now: number;
  /** The dates of the engine's certificate, if they could be seen. */
  readonly shown?: CertificateDates | undefined;
}

/** The code of an error of the wire, '' when it has none. */
export function wireCode(error: unknown): string {
  const code = codeOf(error);
  const { reason } = error as { reason?: unknown };
  // EPROTO stands for any error of OpenSSL. `reason` says which: "wrong version number".
  if (code === 'EPROTO' && typeof reason === 'string')
    return `ERR_SSL_${reason.toUpperCase().replace(/\W/g, '_')}`;
  return code;
}

/** Codes of Node for a server certificate whose chain does not end at our CA. */
const untrusted = new Set([
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'CERT_REJECTED',
  'INVALID_CA',
]);

/** OpenSSL's names of alerts about our certificate (RFC 8446, 6.2). Old engines say BAD for all. */
const refusals =
  /ALERT_(CERTIFICATE_REQUIRED|UNKNOWN_CA|BAD_CERTIFICATE|CERTIFICATE_UNKNOWN|CERTIFICATE_REVOKED|UNSUPPORTED_CERTIFICATE|CERTIFICATE_EXPIRED|ACCESS_DENIED|DECRYPT_ERROR|HANDSHAKE_FAILURE)/;

/** Purposes of a client's certificate: that one, or any. */
const FOR_CLIENTS: readonly string[] = ['1.3.6.1.5.5.7.3.2', '2.5.29.37.0'];

function datesOf(pem: string): CertificateDates | undefined {
  try {
    return datesOfCertificate(new X509Certificate(pem));
  } catch {
    return undefined;
  }
}

function isOutOfDate(dates: CertificateDates | undefined, now: number): boolean {
  return dates !== undefined && (now > dates.notAfter || now < dates.notBefore);
}

const renewal = (machineName: string) => `Run "mymachine regenerate-certs --client-certs ${machineName}".`;
const minute = (ms: number) => `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
const day = (ms: number) => new Date(ms).toISOString().slice(0, 10);

/**
 * A certificate outside its dates. If it is not valid yet, a clock is wrong:
 * certificates begin five minutes before they are made.
 */
function outOfDate(
  whose: string,
  dates: CertificateDates | undefined,
  situation: Situation,
  hint: string,
  cause: unknown,
): MachineError {
  const { now, machineName } = situation;
  const early = wireCode(cause) === 'CERT_NOT_YET_VALID' || (dates !== undefined && now < dates.notBefore);
  if (!early) {
    const when = dates === undefined ? '' : ` (on ${day(dates.notAfter)})`;
    return engineError('MM_ENGINE_CERT_EXPIRED', { message: `${whose} has expired${when}`, hint, cause });
  }
  const begin = dates === undefined ? '' : `: it begins on ${minute(dates.notBefore)}`;
  return engineError('MM_ENGINE_CLOCK', {
    message: `${whose} is not valid yet${begin}, and this computer's clock says ${minute(now)}`,
    hint: `Set this computer's clock: it is behind, for certificates begin before they are made. (If it is right, it was ahead when the certificate was made: "mymachine regenerate-certs ${machineName}".)`,
    cause,
  });
}

/** The engine found our certificate out of date. If by our clock it is not, its clock is wrong. */
function refusedForItsDate(situation: Situation, endpoint: TlsEndpoint, cause: unknown): MachineError {
  const { where, machineName, now } = situation;
  const renew = renewal(machineName);
  const [ca, own] = [datesOf(endpoint.ca), datesOf(endpoint.cert)];
  if (isOutOfDate(ca, now)) return outOfDate('Our CA certificate', ca, situation, renew, cause);
  if (own === undefined || isOutOfDate(own, now)) {
    return outOfDate('Our client certificate', own, situation, renew, cause);
  }
  return engineError('MM_ENGINE_CLOCK', {
    message: `The engine at ${where} takes our client certificate for out of date, though it is valid from ${minute(own.notBefore)} to ${minute(own.notAfter)}: the clock of the host is wrong`,
    hint: `Here it is ${minute(now)}; the host says what it has with "mymachine ssh ${machineName} date -u". Set its clock there, such as with "mymachine ssh ${machineName} sudo timedatectl set-ntp true".`,
    cause,
  });
}

/** Why the engine refuses our certificate, if a look at it tells; undefined if it looks sound. */
export function explainRefusal(situation: Situation, cause: unknown): MachineError | undefined {
  if (situation.endpoint.kind !== 'tls') return undefined;
  const { ca, cert } = situation.endpoint;
  const renew = renewal(situation.machineName);
  const refused = (message: string, hint: string) =>
    engineError('MM_ENGINE_CLIENT_CERT', { message, hint, cause });
  if (cert === '') {
    return refused(
      `The engine at ${situation.where} wants a client certificate, and there is none`,
      `Put ca.pem, cert.pem and key.pem into the machine's folder, or run "mymachine regenerate-certs ${situation.machineName}".`,
    );
  }
  const dates = datesOf(cert);
  if (isOutOfDate(dates, situation.now)) {
    return outOfDate('Our client certificate', dates, situation, renew, cause);
  }
  try {
    const [ours, authority] = [new X509Certificate(cert), new X509Certificate(ca)];
    if (ours.checkIssued(authority) && ours.verify(authority.publicKey)) {
      const purposes: readonly string[] | undefined = ours.keyUsage;
      if (purposes?.some((oid) => FOR_CLIENTS.includes(oid)) ?? true) return undefined;
      return refused(
        `The engine at ${situation.where} refused our client certificate: it is not one for clients`,
        renew,
      );
    }
  } catch (error) {
    return refused(`Our client certificate or CA cannot be read: ${printable(messageOf(error), 200)}`, renew);
  }
  return refused(
    `The engine at ${situation.where} refused our client certificate: it is not signed by our CA`,
    renew,
  );
}

/** What a failed handshake means; undefined when it is not about TLS. */
export function explainTls(
  code: string,
  situation: Situation,
  endpoint: TlsEndpoint,
  cause: unknown,
): MachineError | undefined {
  const { where, machineName } = situation;
  const regenerate = `Run "mymachine regenerate-certs ${machineName}".`;
  if (untrusted.has(code)) {
    return engineError('MM_ENGINE_CERT_AUTHORITY', {
      message: `The certificate of the engine at ${where} is not signed by our CA`,
      hint: `${regenerate} Or check that this is your host, and that the store is the one the machine was made in.`,
      cause,
    });
  }
  if (/PROTOCOL_VERSION|UNSUPPORTED_PROTOCOL|WRONG_SSL_VERSION|VERSION_TOO_LOW/.test(code)) {
    return engineError('MM_ENGINE_OLD_TLS', {
      message: `The engine at ${where} speaks no version of TLS that this program does (1.2 and newer)`,
      hint: `Upgrade it: "mymachine upgrade ${machineName}", or where it is managed.`,
      cause,
    });
  }
  if (code === 'INVALID_PURPOSE') {
    return engineError('MM_ENGINE_CERT_PURPOSE', {
      message: `The certificate of the engine at ${where} is not one for servers`,
      hint: regenerate,
      cause,
    });
  }
  if (code === 'CERT_HAS_EXPIRED' || code === 'CERT_NOT_YET_VALID') {
    const ca = datesOf(endpoint.ca);
    return isOutOfDate(ca, situation.now)
      ? outOfDate('Our CA certificate', ca, situation, renewal(machineName), cause)
      : outOfDate(`The certificate of the engine at ${where}`, situation.shown, situation, regenerate, cause);
  }
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') {
    const sans = (cause as { cert?: { subjectaltname?: unknown } }).cert?.subjectaltname;
    const names = typeof sans === 'string' ? sans.replace(/(^|, )(?:DNS|IP Address):/g, '$1') : '';
    return engineError('MM_ENGINE_CERT_NAME', {
      message: `The certificate of the engine is not for ${endpoint.host}, but for ${names === '' ? 'no address at all' : printable(names, 300)}`,
      hint: regenerate,
      cause,
    });
  }
  if (refusals.test(code)) {
    if (/EXPIRED/.test(code)) return refusedForItsDate(situation, endpoint, cause);
    const alert = (refusals.exec(code)?.[1] ?? '').toLowerCase().replaceAll('_', ' ');
    // Old engines say so for every reason.
    const vague = alert === 'bad certificate';
    return (
      explainRefusal(situation, cause) ??
      engineError('MM_ENGINE_CLIENT_CERT', {
        message: `The engine at ${where} refused our client certificate ("${alert}"): it trusts another CA${vague ? ', or its clock is wrong' : ''}`,
        hint: vague
          ? `${regenerate} The host's clock is shown by "mymachine ssh ${machineName} date -u".`
          : regenerate,
        cause,
      })
    );
  }
  if (
    /WRONG_VERSION_NUMBER|HTTP_REQUEST|PACKET_LENGTH_TOO_LONG|UNKNOWN_PROTOCOL|BAD_RECORD_TYPE/.test(code)
  ) {
    return engineError('MM_ENGINE_NOT_TLS', {
      message: `What listens at ${where} does not speak TLS`,
      hint: `An engine without TLS lets everybody in. To set up TLS run "mymachine provision ${machineName}".`,
      cause,
    });
  }
  if (/^ERR_(SSL|OSSL|TLS)_|^ERR_CRYPTO/.test(code) && /KEY|PEM|ASN1|DER|X509|DECODER/.test(code)) {
    return engineError('MM_ENGINE_CLIENT_CERT', {
      message: `Our CA, client certificate or key cannot be used: ${printable(messageOf(cause), 200)}`,
      hint: renewal(machineName),
      cause,
    });
  }
  return undefined;
}
