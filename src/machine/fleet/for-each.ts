import pLimit from 'p-limit';

/** What became of one machine in an operation over several. */
export type FleetResult<T> =
  | { readonly name: string; readonly ok: true; readonly value: T }
  | { readonly name: string; readonly ok: false; readonly error: unknown };

/** How many hosts are worked on at a time. */
export const FLEET_BOUND = 16;

/**
 * Runs `work` for every name, side by side within the bound.
 * One failure does not stop the others. Results keep the order of the names.
 */
export async function forEachMachine<T>(
  names: readonly string[],
  work: (name: string) => Promise<T>,
  bound = FLEET_BOUND,
): Promise<readonly FleetResult<T>[]> {
  const limit = pLimit(bound);
  return Promise.all(
    names.map((name) =>
      limit(async (): Promise<FleetResult<T>> => {
        try {
          return { name, ok: true, value: await work(name) };
        } catch (error) {
          return { name, ok: false, error };
        }
      }),
    ),
  );
}
