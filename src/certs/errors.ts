import { errorsOf } from '../base/machine-error.ts';

export const certsErrors = {
  MM_CERTS_NAME: { summary: 'A name or address cannot stand in a certificate.' },
  MM_CERTS_READ: { summary: 'A certificate cannot be read.' },
  MM_CERTS_KEY: { summary: 'A private key cannot be read, or belongs to another certificate.' },
} as const;

export const certsError = errorsOf(certsErrors);
