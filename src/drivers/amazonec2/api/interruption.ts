import type { EC2Client } from '@aws-sdk/client-ec2';

/** These change nothing, so their answers can be done without. */
const IS_QUESTION = /^Describe/;

/** A promise that is rejected with the signal's reason, and what stops listening for it. */
function whenAborted(signal: AbortSignal): { readonly aborted: Promise<never>; readonly forget: () => void } {
  let listener: () => void = () => undefined;
  const aborted = new Promise<never>((_, reject) => {
    listener = () => reject(signal.reason);
    signal.addEventListener('abort', listener, { once: true });
  });
  return { aborted, forget: () => signal.removeEventListener('abort', listener) };
}

/**
 * The user's interruption ends a question at once, with the signal's reason, and lets no other attempt begin. A change that
 * has been sent is waited for: what came of it must be written down.
 */
export function heedInterruptions(client: EC2Client, signal: AbortSignal): void {
  client.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        signal.throwIfAborted();
        if (!IS_QUESTION.test(commandName)) return next(args);
        const { aborted, forget } = whenAborted(signal);
        try {
          return await Promise.race([next(args), aborted]);
        } finally {
          forget();
        }
      },
    // Inside of the retries.
    { step: 'finalizeRequest', priority: 'low', name: 'mymachineInterruption' },
  );
}
