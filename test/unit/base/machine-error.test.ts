import { expect, test } from 'vitest';
import { isMachineError, MachineError } from '../../../src/base/machine-error.ts';

test('an error of another copy of the module is one of ours, and any other error is not', async () => {
  const other: typeof import('../../../src/base/machine-error.ts') = await import(
    `${import.meta.dirname}/../../../src/base/machine-error.ts?another-copy`
  );
  expect(other.MachineError).not.toBe(MachineError);
  const error: unknown = new other.MachineError('MM_RACK_FULL', 3, { message: 'The rack is full' });
  expect(error).toBeInstanceOf(MachineError);
  expect(isMachineError(error, 'MM_RACK_FULL')).toBe(true);
  expect(isMachineError(error, 'MM_RACK_HOST')).toBe(false);
  for (const foreign of [new Error('The rack is full'), { code: 'MM_RACK_FULL' }, 'MM_RACK_FULL', null])
    expect(isMachineError(foreign)).toBe(false);
});
