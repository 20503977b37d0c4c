import { printable } from '../base/printable.ts';
import { storeError } from './errors.ts';

/** docker-machine's rule for names; the bound leaves room for a file system's 255 bytes. */
const NAME = /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,199}$/;

/** For new machines. The words are docker-machine's. */
export function checkNewName(name: string): void {
  if (NAME.test(name)) return;
  throw storeError('MM_MACHINE_NAME', {
    message: 'Error creating machine: Invalid hostname specified. Allowed hostname chars are: 0-9a-zA-Z . -',
    hint:
      name.length > 200
        ? 'A name has 200 characters at most.'
        : `Choose a name that begins with a letter or a digit; "${printable(name, 60)}" cannot be one.`,
  });
}

/** For machines that are there: any folder that is not hidden, but never a way out of the store. */
export function isFolderName(name: string): boolean {
  return name.length > 0 && name.length <= 255 && !name.startsWith('.') && !/[/\\\0]/.test(name);
}
