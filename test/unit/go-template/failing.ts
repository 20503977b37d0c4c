import { isMachineError } from '../../../src/base/machine-error.ts';
import { renderTemplate } from '../../../src/go-template/render.ts';
import { readCorpus } from '../../compat/templates/corpus.ts';

/** Data with a value of each kind. */
export const { kinds } = readCorpus().data;

/** The error of a template that fails. */
export function failing(template: string, data: unknown = kinds) {
  try {
    renderTemplate(template, data);
  } catch (error) {
    if (isMachineError(error, 'MM_TEMPLATE')) return error;
    throw error;
  }
  throw new Error(`${template} did not fail`);
}
