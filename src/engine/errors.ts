import { errorsOf } from '../base/machine-error.ts';

export const engineErrors = {
  MM_ENGINE_URL: { summary: 'The address of an engine is not one that can be used.' },
  MM_ENGINE_REFUSED: {
    summary:
      'Nothing listens at the engine’s address; the stand-alone executable cannot tell that from a host to which there is no way.',
  },
  MM_ENGINE_TIMEOUT: { summary: 'The engine did not answer within its time.' },
  MM_ENGINE_UNREACHABLE: { summary: 'There is no way to the engine’s address.' },
  MM_ENGINE_NAME: { summary: 'The engine’s host name cannot be resolved.' },
  MM_ENGINE_CERT_AUTHORITY: { summary: 'The engine’s certificate is signed by another CA than ours.' },
  MM_ENGINE_OLD_TLS: { summary: 'The engine speaks no version of TLS that is safe.' },
  MM_ENGINE_CERT_PURPOSE: { summary: 'The engine’s certificate is not one for servers.' },
  MM_ENGINE_CERT_EXPIRED: { summary: 'A certificate, the engine’s or ours, has expired.' },
  MM_ENGINE_CLOCK: {
    summary: 'A certificate is not valid yet or no longer by a clock that is wrong, ours or the host’s.',
  },
  MM_ENGINE_CERT_NAME: { summary: 'The engine’s certificate is not for the address it is reached at.' },
  MM_ENGINE_CLIENT_CERT: { summary: 'The engine refused our client certificate.' },
  MM_ENGINE_NOT_TLS: { summary: 'The engine does not speak TLS where we do.' },
  MM_ENGINE_TLS_ONLY: { summary: 'The engine speaks TLS, and we have no certificates for it.' },
  MM_ENGINE_API: { summary: 'The engine answered with an error.' },
  MM_ENGINE_PROTOCOL: { summary: 'What answers is not a Docker Engine, or the connection broke.' },
} as const;

export const engineError = errorsOf(engineErrors);
