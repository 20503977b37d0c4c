/** Puts a text into the words of this run. */
export type Say = (text: string) => string;

/**
 * Texts everywhere call the program mymachine. Whoever calls it docker-machine
 * is told docker-machine's name: everything that the command line says passes
 * through this. Only what can be typed counts, the name before a command or an
 * option; a file's name is none, nor is a machine that happens to be called so.
 */
export function underName(program: string, verbs: readonly string[]): Say {
  if (program === 'mymachine') return (text) => text;
  const call = new RegExp(`(?<![\\w./-])mymachine(?= (?:--?[a-z]|(?:${verbs.join('|')})\\b))`, 'g');
  return (text) => text.replaceAll(call, program);
}
