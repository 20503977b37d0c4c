/** What the text of shell-init is made for. */
export interface FunctionWish {
  /** Name of the function: mymachine or docker-machine. */
  readonly name: string;
  /** What starts the program: its name or its path, and options for every call. */
  readonly argv: readonly string[];
  /**
   * The store when the user gave it for good; undefined where $MACHINE_STORAGE_PATH decides at each
   * call.
   */
  readonly store: string | undefined;
  /**
   * A record of the engine's address may be used as it is: not on Windows, where a path looks
   * otherwise to the shell.
   */
  readonly cached: boolean;
}

/** What `use` sets, and `use --unset` takes away. */
export const switchVariables = [
  'DOCKER_TLS_VERIFY',
  'DOCKER_HOST',
  'DOCKER_CERT_PATH',
  'DOCKER_MACHINE_NAME',
] as const;

/**
 * What a machine that is reached through SSH does without; left from another one, it would mislead.
 */
export const tlsVariables = ['DOCKER_TLS_VERIFY', 'DOCKER_CERT_PATH'] as const;

/** A name that may stand in variables and functions of every shell. */
export const identifier = (name: string) => name.replaceAll('-', '_');
