/**
 * False when the user has said that this computer has
 * no sshd: MM_WITHOUT=sshd (several with commas).
 */
export const needsSshd = !(process.env['MM_WITHOUT'] ?? '').split(',').includes('sshd');
