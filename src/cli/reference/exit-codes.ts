/** What the program ends with. */
export const exitCodes: readonly (readonly [code: number, meaning: string])[] = [
  [0, 'success'],
  [1, 'failed'],
  [2, 'the command line is wrong'],
  [
    3,
    "a driver's check before the create failed, and nothing was made (elsewhere the same failure ends with 1)",
  ],
  [4, 'some of several machines failed'],
  [130, 'interrupted'],
];

export const sshExitCode = "ssh ends with the remote command's own status.";
