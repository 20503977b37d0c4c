import { errorsOf } from '../base/machine-error.ts';

export const guestErrors = {
  MM_GUEST_USER_DATA: { summary: 'The user data given for a new guest cannot be handed to cloud-init.' },
} as const;

export const guestError = errorsOf(guestErrors);
