type Environment = Readonly<Record<string, string | undefined>>;

/**
 * For the fault tests: MYMACHINE_FAULT_AT=3 kills this process with SIGKILL when the third entry
 * of the journal is on disk. Nothing else can show that every one of them can be the last.
 */
export function journalFault(
  env: Environment,
): ((step: string, state: 'intent' | 'done') => void) | undefined {
  const at = Number(env['MYMACHINE_FAULT_AT'] ?? 0);
  if (!(at > 0)) return undefined;
  let count = 0;
  return () => {
    count += 1;
    if (count === at) process.kill(process.pid, 'SIGKILL');
  };
}
