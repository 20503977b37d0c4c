import type { BaseConfig } from '../context.ts';
import type { Driver } from '../driver.ts';
import { cloudCases } from './cloud-cases.ts';
import { createCases } from './create-cases.ts';
import { dataCases } from './data-cases.ts';
import { powerCases, removeCases } from './power-cases.ts';
import type { Bed, ContractCase } from './trial.ts';

export { type StepMoment, testContext } from './test-machine.ts';
export type { Bed, ContractCase } from './trial.ts';
export { testPorts } from './trial.ts';

/** What every driver promises, as cases for any test runner. */
export async function driverContract<C extends BaseConfig>(
  driver: Driver<C>,
  bed: Bed,
): Promise<readonly ContractCase[]> {
  const { power, cloud } = await driver.load();
  return [
    ...dataCases(driver, bed),
    ...createCases(driver, bed),
    ...(power === undefined ? [] : powerCases(driver, bed, power)),
    ...removeCases(driver, bed),
    ...(cloud === undefined ? [] : cloudCases(driver, bed, cloud)),
  ];
}
